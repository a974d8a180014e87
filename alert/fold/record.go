package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// record holds a lane's incidents and what became of them since the last step.
type record struct {
	incidents []alert.Incident // open, or a new window may belong to them
	changed   map[int]bool     // indices of the incidents that changed since the last step
	settled   []alert.Event    // changes to windows since the last step that no sample made
}

func newRecord() record { return record{changed: map[int]bool{}} }

// Incidents returns the incidents that are open or that a new breach may still join, in the order
// they began.
func (r *record) Incidents() []alert.Incident { return r.incidents }

// HasSettled reports whether the next step has changes to report that no sample made.
func (r *record) HasSettled() bool { return len(r.settled) > 0 || len(r.changed) > 0 }

// take returns the incidents that changed since the last step, and the events of this step and
// since the last one that opened or closed a window.
func (r *record) take(stepped []alert.Event) (changed []alert.Incident, events []alert.Event) {
	for _, e := range append(r.settled, stepped...) {
		if e.Opened || e.Closed {
			events = append(events, e)
		}
	}
	r.settled = nil
	for i := range r.incidents {
		if r.changed[i] {
			r.incidents[i].Revision++
			changed = append(changed, r.incidents[i])
		}
	}
	clear(r.changed)
	return changed, events
}

// forget drops incidents that ended before a time: no breach can join them any more.
func (r *record) forget(before time.Time) {
	r.incidents = slices.DeleteFunc(r.incidents, func(i alert.Incident) bool {
		return !i.HasOpenWindow() && i.Ended().Before(before)
	})
}

// isNews completes an event and reports whether to tell it. A window open when its watch was armed
// is told as opened. More on one over by then is not.
func (r *record) isNews(e *alert.Event) bool {
	if e.Opened || r.recorded(e.Window) != nil {
		return true
	}
	e.Opened = e.Closed || e.Window.IsOpen()
	return e.Opened
}

// recorded returns the window's state in an incident; nil if none has it.
func (r *record) recorded(v alert.Window) *alert.Window {
	for i := range r.incidents {
		for n := range r.incidents[i].Windows {
			have := &r.incidents[i].Windows[n]
			if have.Same(v) {
				return have
			}
		}
	}
	return nil
}

// correlateAll correlates events, and returns those that are news.
func (r *record) correlateAll(events []alert.Event) []alert.Event {
	news := events[:0]
	for i, e := range events {
		if r.isNews(&e) {
			e.Over = overIn(events[i+1:], e)
			r.correlate(e)
			news = append(news, e)
		}
	}
	return news
}

// overIn returns when an event's window was over, from the event's tick on, if later events say so.
func overIn(later []alert.Event, e alert.Event) (over time.Time) {
	if !e.Opened {
		return over
	}
	for _, l := range later {
		if l.Closed && l.Window.Same(e.Window) {
			over = slo.Later(l.Window.Ended, e.Tick)
		}
	}
	return over
}

func (r *record) correlate(e alert.Event) {
	var i int
	if r.incidents, i = alert.Correlate(r.incidents, e); i >= 0 {
		r.changed[i] = true
	}
}

// settle correlates an event that no sample made.
func (r *record) settle(e alert.Event) {
	r.correlate(e)
	r.settled = append(r.settled, e)
}

// correct replaces a window's recorded state, whatever became of its incident.
func (r *record) correct(e alert.Event) {
	for i := range r.incidents {
		windows := r.incidents[i].Windows
		n := slices.IndexFunc(windows, e.Window.Same)
		if n >= 0 {
			windows = slices.Clone(windows) // what was handed out stays as it is
			windows[n] = e.Window
			r.incidents[i].Windows, r.changed[i] = windows, true
			r.settled = append(r.settled, e)
			return
		}
	}
}

// overlapping finds the recorded window that v is a later or corrected state of: the first
// unmatched one of its objective and kind that overlaps it.
func (r *record) overlapping(v alert.Window, matched map[alert.WindowKey]bool) *alert.Window {
	for i := range r.incidents {
		for n := range r.incidents[i].Windows {
			have := &r.incidents[i].Windows[n]
			if have.Kind == v.Kind && have.ID() == v.ID() && !matched[have.Key()] && shareTime(*have, v) {
				return have
			}
		}
	}
	return nil
}

// shareTime reports whether two windows overlap; an open one never ends.
func shareTime(a, b alert.Window) bool {
	return (b.IsOpen() || a.Onset.Before(b.Ended)) && (a.IsOpen() || b.Onset.Before(a.Ended))
}
