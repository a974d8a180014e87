package fold

import (
	"math"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Skip folds in as many of the next steps as nothing can come of, however their events are spread
// over their ticks, and returns how many. It is MaySkip and StepLong for each of them, without
// looking at the history for each. It may take fewer than MaySkip would allow. The steps are as
// long as NewCoarse was told, have data, and nothing but events.
func (c *Coarse) Skip(steps []slo.Sample) (n int) {
	if c.isBusy() || c.Now().UnixNano()%int64(c.sparse.step) != 0 {
		return 0
	}
	c.ahead = c.sparse.unsure().AheadOf(steps, c.ahead)
	n = c.quietFor(len(steps))
	for _, r := range c.rules {
		n = c.restsFor(r, n)
	}
	for n > 0 && !c.sparse.budgetStays(&c.budget, c.ahead.Sum(n), time.Duration(n)*c.sparse.step) {
		n /= 4
	}
	c.pass(steps[:n])
	return n
}

// Doze folds in ticks without data, all of them before there was any, if nothing can come of them.
// Else it returns false.
func (c *Coarse) Doze(ticks int) bool {
	mayOpen := c.Def.Policy.Blind.Issue && c.blind.open == nil
	if !c.History.Empty() || len(c.Def.Objective.GroupBy) > 0 || c.blind.dark == nil || mayOpen ||
		c.burn.open != nil || c.budget.open != nil || len(c.planned) > 0 || !c.redefined.At.IsZero() || !c.redefined.Since.IsZero() {
		return false
	}
	start := c.Now()
	c.History.AddLong(slo.Sample{Blind: true}, int64(ticks))
	c.sparse.extend(start)
	c.blind.silent += ticks
	return true
}

// isBusy reports whether a step has to be looked at by itself: something is going on, or bad events
// may count otherwise than usual.
func (c *Coarse) isBusy() bool {
	if open := c.budget.open; open != nil && open.Estimated == 0 && (c.Def.Objective.Window.Calendar != "" || c.History.Origin().After(c.Now().Add(-c.Def.Objective.Window.Length()))) {
		return true
	}
	return c.burn.open != nil || c.blind.open != nil || c.blind.dark != nil || c.quiet.low != nil ||
		c.History.Empty() || c.History.Apart() || len(c.planned) > 0 || !c.redefined.At.IsZero() || !c.redefined.Since.IsZero()
}

// quietFor returns how many of the next n steps surely have enough traffic, see mayBeQuiet.
func (c *Coarse) quietFor(n int) int {
	after, step := c.quietPolicy.After, c.sparse.step
	unknown := c.History.Known().Sub(c.Now().Add(step - after - week)) // it is compared with nothing for so long
	first := 0
	for first < n && unknown > time.Duration(first)*step {
		first++
	}
	if first == n {
		return n
	}
	c.bounds = c.ahead.Bounds(c.bounds[:0], after, n)
	const together = 6 // steps: one look at the day before for all of them is mostly enough
	for i := first; i < n; i += together {
		to := min(i+together, n)
		if !c.mayBeQuiet(i, to) {
			continue
		}
		for ; i < to; i++ {
			if c.mayBeQuiet(i, i+1) {
				return i
			}
		}
		i -= together
	}
	return n
}

// mayBeQuiet reports whether traffic may be too low at a tick of some of the steps ahead.
func (c *Coarse) mayBeQuiet(from, to int) bool {
	least := c.bounds[from].Total
	for _, b := range c.bounds[from+1 : to] {
		least = min(least, b.Total)
	}
	usual := math.Inf(1)
	for _, before := range [...]time.Duration{day, week} {
		if c.quietPolicy.After+c.sparse.step <= before && usual >= minUsual && least < c.below*usual*(1+margin) {
			usual = min(usual, 2*c.ahead.Most(c.quietPolicy.After, before, from, to)) // at least half of it was seen
		}
	}
	return usual >= minUsual && least < c.below*usual*(1+margin)
}

// restsFor returns at how many of the next n steps a rule surely does not fire.
func (c *Coarse) restsFor(r armedRule, n int) int {
	if n == 0 {
		return 0
	}
	c.bounds = c.ahead.Bounds(c.bounds[:0], r.Long, n)
	long := len(c.bounds)
	for i := range n {
		if b := c.bounds[i]; !c.mayExceed(r, b) || c.firing.closed.without(b) < c.Def.Policy.MinBadEvents {
			continue
		}
		if len(c.bounds) == long {
			c.bounds = c.ahead.Bounds(c.bounds, r.Short, n)
		}
		if c.mayExceed(r, c.bounds[long+i]) {
			return i
		}
	}
	return n
}

// mayExceed reports whether what is in a window may exceed a rule's threshold.
func (c *Coarse) mayExceed(r armedRule, b slo.Bound) bool {
	return could(r.threshold, slo.Counts{Total: b.Total}, slo.Counts{Bad: c.firing.closed.without(b)})
}

// without returns the most bad events in a window, without those in closed windows.
func (c closedWindows) without(b slo.Bound) float64 {
	for _, x := range c {
		b.Bad -= max(0, x.To-max(x.From, b.Before))
	}
	return b.Bad
}

// pass folds in steps that open and close no window, and change none but a spent budget's.
func (c *Coarse) pass(steps []slo.Sample) {
	if len(steps) == 0 {
		return
	}
	step, start, before := c.sparse.step, c.Now(), c.History.All().Bad
	ticks := int64(step / c.History.Interval())
	spent := c.spentAhead(len(steps))
	if spent == nil {
		c.History.AddSteps(steps, ticks)
	}
	for i, s := range steps {
		t := tick{Sample: s, start: start.Add(time.Duration(i) * step), learnt: s.Counts, spent: s.Counts}
		t.Tick, t.allBad = t.start.Add(step), before+c.ahead.Sum(i+1).Bad
		if spent != nil {
			c.History.AddSteps(steps[i:i+1], ticks)
			c.spend(&t, spent[i])
		}
		for n, r := range c.rules {
			c.doubts[n].skip(r.threshold, s.Counts, slo.Span{Start: t.start, End: t.Tick})
			c.firing.track[n].add(&t, s.Counts, r.threshold, c.base)
		}
	}
	c.Last = steps[len(steps)-1]
	c.Last.Tick = c.Now()
	c.blind.silent, c.shifts = 0, nil
	t := tick{Sample: slo.Sample{Tick: c.Now()}}
	c.firing.closed.step(&t, c.memory)
	c.firing.closed.amend(c.reckoner(&c.ledger), &t)
}

// spentAhead returns the worst counts that an open window of kind budget can have at each of the
// steps ahead, see worstBudget; nil if none is open.
func (c *Coarse) spentAhead(n int) []slo.Counts {
	open, window := c.budget.open, c.Def.Objective.Window
	if open == nil {
		return nil
	}
	c.bounds = c.ahead.Bounds(c.bounds[:0], window.Length(), n)
	all := make([]slo.Counts, n)
	var before slo.Counts // of the calendar period
	var span slo.Span
	if window.Calendar != "" {
		before, span = c.budget.period.Before, c.budget.period.Span
	}
	for i, b := range c.bounds {
		if window.Calendar != "" {
			now := c.Now().Add(time.Duration(i+1) * c.sparse.step)
			unseen := max(0, c.History.Origin().Sub(span.Start)) + max(0, span.End.Sub(now))
			b.Seen = c.History.All().Add(c.ahead.Sum(i)).Sub(before).Total
			b.Total = b.Seen + b.Total*float64(unseen)/float64(window.Length())
			b.Bad = c.History.All().Add(c.ahead.Sum(i + 1)).Sub(before).Bad
		}
		all[i] = slo.Counts{Total: min(b.Total, b.Seen+open.Estimated) * (1 - margin), Bad: b.Bad}
	}
	return all
}

// spend adds a step to the open window of kind budget, which stays open. The history has the step
// already. Peaks need a look at it only if the worst counts of the step are above them.
func (c *Coarse) spend(t *tick, worst slo.Counts) {
	open := c.budget.open
	t.allBad = c.History.All().Bad
	target, peaks := open.Window.Objective.Target, open.peaks()
	above := open.Run.Excess + open.target().Excess(slo.Counts{Bad: t.Bad})
	c.budget.add(t)
	rate := slo.BurnRate(worst, target)
	if rate > open.Run.PeakBurn {
		c.budget.peak(&c.ledger, t.Tick)
	} else if above <= open.Run.PeakExcess && peaks == open.peaks() {
		return
	}
	c.forgetSummits()
	c.summits.add(summit{Span: slo.Span{Start: t.start, End: t.Tick}, burn: budgetBurn(worst, target), excess: above}, open)
}

// Overspent returns the open window of kind budget, without its numbers.
func (c *Coarse) Overspent() (v alert.Window, ok bool) {
	open := c.budget.open
	if open == nil {
		return v, false
	}
	v = open.Window
	v.Onset = open.Run.Onset
	return v, true
}
