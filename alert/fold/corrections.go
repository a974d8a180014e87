package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// correction takes the events of a stretch out of the budget, see alert.Correction. The history
// keeps them: rules do not look at corrections, and a correction can be lifted again.
type correction struct {
	Incident string     `json:"incident,omitempty"`
	slo.Span            // no End: it goes on
	Events   slo.Counts `json:"events,omitzero"`    // of the alert.Correction, for which the pieces were made
	Lifted   bool       `json:"lifted,omitempty"`   // it counts again: but the past opens nothing
	Cut      bool       `json:"cut,omitempty"`      // pieces have a part only: others take out the rest, or it is not known
	Counting bool       `json:"counting,omitempty"` // ticks are still to come
	// Pieces are without planned work. Each ends where the longest buckets of the history do, so
	// that one that the budget's window begins in is prorated like the history.
	Pieces []planned `json:"pieces,omitempty"`
}

// covers returns how much of a tick the correction takes out.
func (c *correction) covers(tick slo.Span) time.Duration {
	if c.End.IsZero() {
		return shared(slo.Span{Start: c.Start, End: tick.End}, tick)
	}
	return shared(c.Span, tick)
}

// sum returns the events taken out.
func (c *correction) sum() (sum slo.Counts) {
	for _, p := range c.Pieces {
		sum = sum.Add(p.Counts)
	}
	return sum
}

// until returns the events taken out up to a time.
func (c *correction) until(t time.Time) (sum slo.Counts) {
	for _, p := range c.Pieces {
		sum = sum.Add(slo.Late{From: p.Start, To: p.End, Counts: p.Counts}.Until(t))
	}
	return sum
}

// add takes out a tick's events.
func (c *correction) add(tick slo.Span, counts slo.Counts, bucket time.Duration) {
	n := len(c.Pieces)
	switch {
	case n > 0 && c.Pieces[n-1].End.Equal(tick.Start) && !slo.Floor(tick.Start, bucket).Equal(tick.Start):
		c.Pieces[n-1].End, c.Pieces[n-1].Counts = tick.End, c.Pieces[n-1].Add(counts)
	case n == 2*maxPieces:
		c.Pieces[1].Start, c.Pieces[1].Counts = c.Pieces[0].Start, c.Pieces[1].Add(c.Pieces[0].Counts)
		c.Pieces = append(slices.Clone(c.Pieces[1:]), planned{tick, counts})
	default:
		c.Pieces = append(slices.Clip(c.Pieces), planned{tick, counts})
	}
}

// corrections are those of a watch, as far as its history reaches back. No two take out the same
// time.
type corrections []correction

// add takes out a tick's own events of corrections that are counting, and those that came late. It
// forgets corrections that ended before `known`.
func (all *corrections) add(s slo.Sample, tick slo.Span, bucket time.Duration, known time.Time) {
	if len(*all) == 0 {
		return
	}
	*all = slices.DeleteFunc(slices.Clone(*all), func(c correction) bool { return !c.End.IsZero() && c.End.Before(known) })
	taken := false
	for i := range *all {
		c := &(*all)[i]
		if length := c.covers(tick); c.Counting && length > 0 && !taken {
			part := float64(length) / float64(tick.End.Sub(tick.Start))
			c.add(tick, slo.Counts{Total: s.Total * part, Bad: s.Bad * part}, bucket)
			taken = true
		}
		c.Counting = c.Counting && (c.End.IsZero() || c.End.After(tick.End))
		c.addLate(s.Late, tick.End)
	}
}

// addLate takes out events of earlier ticks, unless the window will tell them.
func (c *correction) addLate(late []slo.Late, now time.Time) {
	if c.Lifted || c.Events != (slo.Counts{}) || len(c.Pieces) == 0 {
		return
	}
	end := now
	if !c.End.IsZero() {
		end = earlier(c.End, now)
	}
	last := &c.Pieces[len(c.Pieces)-1]
	for _, l := range late {
		if !l.Excluded && end.After(c.Start) {
			last.Counts = last.Add(l.Until(end).Sub(l.Until(c.Start)))
		}
	}
}

// before returns the corrections for folding ticks again after a time: counting ones will count
// these.
func (all corrections) before(t time.Time) (again corrections) {
	for _, c := range all {
		if c.Counting {
			var pieces []planned
			for _, p := range c.Pieces {
				if p.Counts = (slo.Late{From: p.Start, To: p.End, Counts: p.Counts}).Until(t); p.Start.Before(t) {
					p.End = earlier(p.End, t)
					pieces = append(pieces, p)
				}
			}
			c.Pieces = pieces
		}
		again = append(again, c)
	}
	return again
}

// leaving says what of a correction's events a sum leaves out.
type leaving func(c *correction, events slo.Counts) slo.Counts

// fromBudget leaves out all events of corrections that hold.
func fromBudget(c *correction, events slo.Counts) slo.Counts {
	if c.Lifted {
		return slo.Counts{}
	}
	return events
}

// forOpening is for opening a window of kind budget, as neither adding a correction nor lifting one
// may open a window about the past. So bad events of a lifted one count as good. And one with a
// better error ratio than the target, such as a time with little traffic, is not left out.
func (led *ledger) forOpening(c *correction, events slo.Counts) slo.Counts {
	switch {
	case c.Lifted:
		return slo.Counts{Bad: max(0, events.Bad)}
	case led.base.Excess(c.sum()) <= 0:
		return slo.Counts{}
	}
	return events
}

// corrected returns what a sum over the history since a time is to leave out. The budget's window
// may begin in a correction: then it is prorated as the history does it.
func (led *ledger) corrected(from time.Time, prorated bool, what leaving) (events slo.Counts) {
	for i := range led.corrections {
		c := &led.corrections[i]
		before := c.until(from)
		if prorated {
			before = led.proratedUntil(c, from)
		}
		events = events.Add(what(c, c.until(led.Now()).Sub(before)))
	}
	return events
}

// leftOut returns the stretches that are left out whole, as if there had been no data, oldest
// first. None overlap.
func (led *ledger) leftOut(what leaving) (out []slo.Span) {
	for i := range led.corrections {
		c := &led.corrections[i]
		if what(c, slo.Counts{Total: 1}).Total == 0 {
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
			merged[n-1].End = later(merged[n-1].End, s.End)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// begun returns when data began that is not left out.
func (led *ledger) begun(what leaving) time.Time {
	begun := led.History.Origin()
	if len(led.corrections) == 0 {
		return begun
	}
	out := append(led.leftOut(what), led.History.Blind()...)
	slices.SortFunc(out, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
	for _, s := range out {
		if !s.Start.After(begun) {
			begun = later(begun, earlier(s.End, led.Now()))
		}
	}
	return begun
}

// last sums the events in the last `length` of time that are not left out, and returns them without
// and with an estimate for what was not seen of it.
func (led *ledger) last(length time.Duration, what leaving) (seen, all slo.Counts) {
	h := led.History
	if len(led.corrections) == 0 {
		seen = h.Counted(length)
		return seen, h.WithUnseen(seen, length, h.Origin(), 0)
	}
	begun, from := led.begun(what), h.Now().Add(-length)
	seen = h.Counted(length)
	if begun.After(h.Origin()) && begun.After(from) { // nothing is left of what was before
		from = h.Origin()
		seen = h.Between(from, h.Now())
	}
	seen = seen.Sub(led.corrected(from, true, what))
	var took time.Duration
	for _, s := range led.leftOut(what) {
		s = slo.Span{Start: later(s.Start, from), End: earlier(s.End, led.Now())}
		took += max(0, s.End.Sub(s.Start)-led.blindFor(s))
	}
	return seen, h.WithUnseen(seen, length, begun, took)
}

// correctedIn is corrected for a period, which may be over or still to end.
func (led *ledger) correctedIn(span slo.Span, prorated bool, what leaving) slo.Counts {
	events := led.corrected(span.Start, prorated, what)
	if span.End.Before(led.Now()) {
		events = events.Sub(led.corrected(span.End, true, what))
	}
	return events
}

// proratedUntil returns how many of a correction's events the history counts as before a time.
func (led *ledger) proratedUntil(c *correction, t time.Time) slo.Counts {
	h := led.History
	if known := h.Known(); !t.After(known) {
		return c.until(known)
	}
	if !t.Before(h.Now()) {
		return c.until(t)
	}
	bucket := h.Grain(t)
	start := slo.Floor(t, bucket)
	end := earlier(start.Add(bucket), h.Now())
	if start = later(start, h.Origin()); !end.After(start) {
		return c.until(t)
	}
	before := c.until(start)
	in, part := c.until(end).Sub(before), float64(t.Sub(start))/float64(end.Sub(start))
	return before.Add(slo.Counts{Total: in.Total * part, Bad: in.Bad * part})
}

// plannedIn sums the events of planned work that count in the budget.
func (led *ledger) plannedIn(span slo.Span, what leaving) slo.Counts {
	if len(led.planned) == 0 {
		return slo.Counts{}
	}
	sum := led.planned.in(span)
	for _, out := range led.leftOut(what) {
		sum = sum.Sub(led.planned.in(slo.Span{Start: later(out.Start, span.Start), End: earlier(out.End, span.End)}))
	}
	return sum
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
