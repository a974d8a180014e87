package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// redefinition is what a state keeps of the last change of a definition. It knows no time but
// ticks, so folding the past again through that tick gives the same.
type redefinition struct {
	At      time.Time `json:"at"`                // the last tick under the definition before
	Changes []string  `json:"changes,omitempty"` // from what to what
	Since   time.Time `json:"since,omitzero"`    // the last tick before target, window or rules changed: bad events up to it open nothing
	Bad     float64   `json:"bad,omitempty"`     // bad events of the whole history up to Since
}

// Redefine gives a watch another target or policy. If it finds breaches otherwise than before, only
// bad events from now on open a window: those of the past count as good for the rules, whose onsets
// are looked for anew, and for opening a window of kind budget. What is shown of the budget counts
// all of them, and a window that is open keeps the definition it was opened under.
func (w *Watch) Redefine(def alert.Definition) {
	old := w.Def
	same := w.digest == def.Digest()
	if def.Warmup() > old.Warmup() || def.Objective.Window.Longest() > old.Objective.Window.Longest() {
		w.History = w.History.Resized(def.Warmup(), def.Objective.Window.Longest())
	}
	if def.Objective.Window != old.Objective.Window {
		w.Period = nil
	}
	w.define(def)
	if same {
		return
	}
	w.Redefined.At, w.Redefined.Changes = w.History.Now(), alert.Changes(old, def)
	if def.Policy.Blind != old.Policy.Blind {
		w.Dark = nil // what is dark is so from now on
	}
	if w.Quiet == nil && def.Policy.Quiet != old.Policy.Quiet {
		w.Low = nil
	}
	if def.JudgesAs(old) {
		return
	}
	w.Redefined.Since, w.Redefined.Bad = w.History.Now(), w.History.All().Bad
	w.Track = make([]tracker, len(w.Rules))
}

// Redo makes a watch that is about to be folded over the past again as if it had been redefined
// when an older one of its objective was.
func (w *Watch) Redo(older *Watch) { w.Redefined = older.Redefined }

// IsOpenUnderAnother reports whether a window is open that was opened under another definition than
// the present one.
func (w *Watch) IsOpenUnderAnother() bool {
	return slices.ContainsFunc(w.openWindows(), func(o openState) bool { return o.state.Definition != w.digest })
}

// redefineAgain does once more what Redefine did in the step that began at `start`.
func (w *Watch) redefineAgain(start time.Time) {
	since := w.Redefined.Since
	if !since.After(start) || since.After(w.Now()) {
		return
	}
	w.Redefined.Bad = w.History.Cumulative(since).Bad
	w.Track = make([]tracker, len(w.Rules))
}

// laterThanRedefined returns the later of a time and the last change of target, window or rules.
func (w *Watch) laterThanRedefined(t time.Time) time.Time {
	if w.Redefined.Since.After(t) {
		return w.Redefined.Since
	}
	return t
}

// noteLate notes which of the events that come late are of the time before the definition changed.
func (w *Watch) noteLate(s slo.Sample) {
	for _, l := range s.Late {
		w.Redefined.Bad += l.Until(w.Redefined.Since).Bad
	}
}

// forTrackers is what a sample has learnt of, with the bad events of the time before the definition
// changed as good ones.
func (w *Watch) forTrackers(s slo.Sample) slo.Counts {
	c := everything(s)
	for _, l := range s.Late {
		c.Bad -= l.Until(w.Redefined.Since).Bad
	}
	return c
}

// forOpening returns what of a budget that begins at `start` may open a window: bad events of the
// time before the definition changed count as good.
func (w *Watch) forOpening(all slo.Counts, start time.Time) slo.Counts {
	since, now := w.Redefined.Since, w.History.Now()
	if !since.After(start) {
		return all
	}
	all.Bad = w.History.All().Bad - w.Redefined.Bad + w.plannedIn(slo.Span{Start: since, End: now}).Bad - w.inFlight(since)
	return all.Cut()
}

// retrackAll finds the rules' onsets anew, at the resolution that the history has.
func (w *Watch) retrackAll() {
	w.Track = make([]tracker, len(w.Rules))
	from := w.laterThanRedefined(w.History.Now().Add(-w.Def.Warmup()))
	for _, x := range w.Excused {
		if x.End.After(from) {
			from = x.End
		}
	}
	w.walk(from, func(tick slo.Sample, start time.Time, allBad float64, change *shifts) {
		for i, r := range w.Rules {
			w.Track[i].add(tick, tick.Counts, r.threshold, w.base, start, allBad, change)
		}
	})
}
