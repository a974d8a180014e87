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
		next = append(next, corrector{&led.past, next}.take(w))
	}
	led.corrections = next
}

// Expect tells a watch what will be taken out of its budget, before its ticks are folded.
func (led *ledger) Expect(all []alert.Correction) {
	for _, c := range all {
		if c.IsOf(led.ID()) {
			led.corrections = append(led.corrections, correction{Incident: c.Incident, Span: c.Span, Counting: true})
		}
	}
}

// HasCorrections reports whether anything is taken out of the watch's budget, or was.
func (led *ledger) HasCorrections() bool { return len(led.corrections) > 0 }

// counts reports whether a correction is about events that the watch counts, and not about those
// that an objective of its name counted before.
func (t *terms) counts(i alert.Incident, c alert.Correction) bool {
	return slices.ContainsFunc(i.Windows, func(v alert.Window) bool {
		return v.ID() == c.ID && v.Onset.Equal(c.Start) && t.Def.SameEvents(alert.Definition{Objective: v.Objective})
	})
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

// corrector makes corrections of what a history holds.
type corrector struct {
	*past
	others corrections // take out some of it already
}

// take takes out a stretch of the history, but for what others take out already.
func (cr corrector) take(w alert.Correction) correction {
	h := cr.History
	c := correction{Incident: w.Incident, Span: w.Span, Events: w.Events, Counting: w.End.IsZero() || w.End.After(h.Now())}
	span := slo.Span{Start: slo.Later(w.Start, h.Known()), End: h.Now()}
	if !w.End.IsZero() {
		span.End = slo.Earlier(w.End, h.Now())
	}
	length := h.Resolution()
	for span.End.Sub(span.Start) > maxPieces*length {
		length *= 2
	}
	free := []slo.Span{span}
	for i := range cr.others {
		free = cr.others[i].leaves(free)
	}
	for start := span.Start; start.Before(span.End); {
		piece := slo.Span{Start: start, End: slo.Earlier(slo.Floor(start, length).Add(length), span.End)}
		c.Pieces = append(c.Pieces, planned{piece, cr.eventsOf(piece, free)})
		start = piece.End
	}
	clipped, taken := span.Start.After(w.Start), cr.others.in(span.Start, span.End)
	c.Cut = clipped || len(free) != 1 || free[0] != span
	exact := c.Cut && h.EachTick(span.Start)
	if events := w.Events; !clipped && !exact && len(free) > 0 && events != (slo.Counts{}) {
		if w.Planned {
			events = events.Sub(cr.planned.in(w.Span))
		}
		cr.settleEdges(c.Pieces, events.Sub(taken).Sub(c.sum()))
	}
	return c
}

// eventsOf returns the events of a piece that nobody else takes out, as its free stretches tell. If
// the history has prorated these, it is better to go by the whole piece.
func (cr corrector) eventsOf(piece slo.Span, free []slo.Span) (events slo.Counts) {
	touched := false
	for _, f := range free {
		if in := f.Overlap(piece); in > 0 {
			touched = true
			events = events.Add(cr.History.Between(slo.Later(f.Start, piece.Start), slo.Earlier(f.End, piece.End)))
		}
	}
	if touched && !cr.History.EachTick(piece.Start) {
		return cr.History.Between(piece.Start, piece.End).Sub(cr.others.in(piece.Start, piece.End))
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
			if f.Overlap(p.Span) == 0 {
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
func (cr corrector) settleEdges(pieces []planned, missing slo.Counts) {
	h, n := cr.History, len(pieces)
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
