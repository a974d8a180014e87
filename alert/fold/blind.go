package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// darkness is a time without data that goes on.
type darkness struct {
	Since time.Time    `json:"since"`         // start of its first tick
	Why   []slo.Caveat `json:"why,omitempty"` // what its samples say of it
}

// look notes for how long there has been no data. Planned work is no time to expect any, unless it
// was missed before.
func (w *Watch) look(s slo.Sample, start time.Time) {
	switch {
	case !s.Blind || s.Excluded && w.Blind == nil, w.yetToCome():
		w.Dark = nil
		return
	case w.Dark == nil:
		w.Dark = &darkness{Since: start}
	}
	w.Dark.Why = slo.MergeCaveats(w.Dark.Why, s.Caveats)
}

// yetToCome reports whether the watch is of a label set that has had no data yet: none is expected.
func (w *Watch) yetToCome() bool { return w.History.Empty() && len(w.Def.Objective.GroupBy) > 0 }

// stepBlind opens a window of kind blind where there has been no data for as long as the policy
// says, and closes it once there is. In between nothing about it changes, so that nothing is
// reported.
func (w *Watch) stepBlind(s slo.Sample, start time.Time) (alert.Event, bool) {
	if v := w.Blind; v != nil {
		if s.Blind {
			return alert.Event{}, false
		}
		closed := *v
		closed.Ended = start
		if w.Waited.After(start) {
			closed.Ended = w.Waited
		}
		for _, l := range s.Late { // what counters that went on counting tell of it
			closed.Counts = closed.Add(l.Until(start).Sub(l.Until(closed.Onset)))
		}
		closed.Clip()
		w.Blind = nil
		return alert.Event{Tick: s.Tick, Closed: true, Window: closed}, true
	}
	if w.Dark == nil {
		return alert.Event{}, false
	}
	return w.openBlind(s.Tick, s.Tick, *w.Dark)
}

// openBlind opens a window of kind blind at a tick if there has been no data for long enough by
// `now`.
func (w *Watch) openBlind(tick, now time.Time, dark darkness) (alert.Event, bool) {
	p := w.Def.Policy.Blind
	if !p.Issue || now.Sub(dark.Since) < w.roundUp(p.After) {
		return alert.Event{}, false
	}
	w.Blind = &alert.Window{
		Objective: w.Def.Objective, Labels: w.Labels, Kind: alert.Blindness, Definition: w.digest, Onset: dark.Since, Detected: tick,
		Caveats: slices.Clone(dark.Why),
	}
	return alert.Event{Tick: tick, Opened: true, Window: *w.Blind, Policy: w.Def.Policy}, true
}

// Wait tells the watch that the sample of its next tick can't be had yet, as Prometheus does not
// answer or its data is late. That is as blind as no data; but the tick is folded once it can be,
// as if nothing had been.
func (w *Watch) Wait(at time.Time) []alert.Event {
	w.Waited = at
	if w.Blind != nil || w.yetToCome() {
		return nil
	}
	dark := darkness{Since: w.Now()}
	if w.Dark != nil {
		dark = *w.Dark
	}
	e, opened := w.openBlind(at, at.Add(-w.Def.Objective.Delay), dark)
	if !opened {
		return nil
	}
	return []alert.Event{e}
}
