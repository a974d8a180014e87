package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// maxPlanned is the most stretches of planned work remembered; beyond it the oldest are joined.
const maxPlanned = 256

// planned is a stretch of planned work. Its events count in the objective's budget. For breaches,
// the history holds none of them, as if there were no traffic.
type planned struct {
	slo.Span
	slo.Counts
}

// plannedWork is the planned work within the history's reach, oldest first.
type plannedWork []planned

// knownBy returns the planned work known at a time.
func (all plannedWork) knownBy(t time.Time) (known plannedWork) {
	for _, p := range all {
		if p.Start.Before(t) {
			p.End = slo.Earlier(p.End, t)
			known = append(known, p)
		}
	}
	return known
}

// endedBy returns the planned work over by a time.
func (all plannedWork) endedBy(t time.Time) plannedWork {
	return slices.DeleteFunc(slices.Clone(all), func(p planned) bool { return p.End.After(t) })
}

// mark marks a sample's late events that fell into planned work.
func (all plannedWork) mark(s slo.Sample) slo.Sample {
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

// add keeps the events of planned work, and forgets stretches that ended before `known`. That is
// further back than the windows of the present definition: open windows may be longer, and usual
// traffic is looked up further back.
func (all *plannedWork) add(s slo.Sample, tick slo.Span, known time.Time) {
	work := *all
	for _, l := range s.Late {
		for i := range work {
			if p := &work[i]; l.Excluded && p.Span.Overlap(slo.Span{Start: l.From, End: l.To}) > 0 {
				p.Counts = p.Add(l.Counts)
				break
			}
		}
	}
	for len(work) > 0 && work[0].End.Before(known) {
		work = work[1:]
	}
	switch n := len(work); {
	case !s.Excluded:
	case n > 0 && work[n-1].End.Equal(tick.Start):
		work[n-1].End, work[n-1].Counts = tick.End, work[n-1].Add(s.Counts)
	case n == maxPlanned:
		work[1].Start, work[1].Counts = work[0].Start, work[1].Add(work[0].Counts)
		work = append(work[1:], planned{tick, s.Counts})
	default:
		work = append(work, planned{tick, s.Counts})
	}
	*all = work
}

// in sums the events of planned work in a stretch. If planned work is cut, its events are taken as
// spread evenly.
func (all plannedWork) in(span slo.Span) (c slo.Counts) {
	for _, p := range all {
		if in := p.Span.Overlap(span); in > 0 {
			part := float64(in) / float64(p.End.Sub(p.Start))
			c = c.Add(slo.Counts{Total: p.Total * part, Bad: p.Bad * part})
		}
	}
	return c
}

// length returns how much of a stretch had planned work.
func (all plannedWork) length(span slo.Span) (length time.Duration) {
	for _, p := range all {
		length += p.Span.Overlap(span)
	}
	return length
}

// at reports whether work was planned in the tick that ends at t.
func (all plannedWork) at(t time.Time) bool {
	return slices.ContainsFunc(all, func(p planned) bool { return p.Start.Before(t) && !p.End.Before(t) })
}
