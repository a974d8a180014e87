package fold

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// redefinition keeps the last change of a definition. It knows only ticks, so folding the past
// again through that tick gives the same result.
type redefinition struct {
	At      time.Time `json:"at"`                // the last tick under the definition before
	Changes []string  `json:"changes,omitempty"` // see alert.Changes
	Since   time.Time `json:"since,omitzero"`    // last tick before target, window or rules changed: bad events up to it open nothing
	Bad     float64   `json:"bad,omitempty"`     // bad events of the whole history up to Since
}

// addLate adds late bad events from before the definition changed.
func (r *redefinition) addLate(late []slo.Late) {
	for _, l := range late {
		r.Bad += l.Until(r.Since).Bad
	}
}

// without returns what a tick has learnt; bad events from before the definition changed count as
// good.
func (r *redefinition) without(t *tick) slo.Counts {
	c := t.learnt
	for _, l := range t.Late {
		c.Bad -= l.Until(r.Since).Bad
	}
	return c
}

// sinceRedefined returns the counts by which a budget that begins at `start` may open a window: bad
// events from before the definition changed count as good.
func (led *ledger) sinceRedefined(all slo.Counts, start time.Time) slo.Counts {
	since := led.redefined.Since
	if !since.After(start) {
		return all
	}
	o := led.forOpening()
	planned, out := o.plannedIn(slo.Span{Start: since, End: led.Now()}), o.corrected(since, false)
	all.Bad = led.History.All().Bad - led.redefined.Bad + planned.Bad - led.inFlight(since) - out.Bad
	return all.Cut()
}

// redefineAgain repeats Redefine if it happened in the step that began at `start`, and reports
// whether it did.
func (led *ledger) redefineAgain(start time.Time) bool {
	since := led.redefined.Since
	if !since.After(start) || since.After(led.Now()) {
		return false
	}
	led.redefined.Bad = led.History.Cumulative(since).Bad
	return true
}

// Redefine gives a watch another target or policy. If that finds other breaches than before, only
// bad events from now on open a window: past ones count as good for the rules, whose onsets begin
// anew, and for opening a window of kind budget. The budget that is shown counts all of them, and
// an open window keeps the definition it was opened under.
func (w *Watch) Redefine(def alert.Definition) {
	old, digest := w.Def, w.digest
	w.retarget(def)
	w.redefine(old, def)
	if digest == w.digest {
		return
	}
	w.redefined.At, w.redefined.Changes = w.Now(), alert.Changes(old, def)
	if def.JudgesAs(old) {
		return
	}
	w.redefined.Since, w.redefined.Bad = w.Now(), w.History.All().Bad
	w.firing.reset(len(w.rules))
}

// Redo prepares a watch for folding the past again, as if redefined when an older one of its
// objective was.
func (w *Watch) Redo(older *Watch) { w.redefined = older.redefined }

// regrid puts the watch on another grid.
func (w *Watch) regrid(interval time.Duration) {
	w.History = w.History.Regridded(interval, w.Def.Warmup(), w.Def.Objective.Window.Longest())
	w.terms = newTerms(w.Def, w.Labels, interval)
	w.firing.retrackAll(&w.ledger)
}
