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

// look notes for how long there has been no data. Planned work is no time to expect any, unless it was missed before.
func (w *Watch) look(s slo.Sample, start time.Time) {
	switch {
	case !s.Blind || s.Excluded && w.Blind == nil:
		w.Dark = nil
		return
	case w.Dark == nil:
		w.Dark = &darkness{Since: start}
	}
	w.Dark.Why = slo.MergeCaveats(w.Dark.Why, s.Caveats)
}

// stepBlind opens a window of kind blind where there has been no data for as long as the policy says, and closes it once there is. In
// between nothing about it changes, so that nothing is reported.
func (w *Watch) stepBlind(s slo.Sample, start time.Time) (alert.Event, bool) {
	if v := w.Blind; v != nil {
		if s.Blind {
			return alert.Event{}, false
		}
		closed := *v
		closed.Ended = start
		for _, l := range s.Late { // what counters that went on counting tell of it
			closed.Counts = closed.Add(l.Until(start).Sub(l.Until(closed.Onset)))
		}
		closed.Clip()
		w.Blind = nil
		return alert.Event{Tick: s.Tick, Closed: true, Window: closed}, true
	}
	p := w.Def.Policy.Blind
	if !p.Issue || w.Dark == nil || !s.Tick.After(w.Armed) || s.Tick.Sub(w.Dark.Since) < w.roundUp(p.After) {
		return alert.Event{}, false
	}
	w.Blind = &alert.Window{
		Objective: w.Def.Objective, Labels: w.Labels, Kind: alert.Blindness, Definition: w.digest, Onset: w.Dark.Since, Detected: s.Tick,
		Caveats: slices.Clone(w.Dark.Why),
	}
	return alert.Event{Tick: s.Tick, Opened: true, Window: *w.Blind}, true
}
