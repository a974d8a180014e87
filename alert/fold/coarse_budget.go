package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// budgetSkips reports whether the window of kind budget can neither open nor close in a step.
func (c *Coarse) budgetSkips(s slo.Sample, length time.Duration) bool {
	window, open := c.Def.Objective.Window, c.Budget
	first, last := c.Now().Add(c.History.Interval()), c.Now().Add(length)
	if window.Calendar != "" && (c.Period == nil || c.periods.At(first) != c.periods.At(last)) {
		return false
	}
	if open == nil && !c.Def.Policy.Budget {
		return true
	}
	least, most := c.budgetBounds(s, length)
	if open == nil {
		return !could(c.base, least, most)
	}
	over := window.Calendar != "" && last.After(c.periods.At(open.Run.End).End)
	return open.Window.Definition == c.digest && !over && least.Total > 0 && must(c.thresholdOf(open), least, most)
}

// budgetBounds returns the least and the most that the events in the objective's window are at the
// ticks of a step, with the estimate.
func (c *Coarse) budgetBounds(s slo.Sample, length time.Duration) (least, most slo.Counts) {
	window := c.Def.Objective.Window
	least, most = c.unsure().Bounds(window.Length(), length, s.Counts)
	if window.Calendar == "" {
		return least, most
	}
	span := c.periods.At(c.Now().Add(c.History.Interval()))
	begun := c.History.Cumulative(span.Start)
	if c.Period != nil && c.Period.Start.Equal(span.Start) {
		begun = c.Period.Before
	}
	seen := c.History.All().Sub(begun)
	before := max(0, c.History.Origin().Sub(span.Start))
	share := func(now time.Time) float64 {
		return float64(before+max(0, span.End.Sub(now))) / float64(window.Length())
	}
	usual := slo.Counts{Total: least.Total * share(c.Now().Add(length))}
	usually := slo.Counts{Total: most.Total * share(c.Now())}
	return seen.Add(usual), seen.Add(s.Counts).Add(usually)
}

// worstBudget returns what makes the highest burn rate that an open window of kind budget can have
// in a step: no more of it is an estimate than when it was opened.
func (c *Coarse) worstBudget(s slo.Sample, length time.Duration) slo.Counts {
	least, most := c.budgetBounds(s, length)
	seen, _ := c.unsure().CountedBounds(c.Def.Objective.Window.Length(), length, s.Counts)
	if c.Period != nil {
		seen = c.History.All().Sub(c.Period.Before)
	}
	total := min(least.Total, seen.Total+c.Budget.Estimated)
	return slo.Counts{Total: total * (1 - margin), Bad: most.Bad}
}

// budgetDoubts returns what has to be known to be sure of what a tick did to the window of kind
// budget, and of the budget that others have spent.
func (c *Coarse) budgetDoubts(events []alert.Event) (need []slo.Span) {
	c.forgetSummits()
	changed := slices.ContainsFunc(events, func(e alert.Event) bool { return e.Opened || e.Closed })
	ended := slices.ContainsFunc(events, func(e alert.Event) bool { return e.Closed && e.Window.Kind == alert.Budget })
	if ended {
		need = c.spans()
		c.summits = nil
	}
	if c.Budget == nil && !changed {
		if !c.Def.Policy.Budget || c.Last.Blind {
			return need
		}
		if least, most := c.budgetBounds(slo.Sample{}, 0); !could(c.base, least, most) {
			return need
		}
	}
	return append(need, c.inexact(c.Def.Objective.Window.Length())...)
}

// forgetSummits drops the steps in which the open window was no worse than it is known to have
// been.
func (c *Coarse) forgetSummits() {
	if c.Budget == nil {
		return
	}
	c.summits = slices.DeleteFunc(c.summits, func(s summit) bool {
		return s.burn <= c.Budget.Run.PeakBurn && s.excess <= c.Budget.Run.PeakExcess
	})
}

// spans are the steps in which the window of kind budget may have been worse than is known.
func (c *Coarse) spans() (all []slo.Span) {
	for _, s := range c.summits {
		all = append(all, s.Span)
	}
	return all
}
