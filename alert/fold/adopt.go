package fold

import (
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Folded is a watch folded over some of its past, and the events that opened and closed its
// windows.
type Folded struct {
	Watch  *Watch
	Events []alert.Event
}

// Late says what became known of a stretch of the past only after it was folded. The zero Late is
// nothing.
type Late struct {
	slo.Span
	Events float64 `json:"events,omitempty"` // how many events
	Regrid bool    `json:"regrid,omitempty"` // no events: the interval changed, and closed windows stay as they are
}

// Adopt replaces an objective's watches by others that were folded over more of its past, or over a
// past that now has more events, up to the same tick. What the old ones know of earlier times
// stays.
//
// Incidents follow: a recorded window gets the new numbers, and a missed one is recorded now. A
// recorded window that the past lacks is not withdrawn; if it was open, it ends. Windows that ended
// before the objective was armed are no incident.
func (l *Lane) Adopt(objective string, folded []Folded, late Late) {
	live := map[slo.Labels]*Watch{}
	for _, w := range l.WatchesOf(objective) {
		live[w.Labels] = w
	}
	var known time.Time
	if late != (Late{}) {
		known = l.cursor.Add(-l.remembers())
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
			prepend(w, old)
		}
		a := adoption{record: &l.record, Folded: f, old: old, late: late, now: l.cursor, known: known, matched: map[alert.WindowKey]bool{}}
		a.reconcile()
		if old != nil {
			l.replace(old, w)
		} else if len(live) < MaxLabelSets {
			l.add(w)
		}
	}
	l.correct()
}

// adoption makes the incidents agree with the past found for a watch.
type adoption struct {
	*record
	Folded
	old     *Watch // what the incidents agreed with before; may be nil
	late    Late
	now     time.Time
	known   time.Time // of late: incidents that ended before are forgotten
	matched map[alert.WindowKey]bool
}

func (a *adoption) reconcile() {
	w := a.Watch
	for _, v := range a.closed() {
		switch r := a.overlapping(v, a.matched); {
		case r != nil && a.late.leaves(v):
			a.matched[r.Key()] = true
			w.firing.closed.settle(v, *r)
		case w.hadEnded(v) || a.late.leaves(v):
			continue
		case r == nil && a.late != (Late{}) && v.Ended.Before(a.known):
			continue
		default:
			w.firing.closed.settle(v, a.agree(v))
		}
	}
	for _, open := range w.openWindows(&w.ledger) {
		if w.hadEnded(open.state) && a.overlapping(open.state, a.matched) == nil {
			continue
		}
		settled := a.agree(open.state)
		*open.detected = settled.Detected
		*open.caveats = slo.MergeCaveats(slices.Clone(*open.caveats), lateCaveats(settled))
	}
	if a.old == nil {
		return
	}
	for _, open := range a.old.openWindows(&a.old.ledger) {
		if v := open.state; !a.matched[v.Key()] && a.recorded(v) != nil {
			v.Ended = open.end
			a.settle(alert.Event{Tick: a.now, Closed: true, Window: a.late.mark(v, nil, a.old, w), Policy: w.Def.Policy})
		}
	}
}

// agree records a window, in place of its earlier state if there is one.
func (a *adoption) agree(v alert.Window) alert.Window {
	r := a.overlapping(v, a.matched)
	e := alert.Event{Tick: a.now, Policy: a.Watch.Def.Policy, Window: a.late.mark(v, r, a.old, a.Watch)}
	if r != nil && isAsBefore(e.Window, *r) {
		e.Window = *r
	}
	if r != nil {
		e.Window.Detected = r.Detected // part of the window's key
		e.Closed = !v.IsOpen() && r.IsOpen()
	} else {
		e.Opened, e.Closed = true, !v.IsOpen()
	}
	a.matched[e.Window.Key()] = true
	switch {
	case r == nil:
		a.settle(e)
	case !reflect.DeepEqual(e.Window, *r):
		a.correct(e)
	}
	return e.Window
}

// isAsBefore reports whether a closed window differs from the recorded one only in shares of a
// budget that is less well known by now: the history has forgotten part of the objective's window.
func isAsBefore(v, recorded alert.Window) bool {
	if v.IsOpen() || estimateOf(v) <= estimateOf(recorded) {
		return false
	}
	isEstimate := func(c slo.Caveat) bool { return c.Kind == slo.Estimated }
	caveats, before := slices.DeleteFunc(slices.Clone(v.Caveats), isEstimate), slices.DeleteFunc(slices.Clone(recorded.Caveats), isEstimate)
	v.Detected, v.BudgetSpent, v.BudgetLeft, v.Severity = recorded.Detected, recorded.BudgetSpent, recorded.BudgetLeft, recorded.Severity
	v.Caveats = recorded.Caveats
	return slices.Equal(caveats, before) && reflect.DeepEqual(v, recorded)
}

// estimateOf returns how many events of a window's budget are estimated.
func estimateOf(v alert.Window) float64 {
	for _, c := range v.Caveats {
		if c.Kind == slo.Estimated {
			return c.Events
		}
	}
	return 0
}

// leaves reports whether Regrid leaves a window as it is.
func (late Late) leaves(v alert.Window) bool { return late.Regrid && !v.Ended.After(late.Start) }

// closed returns the newest states of the closed windows, in the order they ended.
func (f Folded) closed() (all []alert.Window) {
	for _, e := range f.Events {
		if e.Window.IsOpen() {
			continue
		}
		i := slices.IndexFunc(all, func(v alert.Window) bool { return v.Key() == e.Window.Key() })
		if i < 0 {
			all = append(all, e.Window)
		} else {
			all[i] = e.Window
		}
	}
	return all
}

// mark adds a caveat to a window of the new watch that says how many of its events came late. The
// caveats of its recorded state on late data stay.
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

// Missed returns how many events a stretch gained since it was counted first; 0 if less than one.
// Bad events get fewer if good ones came later than their total. If the total itself shrank, data
// is gone since, and proves nothing good.
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

// lateCaveats returns a window's caveats on late data.
func lateCaveats(v alert.Window) (all []slo.Caveat) {
	for _, c := range v.Caveats {
		if c.Kind == slo.DataLate {
			all = append(all, c)
		}
	}
	return all
}

// Follow prepares a watch for folding the past again. It takes over what an older one knows of the
// time before: its history, and the windows of kind budget, blind and quiet that were open then and
// still are.
func (w *Watch) Follow(old *Watch) {
	start := w.Now()
	w.corrections = old.corrections.before(start)
	if !old.History.Origin().Before(start) {
		if old.Since.Before(w.Since) {
			w.Since = old.Since // everything will be folded: its rules are armed as before
		}
		return
	}
	w.past.prepend(&old.past, start)
	w.follow(&old.windowTrackers, old.History, start)
}

// prepend adds to a watch what an older one knows of the time before its past.
func prepend(w, old *Watch) {
	since := w.Since
	w.past.prepend(&old.past, since)
	w.Since = old.Since
	if p := w.budget.period; p != nil && p.Start.Before(since) {
		p.Before = w.History.Cumulative(p.Start)
	}
}
