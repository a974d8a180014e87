package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// past is what is known of an objective's events: its history, and what planned work and missing
// data leave out of it.
type past struct {
	History *slo.History // without the events of planned work
	planned plannedWork
}

// Now returns the last tick folded in.
func (p *past) Now() time.Time { return p.History.Now() }

// Plan marks a sample's late events that fell into planned work, so that they count as such.
func (p *past) Plan(s slo.Sample) slo.Sample { return p.planned.mark(s) }

// HasPlanned reports whether any tick of a stretch had planned work.
func (p *past) HasPlanned(span slo.Span) bool { return p.planned.length(span) > 0 }

// relearn reports whether a sample has events of earlier ticks that the history still has one by
// one, and the start of the first. Onsets and ends are then computed again over these ticks, as if
// the events had come in time.
func (p *past) relearn(s slo.Sample) (from time.Time, late bool) {
	for i, l := range s.Late {
		if at := slo.Floor(l.From, p.History.Interval()); i == 0 || at.Before(from) {
			from = at
		}
	}
	return from, len(s.Late) > 0 && p.History.EachTick(from)
}

// walk calls step with the history's ticks after `from`, as known now.
func (p *past) walk(from time.Time, step func(*tick)) {
	var last *shifts
	var t tick
	p.History.Buckets(from, func(span slo.Span, c slo.Counts) bool {
		silent := covered(p.History.Blind(), span) || p.planned.at(span.End)
		t = tick{
			Sample: slo.Sample{Tick: span.End, Counts: c}, start: span.Start, learnt: c,
			allBad: p.History.Cumulative(span.End).Bad,
			change: p.shiftTo(&last, span.Start, span.End, silent),
		}
		step(&t)
		return true
	})
}

// blindFor returns how much of a stretch had no data.
func (p *past) blindFor(span slo.Span) (length time.Duration) {
	for _, b := range p.History.Blind() {
		length += b.Overlap(span)
	}
	return length
}

// knownSince returns from when on events and stretches without data are known.
func (p *past) knownSince() time.Time {
	known := p.History.Known()
	if start, full := p.History.BlindSince(); full && start.After(known) {
		known = start
	}
	return known
}

// unseen returns how much of a stretch had no data, or planned work.
func (p *past) unseen(span slo.Span) time.Duration {
	return p.blindFor(span) + p.planned.length(span)
}

// gaps returns caveats for the ticks of a stretch without data and, if asked, with planned work.
func (p *past) gaps(span slo.Span, planned bool) (all []slo.Caveat) {
	interval := p.History.Interval()
	if blind := int(p.blindFor(span) / interval); blind > 0 {
		all = append(all, slo.Caveat{Kind: slo.NoData, Count: blind})
	}
	if length := p.planned.length(span); planned && length > 0 {
		all = append(all, slo.Caveat{Kind: slo.Planned, Count: int(length / interval), Events: p.planned.in(span).Cut().Bad})
	}
	return all
}

// prepend adds what another past knows of the time up to a tick.
func (p *past) prepend(old *past, until time.Time) {
	p.History = p.History.Prepended(old.History, until)
	p.planned = append(old.planned.endedBy(until), p.planned...)
}

// covered reports whether a stretch holds all of span.
func covered(stretches []slo.Span, span slo.Span) bool {
	return slices.ContainsFunc(stretches, func(s slo.Span) bool {
		return !s.Start.After(span.Start) && !s.End.Before(span.End)
	})
}
