package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// maxPieces is about how many pieces a correction is kept in.
const maxPieces = 64

// correct makes the ledger's corrections agree with those that hold. standing returns whether an
// incident is excluded, and whether its windows are known here: then all its corrections are among
// those that hold. Corrections of incidents that are not excluded any more are lifted.
func (led *ledger) correct(holding []alert.Correction, standing func(incident string) (excluded, known bool)) {
	holding = slices.DeleteFunc(slices.Clone(holding), func(c alert.Correction) bool {
		return !c.End.IsZero() && !c.End.After(led.History.Known())
	})
	var next corrections
	for _, c := range led.corrections {
		excluded, known := standing(c.Incident)
		i := slices.IndexFunc(holding, c.is)
		switch {
		case i >= 0 && !c.Lifted && !c.Cut:
			next = append(next, c)
			holding = slices.Delete(holding, i, i+1)
		case excluded && known: // it is made anew if it still holds
		case excluded, c.Lifted:
			next = append(next, c)
		default:
			next = append(next, c.lift(led.Now()))
		}
	}
	for _, w := range holding {
		next = append(next, led.newCorrection(w, next))
	}
	led.corrections = next
}

// lift returns the correction of an incident that counts again.
func (c correction) lift(now time.Time) correction {
	if c.Counting {
		c.End = now
	}
	c.Lifted, c.Counting = true, false
	return c
}

// is reports whether a correction was made for another state of the same.
func (c *correction) is(w alert.Correction) bool {
	return c.Incident == w.Incident && c.Start.Equal(w.Start) && c.End.Equal(w.End) && c.Events == w.Events
}

// newCorrection takes out a stretch of the history, but for what others take out already.
func (led *ledger) newCorrection(w alert.Correction, others corrections) correction {
	h := led.History
	c := correction{Incident: w.Incident, Span: w.Span, Events: w.Events, Counting: w.End.IsZero() || w.End.After(h.Now())}
	span := slo.Span{Start: later(w.Start, h.Known()), End: h.Now()}
	if !w.End.IsZero() {
		span.End = earlier(w.End, h.Now())
	}
	length := h.Resolution()
	for span.End.Sub(span.Start) > maxPieces*length {
		length *= 2
	}
	free := []slo.Span{span}
	for i := range others {
		free = others[i].leaves(free)
	}
	for start := span.Start; start.Before(span.End); {
		piece := slo.Span{Start: start, End: earlier(slo.Floor(start, length).Add(length), span.End)}
		c.Pieces = append(c.Pieces, planned{piece, led.eventsOf(piece, free, others)})
		start = piece.End
	}
	clipped, taken := span.Start.After(w.Start), others.in(span.Start, span.End)
	c.Cut = clipped || len(free) != 1 || free[0] != span
	exact := c.Cut && h.EachTick(span.Start)
	if events := w.Events; !clipped && !exact && len(free) > 0 && events != (slo.Counts{}) {
		if w.Planned {
			events = events.Sub(led.planned.in(w.Span))
		}
		led.settleEdges(c.Pieces, events.Sub(taken).Sub(c.sum()))
	}
	return c
}

// eventsOf returns the events of a piece that nobody else takes out, as its free stretches tell. If
// the history has prorated these, it is better to go by the whole piece.
func (led *ledger) eventsOf(piece slo.Span, free []slo.Span, others corrections) (events slo.Counts) {
	touched := false
	for _, f := range free {
		if in := shared(f, piece); in > 0 {
			touched = true
			events = events.Add(led.History.Between(later(f.Start, piece.Start), earlier(f.End, piece.End)))
		}
	}
	if touched && !led.History.EachTick(piece.Start) {
		return led.History.Between(piece.Start, piece.End).Sub(others.in(piece.Start, piece.End))
	}
	return events
}

// leaves returns what a correction leaves of stretches.
func (c *correction) leaves(free []slo.Span) []slo.Span {
	if c.Lifted {
		return free
	}
	for _, p := range c.Pieces {
		var left []slo.Span
		for _, f := range free {
			if shared(f, p.Span) == 0 {
				left = append(left, f)
				continue
			}
			if f.Start.Before(p.Start) {
				left = append(left, slo.Span{Start: f.Start, End: p.Start})
			}
			if f.End.After(p.End) {
				left = append(left, slo.Span{Start: p.End, End: f.End})
			}
		}
		free = left
	}
	return free
}

// in returns what those that hold take out of a stretch.
func (all corrections) in(start, end time.Time) (taken slo.Counts) {
	for i := range all {
		if c := &all[i]; !c.Lifted {
			taken = taken.Add(c.until(end).Sub(c.until(start)))
		}
	}
	return taken
}

// settleEdges adds events to the first and the last piece, because the history has prorated these.
// Bad events of a bucket that a piece begins or ends in are nearly all of the incident.
func (led *ledger) settleEdges(pieces []planned, missing slo.Counts) {
	h, n := led.History, len(pieces)
	first, last := &pieces[0], &pieces[n-1]
	if n == 1 {
		first.Counts = first.Add(missing)
		return
	}
	missing = missing.Add(first.Counts).Add(last.Counts)
	end := slo.Floor(last.End.Add(h.Grain(last.End)-1), h.Grain(last.End))
	a, b := h.Between(slo.Floor(first.Start, h.Grain(first.Start)), first.End).Bad, h.Between(last.Start, end).Bad
	total, bad := first.Total+last.Total, a+b
	if total <= 0 {
		total, first.Total = 2, 1
	}
	if bad <= 0 {
		bad, a = 2, 1
	}
	first.Counts = slo.Counts{Total: missing.Total * first.Total / total, Bad: missing.Bad * a / bad}
	last.Counts = missing.Sub(first.Counts)
}
