package fold

import (
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Folded is a watch that was folded over some of its past, with the events that opened and closed
// its windows.
type Folded struct {
	Watch  *Watch
	Events []alert.Event
}

// Late is what came to be known of a stretch of an objective's past only after it was folded. The
// zero Late is nothing.
type Late struct {
	slo.Span
	Events float64 `json:"events,omitempty"` // how many events that are
	Regrid bool    `json:"regrid,omitempty"` // none: the interval was changed, and windows that were over stay as they are
}

// Adopt replaces the watches of an objective by others that were folded over more of its past, or
// over a past that has more events by now, up to the same tick. What the old ones know of a time
// before that stays.
//
// Incidents follow: a window that was recorded gets the numbers that the past tells, and one that
// was missed is recorded now. One that was recorded and is not in the past is not withdrawn; if it
// was open, it ends. Windows that ended before the objective was armed are no incident.
func (l *Lane) Adopt(objective string, folded []Folded, late Late) {
	live := map[slo.Labels]*Watch{}
	for _, w := range l.WatchesOf(objective) {
		live[w.Labels] = w
	}
	for _, f := range folded {
		w := f.Watch
		old := live[w.Labels]
		if old != nil {
			w.Armed = old.Armed
		} else if w.Armed.IsZero() {
			w.Armed = l.cursor
		}
		if old != nil && !old.Since.After(w.Since) && old.History.Origin().Before(w.Since) {
			w.prepend(old)
		}
		l.reconcile(f, old, late)
		if old != nil {
			l.watches[slices.Index(l.watches, old)] = w
		} else if len(live) < MaxLabelSets {
			l.watches = append(l.watches, w)
		}
	}
}

// reconcile makes the incidents agree with what was found of a watch's past. The old watch, which
// may be nil, is what they agreed with before.
func (l *Lane) reconcile(f Folded, old *Watch, late Late) {
	w := f.Watch
	matched := map[windowKey]bool{}
	settle := func(v alert.Window) alert.Window {
		e := alert.Event{Tick: l.cursor, Policy: w.Def.Policy}
		r := l.overlapping(v, matched)
		e.Window = late.mark(v, r, old, w)
		if r != nil {
			e.Window.Detected = r.Detected // which tells windows apart
			e.Closed = !v.IsOpen() && r.IsOpen()
		} else {
			e.Opened, e.Closed = true, !v.IsOpen()
		}
		matched[keyOf(e.Window)] = true
		switch {
		case r == nil:
			l.settle(e)
		case !reflect.DeepEqual(e.Window, *r):
			l.correct(e)
		}
		return e.Window
	}
	for _, v := range f.closed() {
		settled := v
		switch r := l.overlapping(v, matched); {
		case r != nil && late.leaves(v):
			matched[keyOf(*r)] = true
			settled = *r
		case w.wasOver(v) || late.leaves(v):
			continue
		case r == nil && late != (Late{}) && l.cursor.Sub(v.Ended) > l.remembers():
			continue // its incident is forgotten
		default:
			settled = settle(v)
		}
		for i := range w.Excused {
			if x := w.Excused[i].Window; x != nil && keyOf(*x) == keyOf(v) {
				w.Excused[i].Window = &settled
			}
		}
	}
	for _, open := range w.openWindows() {
		if w.wasOver(open.state) && l.overlapping(open.state, matched) == nil {
			continue
		}
		settled := settle(open.state)
		*open.detected = settled.Detected
		*open.caveats = slo.MergeCaveats(slices.Clone(*open.caveats), lateCaveats(settled))
	}
	if old == nil {
		return
	}
	for _, open := range old.openWindows() {
		if v := open.state; !matched[keyOf(v)] && l.recorded(v) != nil {
			v.Ended = open.end
			l.settle(alert.Event{Tick: l.cursor, Closed: true, Window: late.mark(v, nil, old, w), Policy: w.Def.Policy})
		}
	}
}

// correct exchanges the recorded state of a window, whatever became of its incident.
func (l *Lane) correct(e alert.Event) {
	for i := range l.incidents {
		windows := l.incidents[i].Windows
		n := slices.IndexFunc(windows, func(v alert.Window) bool { return v.ID() == e.Window.ID() && keyOf(v) == keyOf(e.Window) })
		if n >= 0 {
			windows = slices.Clone(windows) // what was handed out stays as it is
			windows[n] = e.Window
			l.incidents[i].Windows, l.changed[i] = windows, true
			l.settled = append(l.settled, e)
			return
		}
	}
}

// leaves reports whether a window stays as it is.
func (late Late) leaves(v alert.Window) bool { return late.Regrid && !v.Ended.After(late.Start) }

// closed returns the windows that are over, with all that was learnt of them, in the order in which
// they ended.
func (f Folded) closed() (all []alert.Window) {
	for _, e := range f.Events {
		if e.Window.IsOpen() {
			continue
		}
		i := slices.IndexFunc(all, func(v alert.Window) bool { return keyOf(v) == keyOf(e.Window) })
		if i < 0 {
			all = append(all, e.Window)
		} else {
			all[i] = e.Window
		}
	}
	return all
}

// windowKey tells apart the windows of one objective and label set.
type windowKey struct {
	kind     alert.Kind
	detected time.Time
}

func keyOf(v alert.Window) windowKey { return windowKey{v.Kind, v.Detected} }

// overlapping finds the recorded window that is an earlier state of v, or that v should have been:
// the first of its objective and kind that shares time with it and is not matched yet.
func (l *Lane) overlapping(v alert.Window, matched map[windowKey]bool) *alert.Window {
	for i := range l.incidents {
		for n := range l.incidents[i].Windows {
			r := &l.incidents[i].Windows[n]
			if r.Kind == v.Kind && r.ID() == v.ID() && !matched[keyOf(*r)] && shareTime(*r, v) {
				return r
			}
		}
	}
	return nil
}

// shareTime reports whether two windows overlap; one that is open goes on for ever.
func shareTime(a, b alert.Window) bool {
	return (b.IsOpen() || a.Onset.Before(b.Ended)) && (a.IsOpen() || b.Onset.Before(a.Ended))
}

// mark adds to a window of a watch that takes another one's place a caveat of how many of its
// events came late, beside those of which its recorded state says so already.
func (late Late) mark(v alert.Window, recorded *alert.Window, old, w *Watch) alert.Window {
	caveats := slices.Clone(v.Caveats)
	if recorded != nil {
		caveats = slo.MergeCaveats(caveats, lateCaveats(*recorded))
	}
	more := 0.0
	switch end := v.Ended; {
	case late.Events == 0:
	case old == nil:
		more = late.Events
	default:
		if v.IsOpen() {
			end = w.Now()
		}
		more = Missed(old.History.Between(v.Onset, end), w.History.Between(v.Onset, end))
	}
	if more > 0 {
		caveats = slo.MergeCaveats(caveats, []slo.Caveat{{Kind: slo.DataLate, Count: 1, Events: more}})
	}
	v.Caveats = caveats
	return v
}

// Missed returns how many events a stretch has that it did not have when it was counted first, if
// there is at least one. Bad events are fewer where good ones came later than their total; where
// the total itself is smaller than it was, data has gone since, and proves nothing good.
func Missed(had, has slo.Counts) float64 {
	more := has.Sub(had)
	if more.Total < 0 {
		more = slo.Counts{Bad: max(0, more.Bad)}
	}
	if missed := max(more.Total, math.Abs(more.Bad)); missed >= 1 {
		return missed
	}
	return 0
}

// lateCaveats returns what a window says of data that came late.
func lateCaveats(v alert.Window) (all []slo.Caveat) {
	for _, c := range v.Caveats {
		if c.Kind == slo.DataLate {
			all = append(all, c)
		}
	}
	return all
}

// openState is an open window of a watch, of any kind.
type openState struct {
	state    alert.Window // its numbers so far
	detected *time.Time   // of the window that the watch keeps
	caveats  *[]slo.Caveat
	end      time.Time // where it ends if it goes on no longer
}

// OpenWindows returns the windows that are open, with their numbers so far.
func (w *Watch) OpenWindows() (all []alert.Window) {
	for _, o := range w.openWindows() {
		all = append(all, o.state)
	}
	return all
}

func (w *Watch) openWindows() (all []openState) {
	for _, open := range []*OpenWindow{w.Burn, w.Budget} {
		if open != nil {
			all = append(all, openState{w.Snapshot(open), &open.Window.Detected, &open.Run.Caveats, open.Run.End})
		}
	}
	if w.Blind != nil {
		all = append(all, openState{*w.Blind, &w.Blind.Detected, &w.Blind.Caveats, w.Now()})
	}
	if w.Quiet != nil {
		state := *w.Quiet
		w.count(&state, w.Now())
		all = append(all, openState{state, &w.Quiet.Detected, &w.Quiet.Caveats, w.lullEnd(w.Quiet.Onset, w.Low.Rate)})
	}
	return all
}

// BeforeBurn returns a time at which no window of kind burn is open: the one that is given, or a
// while before the onset of the window that is open then.
func (w *Watch) BeforeBurn(at time.Time) time.Time {
	if w.Burn != nil && w.Burn.Run.Onset.Before(at) {
		at = w.Burn.Run.Onset.Add(-time.Hour)
	}
	for _, x := range slices.Backward(w.Excused) {
		if x.Start.Before(at) && x.End.After(at) {
			at = x.Start.Add(-time.Hour)
		}
	}
	return at
}

// Follow makes a watch that is about to be folded over the past again begin with what an older one
// knows of the time before: its history, and the windows of kind budget, blind and quiet that had
// been open by then and still are.
func (w *Watch) Follow(old *Watch) {
	start := w.Now()
	if !old.History.Origin().Before(start) {
		if old.Since.Before(w.Since) {
			w.Since = old.Since // all that there is will be folded: its rules are armed as they were
		}
		return
	}
	w.History = w.History.Prepended(old.History, start)
	for _, p := range old.Planned {
		if !p.End.After(start) {
			w.Planned = append(w.Planned, p)
		}
	}
	if b := old.Budget; b != nil && b.Run.Onset.Before(start) {
		budget := *b
		since := old.History.Between(start, old.Now())
		budget.Run = b.Run.clone()
		budget.Run.Counts = b.Run.Counts.Sub(since)
		budget.Run.AtEnd, budget.Run.End, budget.Run.EndBad = budget.Run.Counts, start, 0
		budget.Run.Excess -= w.thresholdOf(b).Excess(since)
		w.Budget = &budget
	}
	if b := old.Blind; b != nil && b.Onset.Before(start) {
		blind := *b
		w.Blind, w.Dark = &blind, &darkness{Since: b.Onset, Why: slices.Clone(b.Caveats)}
	}
	if low := old.Low; low != nil && low.Since.Before(start) {
		lull := *low
		if w.Low = &lull; old.Quiet != nil {
			quiet := *old.Quiet
			w.Quiet = &quiet
		}
	}
}

// prepend gives a watch what an older one knows of the time before its own past begins.
func (w *Watch) prepend(old *Watch) {
	since := w.Since
	w.History = w.History.Prepended(old.History, since)
	w.Since = old.Since
	var planned []planned
	for _, p := range old.Planned {
		if !p.End.After(since) {
			planned = append(planned, p)
		}
	}
	w.Planned = append(planned, w.Planned...)
	if w.Period != nil && w.Period.Start.Before(since) {
		w.Period.Before = w.History.Cumulative(w.Period.Start)
	}
}
