package evidence

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// look asks for one thing after the other over the same ticks.
type look struct {
	ctx        context.Context
	prometheus Prometheus
	ticks      slo.Ticks
	known      []bool // by tick: whether there was any data; nil: not known
}

func (l *look) traces(format string, args ...any) ([]slo.Trace, error) {
	return l.prometheus.Traces(l.ctx, fmt.Sprintf(format, args...), l.ticks)
}

// sees notes at which ticks there was any data: those at which one of these traces has a value.
func (l *look) sees(all []slo.Trace) {
	if len(all) == 0 {
		return
	}
	l.known = make([]bool, l.ticks.Len())
	for i := range l.known {
		l.known[i] = slices.ContainsFunc(all, func(t slo.Trace) bool { return !math.IsNaN(t.Values[i]) })
	}
}

// coarser returns a look at the same time in at most so many steps, but for one.
func (l *look) coarser(steps int) *look {
	coarse := &look{ctx: l.ctx, prometheus: l.prometheus, ticks: l.ticks}
	for coarse.ticks.Len() > steps {
		coarse.ticks.Interval += l.ticks.Interval
	}
	coarse.ticks.Last = coarse.ticks.At(coarse.ticks.Len() - 1)
	if l.known != nil {
		coarse.known = make([]bool, coarse.ticks.Len())
		for i := range coarse.known {
			coarse.known[i] = l.known[i*int(coarse.ticks.Interval/l.ticks.Interval)]
		}
	}
	return coarse
}

func (l *look) first() time.Time { return l.ticks.First }

func (l *look) last() time.Time { return l.ticks.Last }

func (l *look) time(i int) time.Time { return l.ticks.At(i) }

// at reports whether there was any data at a tick.
func (l *look) at(i int) bool { return l.known == nil || l.known[i] }

// begins returns the ticks at which a trace has a value, and had none at the last tick with data
// before. What is there at the first tick with data has not begun.
func (l *look) begins(t slo.Trace) (ticks []int) {
	before, seen := true, false
	for i, v := range t.Values {
		if !l.at(i) {
			continue
		}
		there := !math.IsNaN(v)
		if there && !before && seen {
			ticks = append(ticks, i)
		}
		before, seen = there, true
	}
	return ticks
}

// isMostlyThere reports whether a trace has a value at most of the ticks with data before a time.
// An alert that always fires says nothing by firing.
func (l *look) isMostlyThere(t slo.Trace, before time.Time) bool {
	there, all := 0, 0
	for i, v := range t.Values {
		if !l.at(i) || !l.ticks.At(i).Before(before) {
			continue
		}
		all++
		if !math.IsNaN(v) {
			there++
		}
	}
	return 2*there > all
}

// gap is for how many ticks with data a trace must have no value to be gone.
const gap = 5

// presence is a run of ticks at which a trace has values, short gaps aside.
type presence struct {
	first         int
	before, after int // the nearest ticks with data and without a value; -1: none
}

// runs returns the presences of a trace, in order.
func (l *look) runs(t slo.Trace) (all []presence) {
	before, missing, after := -1, gap, -1
	for i, v := range t.Values {
		switch {
		case !l.at(i):
		case math.IsNaN(v):
			if missing++; missing == 1 {
				after = i
			}
			if n := len(all); n > 0 && missing == gap {
				all[n-1].after = after
			}
			before = i
		default:
			if missing >= gap {
				all = append(all, presence{first: i, before: before, after: -1})
			}
			missing = 0
		}
	}
	return all
}

// move is a change of a number.
type move struct {
	at       time.Time
	from, to float64
}

// moves returns the changes of a number. Changes that are not apart are one, or none if they come
// to nothing, such as when a rollout has each target twice for a while.
func (l *look) moves(t slo.Trace, apart func(a, b time.Time) bool) (all []move) {
	before := math.NaN()
	for i := 0; i < len(t.Values) && len(all) < maxRows; i++ {
		v := t.Values[i]
		if !l.at(i) || math.IsNaN(v) {
			continue
		}
		if math.IsNaN(before) || v == before {
			before = v
			continue
		}
		start := i
		for j := i + 1; j < len(t.Values) && !apart(l.ticks.At(i), l.ticks.At(j)); j++ {
			if l.at(j) && !math.IsNaN(t.Values[j]) && t.Values[j] != v {
				i, v = j, t.Values[j]
			}
		}
		if v != before {
			all = append(all, move{l.ticks.At(start), before, v})
		}
		before = v
	}
	return all
}

// anyOf returns a quoted regular expression for some values: "a|b".
func anyOf(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return strconv.Quote(strings.Join(quoted, "|"))
}
