package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Data may reach Prometheus later than a tick is read, by remote write or slow scrapes, and its
// events would be lost without a trace. So now and then a tick is read a second time.
const (
	CheckEvery = 20 // ticks: one of so many is read again
	CheckAfter = 10 // ticks: so much later
)

// relearn reports whether a sample has events of earlier ticks that the history still knows one by
// one, and the start of the first. Then the arithmetic of onsets and ends is done again over those
// ticks, so that the times are what they would have been in time.
func (w *Watch) relearn(s slo.Sample) (from time.Time, late bool) {
	for i, l := range s.Late {
		if at := slo.Floor(l.From, w.History.Interval()); i == 0 || at.Before(from) {
			from = at
		}
	}
	return from, len(s.Late) > 0 && w.History.EachTick(from)
}

// retrack folds the ticks after `from` into the rules' trackers again: those after a tracker's
// onset, where that is earlier.
func (w *Watch) retrack(s slo.Sample, from time.Time) {
	for _, x := range w.Excused {
		if x.End.After(from) {
			from = x.End // a closed window stays closed
		}
	}
	from = w.laterThanRedefined(from)
	for i, r := range w.Rules {
		old := w.Track[i]
		begin := from
		if old.isOn() && old.Onset.Before(begin) {
			begin = old.Onset
		}
		w.Track[i] = tracker{}
		w.walk(begin, func(tick slo.Sample, start time.Time, allBad float64, change *shifts) {
			w.Track[i].add(tick, tick.Counts, r.threshold, w.base, start, allBad, change)
		})
		if t := &w.Track[i]; t.isOn() {
			t.PeakBurn = max(old.PeakBurn, slo.BurnRate(w.forRules(r.Short), w.Def.Objective.Target))
			t.Caveats = slo.MergeCaveats(slices.Clone(old.Caveats), s.Caveats)
			t.Pending = slices.Clone(old.Pending)
		}
	}
}

// rerun sums an open window again, with what came late. Its onset moves to that of a rule that has
// fired, if bad events that came late have moved that one back.
func (w *Watch) rerun(open *OpenWindow, from time.Time) {
	onset := open.Run.Onset
	if open.Window.Definition == w.digest && from.Before(onset) {
		for i, t := range w.Track {
			if open.Fired[i] && t.isOn() && t.Onset.Before(onset) {
				onset = t.Onset
			}
			if open.Window.Rule != nil && w.Rules[i].Rule == *open.Window.Rule && t.isOn() && t.Onset.Before(open.First) {
				open.First = t.Onset
			}
		}
	}
	if !w.History.EachTick(open.First) {
		return
	}
	again := run{PeakBurn: open.Run.PeakBurn}
	base := w.thresholdOf(open)
	w.walk(open.First, func(tick slo.Sample, _ time.Time, allBad float64, change *shifts) {
		again.add(tick, tick.Counts, base, allBad, change)
	})
	if w.History.Apart() {
		again.close(w.History.Now(), w.History.All().Bad)
	}
	gained := w.History.Between(onset, open.First)
	again.Onset, again.Counts, again.AtEnd = onset, again.Counts.Add(gained), again.AtEnd.Add(gained)
	again.Caveats, again.Pending = open.Run.Caveats, open.Run.Pending
	open.Run = again
	w.retrace(open)
}

// walk calls step with the ticks after `from`, as the history knows them now.
func (w *Watch) walk(from time.Time, step func(tick slo.Sample, start time.Time, allBad float64, change *shifts)) {
	var last *shifts
	w.History.Buckets(from, func(span slo.Span, c slo.Counts) bool {
		change := w.shiftTo(&last, span.Start, span.End, covered(w.History.Blind(), span) || w.IsPlanned(span.End))
		step(slo.Sample{Tick: span.End, Counts: c}, span.Start, w.History.Cumulative(span.End).Bad, change)
		return true
	})
}

// amend adds what came late to the windows that were closed a short while ago, and reports them.
func (w *Watch) amend(s slo.Sample) []alert.Event {
	var events []alert.Event
	for i := range w.Excused {
		x := &w.Excused[i]
		if x.Window == nil {
			continue
		}
		if s.Tick.Sub(x.End) > (CheckEvery+2*CheckAfter)*w.History.Interval()+x.Hold {
			x.Window = nil // its numbers are final
			continue
		}
		var more slo.Counts
		for _, l := range s.Late {
			more = more.Add(l.Until(x.End).Sub(l.Until(x.Start)))
		}
		if more == (slo.Counts{}) {
			continue
		}
		v := *x.Window
		v.Counts = slo.Counts{Total: v.Total + more.Total, Bad: x.To - x.From} // not what was cut before
		v.Caveats = slo.MergeCaveats(slices.Clone(v.Caveats), s.Caveats)
		v.Counts = v.Cut()
		w.budgetAt(v.Objective.Window, v.Ended).share(&v)
		x.Window = &v
		events = append(events, alert.Event{Tick: s.Tick, Window: v})
	}
	return events
}
