package prom

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// If a target counts requests, but has no counter with the good events' name, the counter was
// renamed: not all requests failed. So the target is left out, and if all are so, there is no data.
// If the counter is there, and only lacks series with the good labels, all requests failed. If no
// target has both, because two places count them, nothing is known about either.

// The arms of goodlessQuery.
const (
	goodlessArm = "goodless" // the targets with a total and no metric with the good events' name
	strayArm    = "stray"    // the sum of these targets' differences
	sharedArm   = "shared"   // how many series of the total other targets have
	anywhereArm = "anywhere" // how many series have the good events' name
)

// goodless is what is known of a label set's targets without a counter of good events.
type goodless struct {
	targets map[targetKey]bool
	stray   float64 // events of their total, but for born and reset series
	shared  bool    // there are other targets as well
}

// readGoodless asks about targets without a counter of good events, if that may explain bad events.
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

// asksGoodless reports whether good events have another name than the total, so that a target may
// have one without the other.
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

// mayBeGoodless reports whether events may count as bad only because their targets have no counter
// of good ones: then ask goodlessQuery.
func (t *tally) mayBeGoodless() bool {
	if !t.counter.asksGoodless() {
		return false
	}
	for _, s := range t.sets {
		if s.now.total > s.now.part {
			return true
		}
	}
	return t.isOdd
}

// goodlessQuery asks which targets have a total and no metric with the good events' name, and what
// they counted.
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
				names = append(names, promql.Text(placed(s, where)))
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

// placed returns a selector of good events without what makes them good: its name, and the matchers
// that the total has.
func placed(s *parser.VectorSelector, where []*labels.Matcher) *parser.VectorSelector {
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

// isGoodless reports whether a counter belongs to the total of a target without good events.
func (t *tally) isGoodless(m member) bool {
	of := t.goodless[t.counter.labelSet(m.labels)]
	return of != nil && m.isTotal() && of.targets[targetOf(m.labels)]
}

// leaveOutGoodless subtracts the events of goodless targets from a label set, and leaves it without
// data if it has no other targets.
func (t *tally) leaveOutGoodless(labels slo.Labels, s *set) {
	of := t.goodless[labels]
	if of == nil || len(of.targets) == 0 {
		return
	}
	events := of.stray
	if s.now.total != 0 && !t.isOdd { // raw samples of such targets are not counted at all
		s.now.total -= events
	}
	if !of.shared {
		s.seen, s.now, s.late = false, counts{}, nil
	}
	s.caveats = slo.MergeCaveats(s.caveats, []slo.Caveat{{Kind: slo.NoGood, Count: len(of.targets), Events: events}})
}
