package fold

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// MaxLabelSets is how many label sets of one objective are watched. What is beyond is left out.
	MaxLabelSets = 1000
	// RetireAfter is how long a label set has no data before it is watched no more, or the longest
	// rule's window if that is longer.
	RetireAfter = 24 * time.Hour
)

// Lane folds a set of whole incident groups: the samples of their objectives into breach windows,
// and these into incidents. It is used by one goroutine at a time.
//
// A lane advances tick by tick. Each of its objectives has a cursor of its own, the last tick that
// it has folded, so that one whose samples can't be had yet does not hold up the others.
type Lane struct {
	interval  time.Duration
	cursor    time.Time          // the lane's own: no objective is ahead of it
	defs      []alert.Definition // ordered by name
	watches   []*Watch           // of the definitions: one each, or one for each of its label sets
	incidents []alert.Incident   // those that are open, or that a new window may belong to

	changed map[int]bool  // indices of the incidents that changed since the last step
	settled []alert.Event // what became of windows since the last step, other than by samples
}

// Member is a definition's label set.
type Member struct {
	Definition int        `json:"definition"` // index
	Labels     slo.Labels `json:"labels,omitzero"`
	Start      time.Time  `json:"start,omitzero"` // its first sample is that of the tick after; zero: the lane's cursor
	Since      time.Time  `json:"since,omitzero"` // see WatchState
	Armed      time.Time  `json:"armed,omitzero"` // see WatchState; zero: Start
}

// Row is what a lane folds in at one of its ticks.
type Row struct {
	Joined []Member // label sets that are new
	// Samples are those of each watch, the new ones last: one each, usually. A watch that waits for
	// its samples has none, one that catches up has several.
	Samples [][]slo.Sample
	Untold  []int // watches without samples that are not told that they wait: nobody has asked for long
}

// NewLane starts a lane at a tick. It watches nothing before Redefine.
func NewLane(interval time.Duration, cursor time.Time) *Lane {
	return &Lane{interval: interval, cursor: cursor, changed: map[int]bool{}}
}

// RestoreLane makes a lane of watches whose histories are known up to a tick; see Remember and
// Restore.
func RestoreLane(interval time.Duration, cursor time.Time, defs []alert.Definition, watches []*Watch) *Lane {
	return &Lane{interval: interval, cursor: cursor, defs: defs, watches: watches, changed: map[int]bool{}}
}

// Remember takes a row into the histories alone. The state after it is restored from elsewhere.
func (l *Lane) Remember(row Row) {
	l.join(row.Joined)
	l.cursor = l.cursor.Add(l.interval)
	for i, w := range l.watches {
		for _, s := range row.Samples[i] {
			s = plan(s, w.plannedBy(w.Now())).Unplanned()
			w.History.Add(s)
			w.Last = s
		}
	}
}

// Anticipate tells the watches, in their order, of the planned work that states have which are to
// be restored later on. Rows that are remembered may have late events of it.
func (l *Lane) Anticipate(states []WatchState) {
	for i, w := range l.watches {
		w.Planned = states[i].Planned
	}
}

// Restore sets the states of the watches, in their order, and the incidents.
func (l *Lane) Restore(states []WatchState, incidents []alert.Incident) {
	for i, w := range l.watches {
		w.WatchState = states[i]
	}
	l.incidents = incidents
}

// Interval returns the length of a tick.
func (l *Lane) Interval() time.Duration { return l.interval }

// Cursor returns the last tick that the lane has folded. Some of its objectives may be behind.
func (l *Lane) Cursor() time.Time { return l.cursor }

// Definitions returns what is watched, ordered by name.
func (l *Lane) Definitions() []alert.Definition { return l.defs }

// Watches returns the lane's objectives and label sets, in the order of a row's samples.
func (l *Lane) Watches() []*Watch { return l.watches }

// WatchesOf returns the watches of one objective.
func (l *Lane) WatchesOf(objective string) (found []*Watch) {
	for _, w := range l.watches {
		if w.Def.Objective.Name == objective {
			found = append(found, w)
		}
	}
	return found
}

// CursorOf returns the last tick that an objective has folded.
func (l *Lane) CursorOf(objective string) time.Time {
	for _, w := range l.watches {
		if w.Def.Objective.Name == objective {
			return w.Now()
		}
	}
	return l.cursor
}

// Incidents returns those that are open or that a new breach may still belong to, in the order in
// which they began.
func (l *Lane) Incidents() []alert.Incident { return l.incidents }

// Step folds in the samples of the lane's next tick. It returns the incidents that changed, and the
// events that opened or closed a window.
func (l *Lane) Step(row Row) (changed []alert.Incident, events []alert.Event) {
	l.join(row.Joined)
	l.cursor = l.cursor.Add(l.interval)
	var stepped []alert.Event
	for i, w := range l.watches {
		for _, s := range row.Samples[i] {
			stepped = append(stepped, l.sinceArmed(w, w.Step(w.Plan(s)))...)
		}
		if len(row.Samples[i]) == 0 && !slices.Contains(row.Untold, i) {
			stepped = append(stepped, l.sinceArmed(w, w.Wait(l.cursor))...)
		}
	}
	slices.SortStableFunc(stepped, func(a, b alert.Event) int {
		return cmp.Or(a.Tick.Compare(b.Tick), ByObjective(a, b))
	})
	stepped = l.correlateAll(stepped)
	l.dismiss()
	for _, e := range append(l.settled, stepped...) {
		if e.Opened || e.Closed {
			events = append(events, e)
		}
	}
	l.settled = nil
	for i := range l.incidents {
		if l.changed[i] {
			l.incidents[i].Revision++
			changed = append(changed, l.incidents[i])
		}
	}
	clear(l.changed)
	l.forget()
	return changed, events
}

// HasSettled reports whether something happened to windows since the last step that is still to be
// told by the next one.
func (l *Lane) HasSettled() bool { return len(l.settled) > 0 || len(l.changed) > 0 }

// join makes watches for label sets that are new.
func (l *Lane) join(members []Member) {
	for _, m := range members {
		if m.Start.IsZero() {
			m.Start = l.cursor
		}
		if m.Armed.IsZero() {
			m.Armed = m.Start
		}
		w := NewWatch(l.defs[m.Definition], m.Labels, l.interval, m.Start, m.Armed)
		w.Since = m.Since
		l.watches = append(l.watches, w)
	}
}

// sinceArmed drops events of a time at which a watch was not armed, and those of windows that were
// over by then, though that may have been found only later.
func (l *Lane) sinceArmed(w *Watch, events []alert.Event) []alert.Event {
	return slices.DeleteFunc(events, func(e alert.Event) bool {
		return !e.Tick.After(w.Armed) || w.wasOver(e.Window) && l.recorded(e.Window) == nil
	})
}

// wasOver reports whether a window had ended when the watch was armed, as far as is known.
func (w *Watch) wasOver(v alert.Window) bool {
	if v.IsOpen() {
		return v.Kind == alert.Burn && w.Burn != nil && !w.Burn.Run.End.After(w.Armed)
	}
	return !v.Ended.After(w.Armed)
}

// isNews completes an event, and reports whether it is to be told. A window that was open when its
// watch was armed is reported as opened; more about one that was over by then is not.
func (l *Lane) isNews(e *alert.Event) bool {
	if e.Opened || l.recorded(e.Window) != nil {
		return true
	}
	e.Opened = e.Closed || e.Window.IsOpen()
	return e.Opened
}

// recorded returns the state of a window that an incident has; nil if none has it.
func (l *Lane) recorded(v alert.Window) *alert.Window {
	for i := range l.incidents {
		for n := range l.incidents[i].Windows {
			r := &l.incidents[i].Windows[n]
			if r.Kind == v.Kind && r.Detected.Equal(v.Detected) && r.ID() == v.ID() {
				return r
			}
		}
	}
	return nil
}

// correlateAll correlates events, and returns those that are news.
func (l *Lane) correlateAll(events []alert.Event) []alert.Event {
	news := events[:0]
	for _, e := range events {
		if l.isNews(&e) {
			l.correlate(e)
			news = append(news, e)
		}
	}
	return news
}

func (l *Lane) correlate(e alert.Event) {
	var i int
	if l.incidents, i = alert.Correlate(l.incidents, e, e.Policy); i >= 0 {
		l.changed[i] = true
	}
}

// settle correlates an event that no sample of the next step has.
func (l *Lane) settle(e alert.Event) {
	l.correlate(e)
	l.settled = append(l.settled, e)
}

// dismiss retires label sets that have had no data for long.
func (l *Lane) dismiss() {
	l.watches = slices.DeleteFunc(l.watches, func(w *Watch) bool {
		limit := max(RetireAfter, w.Def.Warmup()) / l.interval
		if len(w.Def.Objective.GroupBy) == 0 || time.Duration(w.Silent) < limit {
			return false
		}
		l.retire(w)
		return true
	})
}

// retire ends the open windows of an objective that is not watched any more.
func (l *Lane) retire(w *Watch) {
	end := func(v alert.Window, ended time.Time) {
		v.Ended = ended
		v.Caveats = slo.MergeCaveats(slices.Clone(v.Caveats), []slo.Caveat{{Kind: slo.Removed, Count: 1}})
		l.settle(alert.Event{Tick: l.cursor, Closed: true, Window: v, Policy: w.Def.Policy})
	}
	for _, open := range []*OpenWindow{w.Burn, w.Budget} {
		if open != nil {
			end(w.Snapshot(open), open.Run.End)
		}
	}
	for _, v := range []*alert.Window{w.Blind, w.Quiet} {
		if v != nil {
			end(*v, l.cursor)
		}
	}
}

// remembers returns for how long after its end an incident is known.
func (l *Lane) remembers() time.Duration {
	keep := alert.MaxSpread
	for _, w := range l.watches {
		keep = max(keep, alert.MaxSpread+w.Def.Warmup()+w.Def.Policy.MergeGap)
	}
	return keep
}

// forget drops incidents that no breach can belong to any more.
func (l *Lane) forget() {
	keep := l.remembers()
	l.incidents = slices.DeleteFunc(l.incidents, func(i alert.Incident) bool {
		return !i.HasOpenWindow() && l.cursor.Sub(i.Ended()) > keep
	})
}

// Redefine makes the lane watch these definitions, which are all of its groups. What is counted as
// before keeps its histories, under the new target and policy; a window that is open keeps the
// definition it was opened under. Open windows of what is gone end, with a caveat. It returns the
// names of the objectives that are new: they have no past yet, see Adopt, and no window that ended
// by `armed` is reported of them.
func (l *Lane) Redefine(defs []alert.Definition, armed time.Time) (fresh []string) {
	old := l.defs
	l.defs = slices.SortedFunc(slices.Values(defs), func(a, b alert.Definition) int {
		return strings.Compare(a.Objective.Name, b.Objective.Name)
	})
	l.watches = slices.DeleteFunc(l.watches, func(w *Watch) bool {
		i := slices.IndexFunc(l.defs, w.Def.SameEvents)
		if i < 0 {
			l.retire(w)
			return true
		}
		w.Redefine(l.defs[i])
		return false
	})
	for _, def := range l.defs {
		if slices.ContainsFunc(old, def.SameEvents) {
			continue
		}
		fresh = append(fresh, def.Objective.Name)
		if len(def.Objective.GroupBy) == 0 {
			w := NewWatch(def, "", l.interval, l.cursor, armed)
			w.Since = l.cursor
			l.watches = append(l.watches, w)
		}
	}
	return fresh
}

// Regrid puts the lane on another grid. Its histories keep what was counted; inside a tick of the
// old grid, events are taken as spread evenly. Windows that are open go on. The lane's cursor, and
// those of its objectives, become the last ticks of the new grid that are not after what they were.
func (l *Lane) Regrid(interval time.Duration) {
	l.interval, l.cursor = interval, slo.Floor(l.cursor, interval)
	for _, w := range l.watches {
		d := w.Def
		w.History = w.History.Regridded(interval, d.Warmup(), d.Objective.Window.Longest())
		w.define(d)
		w.retrackAll()
	}
}

// ByObjective orders events of one tick: by objective, label set and kind.
func ByObjective(a, b alert.Event) int {
	return cmp.Or(a.Window.ID().Compare(b.Window.ID()), -cmp.Compare(a.Window.Kind, b.Window.Kind))
}
