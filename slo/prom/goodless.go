package prom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// A target that counts requests, and has no counter of that name for the good ones, has renamed it:
// its requests did not all fail. So it is left out, and where all have, there is no data. It is
// another thing where the counter is there and only has no series with the labels that are good:
// then all failed. And where no target has both because they are counted in two places, nothing is
// known of either.

// The arms of goodlessQuery.
const (
	goodlessArm = "goodless" // the targets that have a total and nothing by the name of the good
	strayArm    = "stray"    // the sum of these targets' differences
	sharedArm   = "shared"   // how many series of the total are of other targets
	anywhereArm = "anywhere" // how many series there are by the name of the good
)

// goodless is what is known of the targets of a label set that have no counter of good events.
type goodless struct {
	targets map[targetKey]bool
	stray   float64 // events of their total, born and reset series aside
	shared  bool    // there are other targets as well
}

// readGoodless asks about targets that have no counter of good events, where bad ones may be such.
func (a *asker) readGoodless(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	doubtful, first, last := someOf(tasks, func(t *task, i int) bool { return t.tallies[i].mayBeGoodless() }, ticks.Len())
	if len(doubtful) == 0 {
		return
	}
	points := a.askEach(ctx, doubtful, between(ticks, first, last), func(t *task) query { return t.counter.goodlessQuery(a.grid(ticks)) })
	for _, t := range working(doubtful) {
		for i, found := range points[t] {
			if tally := t.tallies[first+i]; t.err == nil && tally.mayBeGoodless() {
				if err := tally.addGoodless(found); err != nil {
					t.err = a.badAnswer(err)
				}
			}
		}
	}
}

// asksGoodless reports whether the good events have another name than the total, so that one may be
// there without the other.
func (c *counter) asksGoodless() bool {
	names := map[string]role{}
	for _, g := range c.groups {
		for _, s := range g.selectors {
			name := promql.Name(s)
			if before, had := names[name]; g.histogram != nil || had && before != g.role {
				return false
			}
			names[name] = g.role
		}
	}
	return c.part == good
}

// mayBeGoodless reports whether there are bad events that may only be so because their targets have
// no counter of the good ones: then goodlessQuery is to be asked.
func (t *tally) mayBeGoodless() bool {
	if !t.counter.asksGoodless() {
		return false
	}
	for _, s := range t.sets {
		if c := s.stretches[time.Time{}]; c != nil && c.total > c.part {
			return true
		}
	}
	return t.isOdd
}

// goodlessQuery asks which targets have a total and nothing by the name of the good events, and
// what they counted.
func (c *counter) goodlessQuery(at grid) query {
	const targets = "(" + model.JobLabel + ", " + model.InstanceLabel + ")"
	each := append([]string{model.JobLabel, model.InstanceLabel}, c.groupBy...)
	slices.Sort(each)
	var where []*labels.Matcher
	var names []string
	for _, g := range c.groups {
		for _, s := range g.selectors {
			if g.role == total {
				where = append(where, s.LabelMatchers...)
			}
		}
	}
	for _, g := range c.groups {
		for _, s := range g.selectors {
			if g.role == good {
				names = append(names, promql.Text(c.placed(s, where)))
			}
		}
	}
	anyGood := "(" + strings.Join(names, " or ") + ")"
	arms := []arm{tagged("count("+anyGood+")", string(good)+"/0", anywhereArm)}
	for _, g := range c.groups {
		if g.role != total {
			continue
		}
		now := "(" + g.each(as("")) + ")"
		arms = append(arms,
			tagged("group"+byLabels(slices.Compact(each))+"("+now+" unless on "+targets+" "+anyGood+")", g.tag, goodlessArm),
			tagged("sum"+c.by()+"("+at.increase(g.each)+" unless on "+targets+" "+anyGood+")", g.tag, strayArm),
			tagged("count"+c.by()+"("+now+" and on "+targets+" "+anyGood+")", g.tag, sharedArm))
	}
	return query{arms: arms}
}

// placed is a selector of good events without what makes them good: with its name, and such
// matchers as the total has.
func (c *counter) placed(s *parser.VectorSelector, where []*labels.Matcher) *parser.VectorSelector {
	place := &parser.VectorSelector{Name: promql.Name(s)}
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel && slices.ContainsFunc(where, func(w *labels.Matcher) bool { return w.String() == m.String() }) {
			place.LabelMatchers = append(place.LabelMatchers, m)
		}
	}
	return place
}

// addGoodless takes the answer to goodlessQuery.
func (t *tally) addGoodless(points []point) error {
	found, counted := map[slo.Labels]*goodless{}, false
	shared := false
	for _, p := range points {
		_, arm, err := t.counter.arm(p)
		if err != nil {
			return err
		}
		if !usable(p.Value) {
			return fmt.Errorf("%w: %v series or events", errAnswer, p.Value)
		}
		labels := t.counter.labelSet(p.Labels)
		if found[labels] == nil {
			found[labels] = &goodless{targets: map[targetKey]bool{}}
		}
		of := found[labels]
		switch arm {
		case goodlessArm:
			of.targets[targetOf(p.Labels)] = true
		case strayArm:
			of.stray += p.Value
		case sharedArm:
			of.shared, shared = true, true
		case anywhereArm:
			counted = true
		default:
			return fmt.Errorf("%w: unknown arm %q", errAnswer, arm)
		}
	}
	if shared || !counted { // else the good are counted somewhere else
		t.goodless = found
	}
	return nil
}

// isGoodless reports whether a counter is of the total of a target without good events.
func (t *tally) isGoodless(m member) bool {
	of := t.goodless[t.counter.labelSet(m.labels)]
	return of != nil && m.isTotal() && of.targets[targetOf(m.labels)]
}

// leaveOutGoodless takes the events of targets without good ones off a label set, and leaves it
// without data where there are only such.
func (t *tally) leaveOutGoodless(labels slo.Labels, s *set) {
	of := t.goodless[labels]
	if of == nil || len(of.targets) == 0 {
		return
	}
	events := of.stray
	if c := s.stretches[time.Time{}]; c != nil && !t.isOdd { // raw samples of such targets are not counted at all
		c.total -= events
	}
	if !of.shared {
		s.seen, s.stretches = false, map[time.Time]*counts{}
	}
	s.caveats = slo.MergeCaveats(s.caveats, []slo.Caveat{{Kind: slo.NoGood, Count: len(of.targets), Events: events}})
}
