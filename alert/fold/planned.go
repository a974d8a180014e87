package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// maxPlanned bounds how many stretches of planned work are remembered; beyond it the oldest are
// joined.
const maxPlanned = 256

// planned is a stretch of planned work. Its events count in the objective's budget; for all that
// has to do with breaches, the history holds no events there, like a time without traffic.
type planned struct {
	slo.Span
	slo.Counts
}

// Plan marks what of a sample's late events fell into planned work, so that it counts as that.
func (w *Watch) Plan(s slo.Sample) slo.Sample { return plan(s, w.Planned) }

// plannedBy returns the planned work that was known at a time.
func (w *Watch) plannedBy(t time.Time) (known []planned) {
	for _, p := range w.Planned {
		if p.Start.Before(t) {
			if p.End.After(t) {
				p.End = t
			}
			known = append(known, p)
		}
	}
	return known
}

func plan(s slo.Sample, all []planned) slo.Sample {
	var late []slo.Late
	for i, l := range s.Late {
		var inside slo.Counts
		for _, p := range all {
			inside = inside.Add(l.Until(p.End).Sub(l.Until(p.Start)))
		}
		if inside == (slo.Counts{}) || l.Excluded {
			if late != nil {
				late = append(late, l)
			}
			continue
		}
		if late == nil {
			late = append(make([]slo.Late, 0, len(s.Late)+1), s.Late[:i]...)
		}
		late = append(late, slo.Late{From: l.From, To: l.To, Counts: inside, Excluded: true})
		if l.Counts = l.Sub(inside); l.Counts != (slo.Counts{}) {
			late = append(late, l)
		}
	}
	if late != nil {
		s.Late = late
	}
	return s
}

// notePlanned keeps the events of planned work, and forgets those that the history knows nothing of
// any more: a window that is open may be longer than those of the present definition, and what
// traffic is usual is looked up further back.
func (w *Watch) notePlanned(s slo.Sample, tick slo.Span) {
	for _, l := range s.Late {
		for i := range w.Planned {
			if p := &w.Planned[i]; l.Excluded && shared(p.Span, slo.Span{Start: l.From, End: l.To}) > 0 {
				p.Counts = p.Add(l.Counts)
				break
			}
		}
	}
	for known := w.History.Known(); len(w.Planned) > 0 && w.Planned[0].End.Before(known); {
		w.Planned = w.Planned[1:]
	}
	if !s.Excluded {
		return
	}
	if n := len(w.Planned); n > 0 && w.Planned[n-1].End.Equal(tick.Start) {
		w.Planned[n-1].End = tick.End
		w.Planned[n-1].Counts = w.Planned[n-1].Add(s.Counts)
		return
	}
	if len(w.Planned) == maxPlanned {
		second := w.Planned[1]
		second.Start, second.Counts = w.Planned[0].Start, second.Add(w.Planned[0].Counts)
		w.Planned = append([]planned{second}, w.Planned[2:]...)
	}
	w.Planned = append(w.Planned, planned{tick, s.Counts})
}

// plannedIn sums the events of planned work in a stretch. Where that cuts one, its events are taken
// as spread evenly.
func (w *Watch) plannedIn(span slo.Span) (c slo.Counts) {
	for _, p := range w.Planned {
		if in := shared(p.Span, span); in > 0 {
			part := float64(in) / float64(p.End.Sub(p.Start))
			c = c.Add(slo.Counts{Total: p.Total * part, Bad: p.Bad * part})
		}
	}
	return c
}

// sayPlanned adds to a breach window's caveats how much planned work it goes over.
func (w *Watch) sayPlanned(v *alert.Window, end time.Time) {
	span, length := slo.Span{Start: v.Onset, End: end}, time.Duration(0)
	for _, p := range w.Planned {
		length += shared(p.Span, span)
	}
	if length > 0 {
		ticks := int(length / w.History.Interval())
		v.Caveats = slo.MergeCaveats(v.Caveats, []slo.Caveat{{Kind: slo.Planned, Count: ticks, Events: w.plannedIn(span).Cut().Bad}})
	}
}

// IsPlanned reports whether work was planned in the tick that ends at t.
func (w *Watch) IsPlanned(t time.Time) bool {
	for _, p := range w.Planned {
		if p.Start.Before(t) && !p.End.Before(t) {
			return true
		}
	}
	return false
}

// HasPlanned reports whether work was planned in one of the ticks of a stretch.
func (w *Watch) HasPlanned(span slo.Span) bool {
	return slices.ContainsFunc(w.Planned, func(p planned) bool { return shared(p.Span, span) > 0 })
}

// shared is how long two stretches overlap.
func shared(a, b slo.Span) time.Duration {
	start, end := a.Start, a.End
	if b.Start.After(start) {
		start = b.Start
	}
	if b.End.Before(end) {
		end = b.End
	}
	return max(0, end.Sub(start))
}
