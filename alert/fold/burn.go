package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// OpenWindow is an open breach window.
type OpenWindow struct {
	Window alert.Window  `json:"window"`
	Run    run           `json:"run"`
	First  time.Time     `json:"first"` // the onset before any widening: the search for where it got worse starts here
	Hold   time.Duration `json:"hold"`  // the policy's, or the fastest fired rule's short window
	Fired  []bool        `json:"fired,omitempty"`
	Runs   []alert.Phase `json:"runs,omitempty"` // from the onset to when it was last getting worse
	Tail   []alert.Phase `json:"tail,omitempty"` // after that

	Estimated float64 `json:"estimated,omitempty"` // kind budget: events of the budget that were estimated when it opened

	base slo.Threshold // see target; zero until then
}

// target returns the threshold for missing the target as it was when the window opened.
func (o *OpenWindow) target() slo.Threshold {
	if o.base == (slo.Threshold{}) {
		o.base = baseOf(o.Window.Objective)
	}
	return o.base
}

// addTick adds the newest tick to the runs.
func (o *OpenWindow) addTick(t *tick, interval time.Duration) {
	kind := classify(o.target(), t.Counts)
	if t.Blind {
		kind = alert.BlindGap
	}
	o.Tail = addRun(o.Tail, alert.Phase{Kind: kind, Span: slo.Span{Start: t.Tick.Add(-interval), End: t.Tick}, Counts: t.Counts})
	if o.Run.End.Equal(t.Tick) {
		for _, r := range o.Tail {
			o.Runs = addRun(o.Runs, r)
		}
		o.Tail = nil
	}
}

// retrace finds the runs anew in the history.
func (o *OpenWindow) retrace(h *slo.History) {
	o.Runs = runsOf(h, o.target(), o.Run.Onset, o.Run.End)
	o.Tail = runsOf(h, o.target(), o.Run.End, h.Now())
}

// isWell reports whether the target was met in the window's last ticks with events, Hold long in
// all.
func (o *OpenWindow) isWell(led *ledger) bool {
	// Events before the onset say nothing of a recovery, even if a long silence makes them the
	// last.
	recent, enough := led.History.LastActive(o.Hold, o.Run.Onset)
	if !enough {
		return false
	}
	if led.History.Apart() {
		from := led.History.ActiveSince(o.Hold, o.Run.Onset)
		recent.Bad = led.certain(from, noneExcused)
	}
	return !o.target().Exceeded(recent)
}

// burnTracker opens and closes windows of kind burn.
type burnTracker struct{ open *OpenWindow }

// step folds a tick in. With `brief`, an open window is reported only if its onset moves.
func (b *burnTracker) step(so reckoner, f *firing, t *tick, brief bool) (alert.Event, bool) {
	led := so.ledger
	if b.open == nil {
		if !led.mayOpen(t) || !b.openIf(led, f, t) {
			return alert.Event{}, false
		}
		return alert.Event{Tick: t.Tick, Opened: true, Window: so.soFar(b.open)}, true
	}
	open, onset := b.open, b.open.Run.Onset
	open.Run.add(t, t.learnt, open.target(), t.change)
	open.addTick(t, led.History.Interval())
	if t.relearnt {
		b.rerun(led, f, t.from)
	}
	if rule := open.Window.Rule; rule != nil {
		open.Run.PeakBurn = max(open.Run.PeakBurn, f.burnRate(led, rule.Short, open.Window.Objective.Target))
	}
	if open.Window.Definition == led.digest && !t.Blind {
		b.widen(led, f)
	}
	if t.Blind || !open.isWell(led) {
		if brief && open.Run.Onset.Equal(onset) {
			return alert.Event{}, false
		}
		return alert.Event{Tick: t.Tick, Window: so.soFar(open)}, true
	}
	closed := so.soFar(open)
	closed.Ended = open.Run.End
	f.closed = append(f.closed, excused{
		Span: slo.Span{Start: open.Run.Onset, End: open.Run.End},
		From: open.Run.EndBad - open.Run.AtEnd.Bad,
		To:   open.Run.EndBad,

		Window: &closed, Hold: t.Tick.Sub(open.Run.End),
	})
	b.open = nil
	clear(f.track)
	return alert.Event{Tick: t.Tick, Closed: true, Window: closed}, true
}

// openIf opens a window for the fastest rule that fires, if any. Slower ones may widen it at once.
func (b *burnTracker) openIf(led *ledger, f *firing, t *tick) bool {
	for i, r := range led.rules {
		if !f.fires(led, i) {
			continue
		}
		rule := r.Rule
		b.open = &OpenWindow{
			Window: led.window(alert.Burn, time.Time{}, t.Tick),
			Run:    f.track[i].run.clone(),
			Hold:   led.hold(r),
			Fired:  make([]bool, len(led.rules)),
		}
		b.open.Window.Rule = &rule
		b.open.Fired[i] = true
		b.open.First = b.open.Run.Onset
		b.open.Run.close(t.Tick, t.allBad)
		b.open.retrace(led.History)
		b.widen(led, f)
		return true
	}
	return false
}

// widen notes the rules that fire while a window is open. A slower one moves the onset to its own
// if the time gained holds at least min_bad_events. A faster one shortens the hold.
func (b *burnTracker) widen(led *ledger, f *firing) {
	open := b.open
	for i, r := range led.rules {
		if open.Fired[i] || !f.fires(led, i) {
			continue
		}
		open.Fired[i] = true
		open.Hold = min(open.Hold, led.hold(r))
		t := f.track[i]
		if !t.Onset.Before(open.Run.Onset) {
			continue
		}
		if gained := t.Counts.Sub(open.Run.Counts); gained.Bad > 0 && gained.Bad >= led.Def.Policy.MinBadEvents {
			open.Run.Onset = t.Onset
			open.Run.Counts = open.Run.Counts.Add(gained)
			open.Run.AtEnd = open.Run.AtEnd.Add(gained)
			open.retrace(led.History)
		}
	}
}

// rerun sums the open window again, with late events. If late bad events moved a fired rule's onset
// back, the window's onset follows.
func (b *burnTracker) rerun(led *ledger, f *firing, from time.Time) {
	open, onset := b.open, b.open.Run.Onset
	if open.Window.Definition == led.digest && from.Before(onset) {
		for i, t := range f.track {
			if open.Fired[i] && t.isOn() && t.Onset.Before(onset) {
				onset = t.Onset
			}
			if open.Window.Rule != nil && led.rules[i].Rule == *open.Window.Rule && t.isOn() && t.Onset.Before(open.First) {
				open.First = t.Onset
			}
		}
	}
	if !led.History.EachTick(open.First) {
		return
	}
	again := run{PeakBurn: open.Run.PeakBurn}
	base := open.target()
	led.walk(open.First, func(t *tick) { again.add(t, t.Counts, base, t.change) })
	if led.History.Apart() {
		again.close(led.Now(), led.History.All().Bad)
	}
	gained := led.History.Between(onset, open.First)
	again.Onset, again.Counts, again.AtEnd = onset, again.Counts.Add(gained), again.AtEnd.Add(gained)
	again.Caveats, again.Pending = open.Run.Caveats, open.Run.Pending
	open.Run = again
	open.retrace(led.History)
}

// wasOverBy reports whether the open window had stopped getting worse by a time.
func (b *burnTracker) wasOverBy(t time.Time) bool {
	return b.open != nil && !b.open.Run.End.After(t)
}

// before returns a time with no window open: the given one, or a while before the onset of the
// window open then.
func (b *burnTracker) before(at time.Time, closed closedWindows) time.Time {
	if b.open != nil && b.open.Run.Onset.Before(at) {
		at = b.open.Run.Onset.Add(-time.Hour)
	}
	for _, x := range slices.Backward(closed) {
		if x.Start.Before(at) && x.End.After(at) {
			at = x.Start.Add(-time.Hour)
		}
	}
	return at
}
