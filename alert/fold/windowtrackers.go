package fold

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// windowTrackers find the breach windows of one objective and label set: each those of its kind.
type windowTrackers struct {
	firing firing
	burn   burnTracker
	budget budgetTracker
	blind  blindTracker
	quiet  quietTracker
}

// step folds a tick into all kinds of windows, and returns what happened to them. With `brief`, an
// open window of kind burn is reported only if its onset moves.
func (wt *windowTrackers) step(led *ledger, t *tick, ticks int, brief bool) []alert.Event {
	wt.budget.notePeriod(led, t)
	wt.blind.note(led, t, ticks)
	wt.firing.step(led, t)
	if led.redefineAgain(t.start) {
		wt.firing.reset(len(led.rules))
	}
	so := wt.reckoner(led)
	events := wt.firing.closed.amend(so, t)
	if e, ok := wt.burn.step(so, &wt.firing, t, brief); ok {
		events = append(events, e)
	}
	events = append(events, wt.budget.step(so, t)...)
	if e, ok := wt.blind.step(led, t); ok {
		events = append(events, e)
	}
	if e, ok := wt.quiet.step(led, t); ok {
		so.count(&e.Window)
		events = append(events, e)
	}
	return events
}

func (wt *windowTrackers) reckoner(led *ledger) reckoner { return reckoner{led, &wt.budget, &wt.quiet} }

// IsBurning reports whether a window of kind burn is open.
func (wt *windowTrackers) IsBurning() bool { return wt.burn.open != nil }

// BeforeBurn returns a time with no window of kind burn open: the given one, or a while before the
// onset of the window open then.
func (wt *windowTrackers) BeforeBurn(at time.Time) time.Time {
	return wt.burn.before(at, wt.firing.closed)
}

// StoppedBy reports whether v is the open window of kind burn and had stopped getting worse by t.
func (wt *windowTrackers) StoppedBy(t time.Time, v alert.Window) bool {
	return wt.burn.wasOverBy(t) && v.Key() == wt.burn.open.Window.Key()
}

// PlannedTo returns until when no data is expected, though earlier ticks are waited for.
func (wt *windowTrackers) PlannedTo() time.Time { return wt.blind.plannedTo }

// wasOver reports whether a window had ended at a time, as far as known.
func (wt *windowTrackers) wasOver(v alert.Window, at time.Time) bool {
	if v.IsOpen() {
		return v.Kind == alert.Burn && wt.burn.wasOverBy(at)
	}
	return !v.Ended.After(at)
}

// openState is an open window, of any kind.
type openState struct {
	state    alert.Window // its numbers so far
	detected *time.Time   // in the tracker's own window
	caveats  *[]slo.Caveat
	end      time.Time // its end if it stops now
}

// openWindows returns the open windows.
func (wt *windowTrackers) openWindows(led *ledger) (all []openState) {
	so := wt.reckoner(led)
	for _, open := range []*OpenWindow{wt.burn.open, wt.budget.open} {
		if open != nil {
			all = append(all, openState{so.soFar(open), &open.Window.Detected, &open.Run.Caveats, open.Run.End})
		}
	}
	if v := wt.blind.open; v != nil {
		all = append(all, openState{*v, &v.Detected, &v.Caveats, led.Now()})
	}
	if v := wt.quiet.open; v != nil {
		state := *v
		so.count(&state)
		all = append(all, openState{state, &v.Detected, &v.Caveats, wt.quiet.lullEnd(led, v.Onset, wt.quiet.low.Rate)})
	}
	return all
}

// follow takes over the windows of kind budget, blind and quiet that were open at a time and still
// are in older trackers, which have a history.
func (wt *windowTrackers) follow(old *windowTrackers, history *slo.History, start time.Time) {
	wt.budget.follow(&old.budget, history, start)
	wt.blind.follow(&old.blind, start)
	wt.quiet.follow(&old.quiet, start)
}

// redefine ends what a changed definition makes meaningless.
func (wt *windowTrackers) redefine(old, def alert.Definition) {
	if def.Objective.Window != old.Objective.Window {
		wt.budget.period = nil
	}
	if def.Policy.Blind != old.Policy.Blind {
		wt.blind.dark = nil // no data: counts from now on
	}
	if wt.quiet.open == nil && def.Policy.Quiet != old.Policy.Quiet {
		wt.quiet.low = nil
	}
}

// state adds a checkpoint's part. It shares memory that the trackers go on to change.
func (wt *windowTrackers) state(s *WatchState) {
	s.Track, s.Excused, s.Burn = wt.firing.track, wt.firing.closed, wt.burn.open
	s.Budget, s.Period = wt.budget.open, wt.budget.period
	s.Blind, s.Dark, s.Silent = wt.blind.open, wt.blind.dark, wt.blind.silent
	s.Waited, s.PlannedTo = wt.blind.waited, wt.blind.plannedTo
	s.Quiet, s.Low = wt.quiet.open, wt.quiet.low
}

// restoreTrackers returns trackers with a checkpoint's state.
func restoreTrackers(s WatchState) windowTrackers {
	return windowTrackers{
		firing: firing{track: s.Track, closed: s.Excused},
		burn:   burnTracker{open: s.Burn},
		budget: budgetTracker{open: s.Budget, period: s.Period},
		blind:  blindTracker{open: s.Blind, dark: s.Dark, silent: s.Silent, waited: s.Waited, plannedTo: s.PlannedTo},
		quiet:  quietTracker{open: s.Quiet, low: s.Low},
	}
}
