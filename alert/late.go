package alert

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// Data may reach Prometheus later than a tick is read, by remote write or slow scrapes, and its
// events would be lost without a trace. So now and then a tick is read a second time.
const (
	checkEvery = 20 // ticks: one of so many is read again
	checkAfter = 10 // ticks: so much later
)

// lateness is what a lane knows of data that comes late.
type lateness struct {
	Extra   time.Duration `json:"extra,omitempty"`  // added to the delay, in whole intervals
	Checked time.Time     `json:"checked,omitzero"` // up to here all ticks are verified, while data is known to come late; else zero
	Closed  []time.Time   `json:"closed,omitempty"` // ticks at which a window was closed, to be read again
}

// dueCheck is the tick to be read again when `tick` is folded, and where the stretch begins that is
// read again if it differs.
func (l *Lane) dueCheck(tick time.Time) (check, from time.Time, due bool) {
	check = tick.Add(-checkAfter * l.interval)
	from = check.Add(-checkEvery * l.interval)
	if !l.late.Checked.IsZero() && l.late.Checked.After(from) {
		from = l.late.Checked
	}
	closed := slices.ContainsFunc(l.late.Closed, check.Equal)
	l.late.Closed = slices.DeleteFunc(l.late.Closed, func(t time.Time) bool { return !t.After(check) })
	return check, from, closed || check.UnixNano()/int64(l.interval)%checkEvery == 0
}

// recheck reads an earlier tick again, if one is due, and adds to the samples what has come since:
// they are those of one tick, of the lane's watches. If there is any, the whole stretch since the
// last check is read again, and ticks are sampled later from then on.
func (e *Engine) recheck(ctx context.Context, l *Lane, tick time.Time, samples [][]slo.Sample) {
	check, from, due := l.dueCheck(tick)
	if !due {
		return
	}
	first := check
	if !l.late.Checked.IsZero() {
		first = from.Add(l.interval) // data is known to come late, so all are to be verified
	}
	events, atCheck := e.compare(ctx, l, slo.Ticks{First: first, Last: check, Interval: l.interval}, samples)
	if events > 0 && first.Equal(check) && from.Before(check.Add(-l.interval)) {
		more, _ := e.compare(ctx, l, slo.Ticks{First: from.Add(l.interval), Last: check.Add(-l.interval), Interval: l.interval}, samples)
		events += more
	}
	switch {
	case atCheck:
		l.late.Checked = check
		if l.late.Extra < checkAfter*l.interval {
			l.late.Extra = min(max(l.interval, 2*l.late.Extra), checkAfter*l.interval)
			e.opts.Logger.Warn("data came after its tick was read; sampling later from now on", "lane", l.name, "events", events, "added_delay", l.late.Extra)
		}
	default:
		l.late.Checked = time.Time{}
	}
	e.metrics.lateEvents.Add(events)
}

// compare reads ticks again and adds what is more than the histories hold as late. It returns how
// many events that is, and whether there are any of the last tick.
func (e *Engine) compare(ctx context.Context, l *Lane, ticks slo.Ticks, samples [][]slo.Sample) (events float64, atLast bool) {
	readings, failing := e.read(ctx, l, l.defs, ticks)
	if ctx.Err() != nil || len(failing) > 0 {
		return 0, false
	}
	for i := range samples {
		w := l.watches[i]
		for t, s := range l.seriesOf(w, readings) {
			at := ticks.At(t)
			if w.isPlanned(at) {
				continue // what came late of it would change no breach
			}
			more := missed(w.history.Between(at.Add(-l.interval), at), s.Counts)
			if more.Total < 1 && math.Abs(more.Bad) < 1 {
				continue
			}
			late := max(more.Total, -more.Bad) // good ones that came later than the total
			into := &samples[i][0]
			into.Late = append(into.Late, slo.Late{From: at.Add(-l.interval), To: at, Counts: more})
			into.Caveats = slo.MergeCaveats(into.Caveats, []slo.Caveat{{Kind: slo.DataLate, Count: 1, Events: late}})
			into.Normalize()
			events += late
			atLast = atLast || t == ticks.Len()-1
		}
	}
	return events, atLast
}

// missed returns what a tick that is read again has more than it had. Bad events are fewer where
// good ones came later than their total; where the total itself is smaller than it was, data has
// gone since, and proves nothing good.
func missed(had, has slo.Counts) slo.Counts {
	more := has.Sub(had)
	if more.Total < 0 {
		return slo.Counts{Bad: max(0, more.Bad)}
	}
	return more
}

// seriesOf finds a watch's samples in readings, one for each of the lane's definitions; nil where
// there are none.
func (l *Lane) seriesOf(w *Watch, readings []slo.Reading) []slo.Sample {
	for i, d := range l.defs {
		if d.Objective.Name != w.def.Objective.Name {
			continue
		}
		for _, s := range readings[i].Series {
			if s.Labels == w.labels {
				return s.Samples
			}
		}
	}
	return nil
}

// relearn reports whether a sample has events of earlier ticks that the history still knows one by
// one, and the start of the first. Then the arithmetic of onsets and ends is done again over those
// ticks, so that the times are what they would have been in time.
func (w *Watch) relearn(s slo.Sample) (from time.Time, late bool) {
	for i, l := range s.Late {
		if at := l.From.Truncate(w.history.Interval()); i == 0 || at.Before(from) {
			from = at
		}
	}
	return from, len(s.Late) > 0 && w.history.EachTick(from)
}

// retrack folds the ticks after `from` into the rules' trackers again: those after a tracker's
// onset, where that is earlier.
func (w *Watch) retrack(s slo.Sample, from time.Time) {
	for _, x := range w.Excused {
		if x.End.After(from) {
			from = x.End // a closed window stays closed
		}
	}
	for i, r := range w.rules {
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
			t.PeakBurn = max(old.PeakBurn, slo.BurnRate(w.forRules(r.Short), w.def.Objective.Target))
			t.Caveats = slo.MergeCaveats(slices.Clone(old.Caveats), s.Caveats)
			t.Pending = slices.Clone(old.Pending)
		}
	}
}

// rerun sums an open window again, with what came late. Its onset moves to that of a rule that has
// fired, if bad events that came late have moved that one back.
func (w *Watch) rerun(open *openWindow, from time.Time) {
	onset := open.Run.Onset
	if open.Window.Definition == w.digest && from.Before(onset) {
		for i, t := range w.Track {
			if open.Fired[i] && t.isOn() && t.Onset.Before(onset) {
				onset = t.Onset
			}
			if open.Window.Rule != nil && w.rules[i].Rule == *open.Window.Rule && t.isOn() && t.Onset.Before(open.First) {
				open.First = t.Onset
			}
		}
	}
	if !w.history.EachTick(open.First) {
		return
	}
	again := run{PeakBurn: open.Run.PeakBurn}
	base := w.thresholdOf(open)
	w.walk(open.First, func(tick slo.Sample, _ time.Time, allBad float64, change *shifts) {
		again.add(tick, tick.Counts, base, allBad, change)
	})
	if w.history.Apart() {
		again.close(w.history.Now(), w.history.All().Bad)
	}
	gained := w.history.Between(onset, open.First)
	again.Onset, again.Counts, again.AtEnd = onset, again.Counts.Add(gained), again.AtEnd.Add(gained)
	again.Caveats, again.Pending = open.Run.Caveats, open.Run.Pending
	open.Run = again
	w.retrace(open)
}

// walk calls step with the ticks after `from`, as the history knows them now.
func (w *Watch) walk(from time.Time, step func(tick slo.Sample, start time.Time, allBad float64, change *shifts)) {
	var last *shifts
	w.history.Buckets(from, func(span slo.Span, c slo.Counts) bool {
		change := w.shiftTo(&last, span.Start, span.End, covered(w.history.Blind(), span) || w.isPlanned(span.End))
		step(slo.Sample{Tick: span.End, Counts: c}, span.Start, w.history.Cumulative(span.End).Bad, change)
		return true
	})
}

// amend adds what came late to the windows that were closed a short while ago, and reports them.
func (w *Watch) amend(s slo.Sample) []Event {
	var events []Event
	for i := range w.Excused {
		x := &w.Excused[i]
		if x.Window == nil {
			continue
		}
		if s.Tick.Sub(x.End) > (checkEvery+2*checkAfter)*w.history.Interval()+x.Hold {
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
		events = append(events, Event{Tick: s.Tick, Window: v})
	}
	return events
}
