package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// margin makes bounds safe against rounding errors.
const margin = 1e-9

// Coarse is a Watch that takes samples of several ticks together if nothing can come of them, and
// else of each tick. It finds what a Watch finds that is given every tick: it knows at which times
// the counts are known, and asks for more if missing ones matter. Bad events must be 0 or more in
// every tick, and no work may be planned.
type Coarse struct {
	*Watch
	sparse  sparse
	doubts  doubts
	summits summits
	above   [2]float64  // all summits may be above these peaks
	ahead   *slo.Ahead  // scratch of Skip
	bounds  []slo.Bound // so is this
}

// NewCoarse continues a watch that was given every tick so far.
func NewCoarse(w *Watch, step time.Duration) *Coarse {
	c := &Coarse{Watch: w, sparse: sparse{ledger: &w.ledger, step: step, begun: w.Now()}, doubts: make(doubts, len(w.rules))}
	for i := range c.doubts {
		c.doubts[i] = doubt{most: w.firing.track[i].Sum, from: w.Now()}
	}
	return c
}

// Clone returns a copy that shares nothing mutable.
func (c *Coarse) Clone() *Coarse {
	d := *c
	d.Watch = c.Watch.Clone()
	d.sparse.ledger, d.sparse.fine = &d.Watch.ledger, slices.Clone(c.sparse.fine)
	d.doubts, d.summits = slices.Clone(c.doubts), slices.Clone(c.summits)
	return &d
}

// MaySkip reports whether nothing can come of a sample of several ticks, however its events are
// spread over them. If false, give it tick by tick.
func (c *Coarse) MaySkip(s slo.Sample, length time.Duration) bool {
	if since := c.redefined.Since; since.After(c.Now().Add(-c.memory)) && !since.After(c.Now().Add(length)) {
		return false // some bad events open nothing
	}
	if c.quiet.low != nil || c.sparse.mayBeQuiet(length, s.Counts) {
		return false
	}
	if c.burn.open != nil || c.blind.open != nil || c.blind.dark != nil || c.History.Empty() || s.Bad < 0 || len(s.Late) > 0 || !c.sparse.budgetStays(&c.budget, s.Counts, length) {
		return false
	}
	return !slices.ContainsFunc(c.rules, func(r armedRule) bool {
		_, no := c.sparse.fires(r, length, s.Counts, c.firing.closed)
		return !no
	})
}

// StepLong folds in a sample of several ticks for which MaySkip is true.
func (c *Coarse) StepLong(s slo.Sample, ticks int) []alert.Event {
	length := time.Duration(ticks) * c.History.Interval()
	span := slo.Span{Start: c.Now(), End: c.Now().Add(length)}
	for i := range c.doubts {
		c.doubts[i].skip(c.rules[i].threshold, s.Counts, span)
	}
	var worst *summit
	if open := c.budget.open; open != nil {
		counts := c.sparse.worstBudget(&c.budget, s.Counts, length)
		worst = &summit{
			Span: span, burn: budgetBurn(counts, open.Window.Objective.Target),
			excess: open.Run.Excess + open.target().Excess(slo.Counts{Bad: s.Bad}),
		}
	}
	events := c.Watch.StepLong(s, ticks)
	c.forgetSummits()
	if worst != nil && c.budget.open != nil {
		c.summits.add(*worst, c.budget.open)
	}
	return events
}

// Step folds in one tick's sample. If the outcome depends on unknown counts, it returns in which
// stretches every tick is needed, to fold again from there.
func (c *Coarse) Step(s slo.Sample) (events []alert.Event, need []slo.Span) {
	was := burnBefore{open: c.burn.open}
	if was.open != nil {
		was.fired = slices.Clone(was.open.Fired)
	}
	start := c.Now()
	events = c.Watch.Step(s)
	c.sparse.extend(start)
	s = s.Unplanned()
	need = c.doubts.follow(&c.sparse, &c.firing, s)

	ended := func(kind alert.Kind) bool {
		return slices.ContainsFunc(events, func(e alert.Event) bool { return e.Closed && e.Window.Kind == kind })
	}
	was.closed = c.firing.closed
	if ended(alert.Burn) {
		was.closed = was.closed[:len(was.closed)-1]
	}
	need = append(need, c.doubts.ofBurn(&c.sparse, s, was, c.burn.open)...)
	c.doubts.settle(&c.firing, c.Now(), ended(alert.Burn))

	changed := slices.ContainsFunc(events, func(e alert.Event) bool { return e.Opened || e.Closed })
	c.forgetSummits()
	if ended(alert.Budget) || c.burn.open != nil { // the incident may keep the peaks of now
		need = append(need, c.summits.spans()...)
		c.summits = nil
	}
	if changed || c.sparse.mayBeSpent(&c.budget, s.Blind) {
		need = append(need, c.sparse.inexact(c.Def.Objective.Window.Length())...)
	}
	if !s.Blind && !s.Excluded {
		need = append(need, c.sparse.quietDoubts(c.quiet.low != nil)...)
	}
	return events, need
}

// Doubts returns in which stretches every tick is needed to make the watch the same as if it had
// been given every tick, but for the history's own buckets.
func (c *Coarse) Doubts() (need []slo.Span) {
	for i, t := range c.firing.track {
		if c.doubts[i].inSums || t.isOn() {
			need = append(need, c.doubts[i].spans(c.rules[i].Short, true, c.Now())...)
		}
	}
	return append(need, c.summits.spans()...)
}

// sparse is a ledger not given every tick.
type sparse struct {
	*ledger
	step  time.Duration
	begun time.Time  // the history before is known in full
	fine  []slo.Span // later stretches known at every tick, oldest first
}

// unsure returns the history, with what is known of it.
func (p *sparse) unsure() slo.Unsure {
	return slo.Unsure{History: p.History, Step: p.step, IsKnown: p.knows}
}

// knows reports whether the cumulative counts up to a time are known.
func (p *sparse) knows(t time.Time) bool {
	if !t.After(p.begun) || t.UnixNano()%int64(p.step) == 0 {
		return true
	}
	i, _ := slices.BinarySearchFunc(p.fine, t, func(s slo.Span, t time.Time) int { return s.End.Compare(t) })
	return i < len(p.fine) && !p.fine[i].Start.After(t)
}

// knowsSince reports whether every tick after a time is known.
func (p *sparse) knowsSince(t time.Time) bool {
	n := len(p.fine)
	return !t.Before(p.Now()) || n > 0 && p.fine[n-1].End.Equal(p.Now()) && (!p.fine[n-1].Start.After(t) || !p.fine[n-1].Start.After(p.begun))
}

// extend notes that the tick beginning at start is known.
func (p *sparse) extend(start time.Time) {
	if n := len(p.fine); n > 0 && p.fine[n-1].End.Equal(start) {
		p.fine[n-1].End = p.Now()
		return
	}
	p.fine = append(p.fine, slo.Span{Start: start, End: p.Now()})
}

// inexact returns the steps in which windows of these lengths begin, if not each tick there is
// known.
func (p *sparse) inexact(lengths ...time.Duration) (need []slo.Span) {
	u := p.unsure()
	for _, length := range lengths {
		if from := p.Now().Add(-length); !u.IsExact(from) {
			early, late := u.Around(from, max(p.step, p.History.Grain(from)))
			need = append(need, slo.Span{Start: early, End: late})
		}
	}
	return need
}

// could reports whether counts between two bounds may exceed a threshold.
func could(t slo.Threshold, least, most slo.Counts) bool {
	return most.Bad > 0 && t.Exceeded(slo.Counts{Total: least.Total * (1 - margin), Bad: most.Bad})
}

// must reports whether all counts between two bounds exceed a threshold.
func must(t slo.Threshold, least, most slo.Counts) bool {
	return t.Exceeded(slo.Counts{Total: most.Total * (1 + margin), Bad: least.Bad})
}
