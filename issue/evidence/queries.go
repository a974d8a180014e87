package evidence

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// querySteps is how many steps a query of the SLO file is asked at.
	querySteps = 500
	// settled is how long before the onset the time ends from which the usual range of a query is taken: what leads to a breach often begins
	// a while before it.
	settled = time.Hour
	// margin is by how much of its level, and of its usual range, a query has to leave that range.
	margin = 0.1
	// maxSeriesTold is how many series of one query are told: those that left their range by most.
	maxSeriesTold = 3
)

// queries asks what the SLO file adds. Each query has a row at least: that something stayed as it was is worth to know as well.
func (c *collector) queries(ctx context.Context) {
	if c.Settings == nil {
		return
	}
	all := map[string]string{}
	for _, w := range c.incident.Windows {
		for name, query := range c.Settings(w.Objective.Name).Evidence.Queries {
			if _, asked := all[name]; !asked {
				all[name] = query
			}
		}
	}
	onset, end := c.incident.Onset(), c.end()
	step := c.Interval
	for end.Sub(onset.Add(-issue.Lookback))/step > querySteps {
		step += c.Interval
	}
	before := issue.Lookback / step // so that a step ends at the onset
	l := look{ticks: slo.Ticks{First: onset.Add(-before * step), Last: onset.Add(end.Sub(onset) / step * step), Interval: step}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c.part(ctx, 1, name, func(ctx context.Context, p Prometheus) error {
			traces, err := p.Traces(ctx, all[name], l.ticks)
			if err == nil {
				c.leaving(name, l, traces)
			}
			return err
		})
	}
}

// leaving tells which series of a query left the range that they had before, when, how far, and where they were in the end.
func (c *collector) leaving(name string, l look, traces []slo.Trace) {
	var all []excursion
	for _, t := range traces {
		if e, ok := excursionOf(t, l.ticks, c.incident.Onset()); ok {
			e.name = name
			delete(t.Labels, "__name__")
			if labels := slo.NewLabels(t.Labels); labels != "" && len(traces) > 1 {
				e.name += " " + string(labels)
			}
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		c.found.Unresolved = append(c.found.Unresolved, name+" could not be found out: it has no values in the hour before last, or none since the onset.")
		return
	}
	slices.SortFunc(all, func(a, b excursion) int { return cmp.Or(-cmp.Compare(a.by, b.by), cmp.Compare(a.name, b.name)) })
	told := 0
	for _, e := range all {
		if e.by > 0 && told < maxSeriesTold {
			c.addSymptom(e.at, e.said(), "Prometheus, the SLO file's query")
			told++
		}
	}
	if told == 0 {
		text := fmt.Sprintf("%s stayed as it was before, %s", name, all[0].usual())
		if len(all) > 1 {
			text = fmt.Sprintf("%s stayed as it was before, in all %d series", name, len(all))
		}
		c.addSymptom(c.incident.Onset(), text, "Prometheus, the SLO file's query")
	}
}

// excursion is how a series left its usual range.
type excursion struct {
	name        string
	low, high   float64 // the usual range
	by          float64 // how many times as far as it has to be it went; 0: it stayed
	worst, last float64

	at, worstAt, lastAt time.Time
}

// excursionOf finds when a series left its usual range to go where it was farthest from it. ok is false where it has no values to say so.
func excursionOf(t slo.Trace, ticks slo.Ticks, onset time.Time) (e excursion, ok bool) {
	e.low, e.high, e.last = math.Inf(1), math.Inf(-1), math.NaN()
	for i, v := range t.Values {
		if at := ticks.At(i); !math.IsNaN(v) && !at.After(onset.Add(-settled)) {
			e.low, e.high = min(e.low, v), max(e.high, v)
		} else if !math.IsNaN(v) {
			e.last, e.lastAt = v, at
		}
	}
	if math.IsInf(e.low, 0) || math.IsInf(e.high, 0) || math.IsNaN(e.last) {
		return e, false
	}
	room := margin * max(e.high-e.low, math.Abs(e.high), math.Abs(e.low))
	farthest := 0.0
	var since time.Time // when it left the range, as long as it is out of it
	for i, v := range t.Values {
		at := ticks.At(i)
		far := max(v-e.high, e.low-v)
		switch {
		case math.IsNaN(v) || !at.After(onset.Add(-settled)):
			continue
		case far <= room:
			since = time.Time{}
			continue
		case since.IsZero():
			since = at
		}
		if far > farthest {
			farthest, e.at, e.worst, e.worstAt = far, since, v, at
		}
	}
	e.by = farthest / max(room, math.SmallestNonzeroFloat64)
	return e, true
}

// said is the excursion in words.
func (e excursion) said() string {
	how := "rose to " + amount(e.worst)
	if e.worst < e.low {
		how = "fell to " + amount(e.worst)
	}
	if !e.worstAt.Equal(e.at) {
		how += " by " + e.worstAt.UTC().Format(time.TimeOnly)
	}
	return fmt.Sprintf("%s was %s before: it %s, and was %s at %s", e.name, e.usual(), how, amount(e.last), e.lastAt.UTC().Format(time.TimeOnly))
}

func (e excursion) usual() string {
	if amount(e.low) == amount(e.high) {
		return amount(e.low)
	}
	return amount(e.low) + " to " + amount(e.high)
}

// amount is a number with three digits that matter, or all before the point.
func amount(x float64) string {
	if math.Abs(x) >= 1000 || x == math.Trunc(x) {
		return strconv.FormatFloat(math.Round(x), 'f', -1, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(x)))))
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(x, 'f', min(digits, 9), 64), "0"), ".")
}
