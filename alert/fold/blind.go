package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// darkness is an ongoing time without data.
type darkness struct {
	Since time.Time    `json:"since"`         // start of its first tick
	Why   []slo.Caveat `json:"why,omitempty"` // caveats of its samples
}

// blindTracker opens and closes windows of kind blind.
type blindTracker struct {
	open      *alert.Window
	dark      *darkness // while there is no data
	silent    int       // ticks without data in a row
	waited    time.Time // the last time the next sample could not be read yet
	plannedTo time.Time // no data is expected up to here, though ticks before are waited for
}

// note notes how long there has been no data. In planned work none is expected, unless a window is
// open.
func (b *blindTracker) note(led *ledger, t *tick, ticks int) {
	b.silent += ticks
	if !t.Blind {
		b.silent = 0
	}
	switch {
	case !t.Blind || t.Excluded && b.open == nil, led.isYetToCome():
		b.dark = nil
		return
	case b.dark == nil:
		b.dark = &darkness{Since: t.start}
	}
	b.dark.Why = slo.MergeCaveats(b.dark.Why, t.Caveats)
}

// isYetToCome reports whether this is a label set that never had data, so none is expected.
func (led *ledger) isYetToCome() bool {
	return led.History.Empty() && len(led.Def.Objective.GroupBy) > 0
}

// step opens a window once there has been no data for as long as the policy says, and closes it
// when data is back. In between nothing changes, so nothing is reported. If ticks were waited for,
// data is back only once so few of them are left that they alone would open no window: what is read
// of the others at last makes no windows inside the one that told of them.
func (b *blindTracker) step(led *ledger, t *tick) (alert.Event, bool) {
	if v := b.open; v != nil {
		if t.Blind {
			return alert.Event{}, false
		}
		for _, l := range t.Late { // counters that went on counting tell
			v.Counts = v.Add(l.Until(t.start).Sub(l.Until(v.Onset)))
		}
		if isTooLong(led, t.Tick, b.waited.Add(-led.Def.Objective.Delay)) {
			return alert.Event{}, false
		}
		closed := *v
		closed.Ended = slo.Later(t.start, b.waited)
		closed.Clip()
		b.open = nil
		return alert.Event{Tick: t.Tick, Closed: true, Window: closed}, true
	}
	if b.dark == nil {
		return alert.Event{}, false
	}
	return b.openIf(led, t.Tick, t.Tick, *b.dark)
}

// openIf opens a window at a tick if, by `now`, there has been no data for long enough.
func (b *blindTracker) openIf(led *ledger, tick, now time.Time, dark darkness) (alert.Event, bool) {
	if !isTooLong(led, dark.Since, now) {
		return alert.Event{}, false
	}
	v := led.window(alert.Blindness, dark.Since, tick)
	v.Caveats = slices.Clone(dark.Why)
	b.open = &v
	return alert.Event{Tick: tick, Opened: true, Window: v, Policy: led.Def.Policy}, true
}

// isTooLong reports whether a time without data opens a window.
func isTooLong(led *ledger, since, now time.Time) bool {
	p := led.Def.Policy.Blind
	return p.Issue && now.Sub(since) >= roundUp(p.After, led.History.Interval())
}

// wait notes that the next tick's sample can't be read yet.
func (b *blindTracker) wait(led *ledger, at time.Time) (alert.Event, bool) {
	b.waited = at
	if b.open != nil || led.isYetToCome() {
		return alert.Event{}, false
	}
	dark := darkness{Since: led.Now()}
	switch {
	case b.plannedTo.After(led.Now()):
		dark.Since = b.plannedTo
	case b.dark != nil:
		dark = *b.dark
	}
	return b.openIf(led, at, at.Add(-led.Def.Objective.Delay), dark)
}

// follow takes over an older tracker's open window if it was open at the start.
func (b *blindTracker) follow(old *blindTracker, start time.Time) {
	if old.open == nil || !old.open.Onset.Before(start) {
		return
	}
	open := *old.open
	b.open, b.dark = &open, &darkness{Since: open.Onset, Why: slices.Clone(open.Caveats)}
}
