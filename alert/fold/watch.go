package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Watch is the step function of one objective and label set: it folds one sample a tick into breach
// windows. It is used by one goroutine at a time.
type Watch struct {
	ledger         // what is known of the events
	windowTrackers // what follows from them

	Armed time.Time  // windows that ended by then are no incident
	Last  slo.Sample // the newest
	Brief bool       // report a window of kind burn only if it opens, closes or its onset moves
}

// NewWatch starts an objective's fold: its first sample is of the tick after `start`, and windows
// that ended by `armed` are no incident.
func NewWatch(def alert.Definition, labels slo.Labels, interval time.Duration, start, armed time.Time) *Watch {
	w := RestoreWatch(def, labels, slo.NewHistory(interval, start, def.Warmup(), def.Objective.Window.Longest()))
	w.Armed = armed
	w.firing.reset(len(w.rules))
	return w
}

// RestoreWatch makes a watch with a history. Call Restore for its state.
func RestoreWatch(def alert.Definition, labels slo.Labels, history *slo.History) *Watch {
	return &Watch{ledger: ledger{terms: newTerms(def, labels, history.Interval()), past: past{History: history}}}
}

// Step folds in the next tick's sample and returns what happened to the breach windows, most often
// nothing. An open window is reported at every tick, with its numbers so far.
func (w *Watch) Step(s slo.Sample) []alert.Event { return w.StepLong(s, 1) }

// StepLong is Step with one sample for several ticks that are too long ago to matter one by one: an
// onset is only as exact as the sample is long. No window may be open or open in it.
func (w *Watch) StepLong(s slo.Sample, ticks int) []alert.Event {
	t := w.add(s, ticks)
	w.Last = t.Sample
	events := w.step(&w.ledger, &t, ticks, w.Brief)
	for i := range events {
		events[i].Policy = w.Def.Policy
	}
	return events
}

// Wait tells the watch that its next tick can't be read yet: Prometheus does not answer, or data is
// late. That is as blind as no data, but the tick is folded normally once it can be.
func (w *Watch) Wait(at time.Time) []alert.Event {
	if e, opened := w.blind.wait(&w.ledger, at); opened {
		return []alert.Event{e}
	}
	return nil
}

// IsGone reports whether a label set has had no data for so long that it is dropped.
func (w *Watch) IsGone() bool {
	limit := max(RetireAfter, w.Def.Warmup()) / w.History.Interval()
	return len(w.Def.Objective.GroupBy) > 0 && time.Duration(w.blind.silent) >= limit
}

// OpenWindows returns the open windows, with their numbers so far.
func (w *Watch) OpenWindows() (all []alert.Window) {
	for _, o := range w.openWindows(&w.ledger) {
		all = append(all, o.state)
	}
	return all
}

// Retire returns events that end the open windows of a watch that stops after a tick: breaches end
// when they were last getting worse, others at the tick.
func (w *Watch) Retire(tick time.Time) (events []alert.Event) {
	for _, o := range w.openWindows(&w.ledger) {
		v := o.state
		if v.Ended = tick; v.Kind == alert.Burn || v.Kind == alert.Budget {
			v.Ended = o.end
		}
		v.Caveats = slo.MergeCaveats(slices.Clone(v.Caveats), []slo.Caveat{{Kind: slo.Removed, Count: 1}})
		events = append(events, alert.Event{Tick: tick, Closed: true, Window: v, Policy: w.Def.Policy})
	}
	return events
}

// hadEnded reports whether a window had ended when the watch was armed, as far as known.
func (w *Watch) hadEnded(v alert.Window) bool { return w.wasOver(v, w.Armed) }
