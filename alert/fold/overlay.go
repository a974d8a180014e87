package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// overlay is a past without what corrections take out of its sums.
type overlay struct {
	*past
	corrections corrections
	leavesOut   func(c *correction, events slo.Counts) slo.Counts // of a correction's events, what sums lack
}

// forBudget leaves out all events of corrections that hold.
func (led *ledger) forBudget() overlay {
	return overlay{&led.past, led.corrections, func(c *correction, events slo.Counts) slo.Counts {
		if c.Lifted {
			return slo.Counts{}
		}
		return events
	}}
}

// forOpening is for opening a window of kind budget, as neither adding a correction nor lifting one
// may open a window about the past. So bad events of a lifted one count as good. And one with a
// better error ratio than the target, such as a time with little traffic, is not left out.
func (led *ledger) forOpening() overlay {
	return overlay{&led.past, led.corrections, func(c *correction, events slo.Counts) slo.Counts {
		switch {
		case c.Lifted:
			return slo.Counts{Bad: max(0, events.Bad)}
		case led.base.Excess(c.sum()) <= 0:
			return slo.Counts{}
		}
		return events
	}}
}

// corrected returns what a sum over the history since a time is to leave out. The budget's window
// may begin in a correction: then it is prorated as the history does it.
func (o overlay) corrected(from time.Time, prorated bool) (events slo.Counts) {
	for i := range o.corrections {
		c := &o.corrections[i]
		before := c.until(from)
		if prorated {
			before = o.proratedUntil(c, from)
		}
		events = events.Add(o.leavesOut(c, c.until(o.Now()).Sub(before)))
	}
	return events
}

// leftOut returns the stretches that are left out whole, as if there had been no data, oldest
// first. None overlap.
func (o overlay) leftOut() (out []slo.Span) {
	for i := range o.corrections {
		c := &o.corrections[i]
		if o.leavesOut(c, slo.Counts{Total: 1}).Total == 0 {
			continue
		}
		for _, p := range c.Pieces {
			out = append(out, p.Span)
		}
	}
	slices.SortFunc(out, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
	merged := out[:0]
	for _, s := range out {
		if n := len(merged); n > 0 && !s.Start.After(merged[n-1].End) {
			merged[n-1].End = slo.Later(merged[n-1].End, s.End)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// begun returns when data began that is not left out.
func (o overlay) begun() time.Time {
	begun := o.History.Origin()
	if len(o.corrections) == 0 {
		return begun
	}
	out := append(o.leftOut(), o.History.Blind()...)
	slices.SortFunc(out, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
	for _, s := range out {
		if !s.Start.After(begun) {
			begun = slo.Later(begun, slo.Earlier(s.End, o.Now()))
		}
	}
	return begun
}

// last sums the events in the last `length` of time that are not left out, and returns them without
// and with an estimate for what was not seen of it.
func (o overlay) last(length time.Duration) (seen, all slo.Counts) {
	h := o.History
	if len(o.corrections) == 0 {
		seen = h.Counted(length)
		return seen, h.WithUnseen(seen, length, h.Origin(), 0)
	}
	begun, from := o.begun(), h.Now().Add(-length)
	seen = h.Counted(length)
	if begun.After(h.Origin()) && begun.After(from) { // nothing is left of what was before
		from = h.Origin()
		seen = h.Between(from, h.Now())
	}
	seen = seen.Sub(o.corrected(from, true))
	var took time.Duration
	for _, s := range o.leftOut() {
		s = slo.Span{Start: slo.Later(s.Start, from), End: slo.Earlier(s.End, o.Now())}
		took += max(0, s.End.Sub(s.Start)-o.blindFor(s))
	}
	return seen, h.WithUnseen(seen, length, begun, took)
}

// correctedIn is corrected for a period, which may be over or still to end.
func (o overlay) correctedIn(span slo.Span, prorated bool) slo.Counts {
	events := o.corrected(span.Start, prorated)
	if span.End.Before(o.Now()) {
		events = events.Sub(o.corrected(span.End, true))
	}
	return events
}

// proratedUntil returns how many of a correction's events the history counts as before a time.
func (o overlay) proratedUntil(c *correction, t time.Time) slo.Counts {
	h := o.History
	if known := h.Known(); !t.After(known) {
		return c.until(known)
	}
	if !t.Before(h.Now()) {
		return c.until(t)
	}
	bucket := h.Grain(t)
	start := slo.Floor(t, bucket)
	end := slo.Earlier(start.Add(bucket), h.Now())
	if start = slo.Later(start, h.Origin()); !end.After(start) {
		return c.until(t)
	}
	before := c.until(start)
	in, part := c.until(end).Sub(before), float64(t.Sub(start))/float64(end.Sub(start))
	return before.Add(slo.Counts{Total: in.Total * part, Bad: in.Bad * part})
}

// plannedIn sums the events of planned work that count in the budget.
func (o overlay) plannedIn(span slo.Span) slo.Counts {
	if len(o.planned) == 0 {
		return slo.Counts{}
	}
	sum := o.planned.in(span)
	for _, out := range o.leftOut() {
		sum = sum.Sub(o.planned.in(slo.Span{Start: slo.Later(out.Start, span.Start), End: slo.Earlier(out.End, span.End)}))
	}
	return sum
}
