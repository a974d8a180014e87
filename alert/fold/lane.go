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
	// MaxLabelSets is how many label sets of one objective are watched. Others are left out.
	MaxLabelSets = 1000
	// RetireAfter is how long a label set may have no data before it is dropped, or the longest
	// rule's window if that is longer.
	RetireAfter = 24 * time.Hour
)

// Lane folds a set of whole incident groups: the samples of their objectives into breach windows,
// and these into incidents. It is used by one goroutine at a time.
//
// A lane advances tick by tick. Each objective has its own cursor, the last tick that it has
// folded, so an objective that can't be read yet does not hold up the others.
type Lane struct {
	roster
	record
	excluded exclusions
}

// Row is what a lane folds in at one tick.
type Row struct {
	Joined []Member // label sets that are new
	// Samples of each watch, new ones last. Usually each has one. A watch that waits for its
	// samples has none, one that catches up has several.
	Samples   [][]slo.Sample
	Untold    []int       // watches without samples that don't count as waiting: nobody has asked for long
	PlannedTo []PlannedTo // of watches without samples
}

// PlannedTo says up to which tick a waiting watch's samples are known to be planned work without
// data.
type PlannedTo struct {
	Watch int       `json:"watch"` // index
	Tick  time.Time `json:"tick"`
}

// NewLane starts a lane at a tick. It watches nothing until Redefine.
func NewLane(interval time.Duration, cursor time.Time) *Lane {
	return &Lane{roster: newRoster(interval, cursor, nil, nil), record: newRecord()}
}

// RestoreLane makes a lane of watches with histories up to a tick; see Remember and Restore.
func RestoreLane(interval time.Duration, cursor time.Time, defs []alert.Definition, watches []*Watch) *Lane {
	return &Lane{roster: newRoster(interval, cursor, defs, watches), record: newRecord()}
}

// Remember takes a row into the histories only. The state after it comes from Restore.
func (l *Lane) Remember(row Row) {
	l.join(row.Joined)
	l.cursor = l.cursor.Add(l.interval)
	for i, w := range l.watches {
		for _, s := range row.Samples[i] {
			s = w.planned.knownBy(w.Now()).mark(s).Unplanned()
			w.History.Add(s)
			w.Last = s
		}
	}
}

// Anticipate tells the watches, in order, the planned work in states that Restore will set later.
// Rows that are remembered may have late events of it.
func (l *Lane) Anticipate(states []WatchState) {
	for i, w := range l.watches {
		w.planned = states[i].Planned
	}
}

// Restore sets the states of the watches, in order, and the incidents.
func (l *Lane) Restore(states []WatchState, incidents []alert.Incident) {
	for i, w := range l.watches {
		w.Restore(states[i])
	}
	l.incidents = incidents
}

// Step folds in the lane's next tick. It returns the changed incidents, and the events that opened
// or closed a window.
func (l *Lane) Step(row Row) (changed []alert.Incident, events []alert.Event) {
	l.join(row.Joined)
	l.cursor = l.cursor.Add(l.interval)
	for _, p := range row.PlannedTo {
		l.watches[p.Watch].blind.plannedTo = p.Tick
	}
	untold := map[int]bool{}
	for _, i := range row.Untold {
		untold[i] = true
	}
	var stepped []alert.Event
	for i, w := range l.watches {
		for _, s := range row.Samples[i] {
			stepped = append(stepped, l.sinceArmed(w, w.Step(w.Plan(s)))...)
		}
		if len(row.Samples[i]) == 0 && !untold[i] {
			stepped = append(stepped, l.sinceArmed(w, w.Wait(l.cursor))...)
		}
	}
	slices.SortStableFunc(stepped, func(a, b alert.Event) int {
		return cmp.Or(a.Tick.Compare(b.Tick), ByObjective(a, b))
	})
	news := l.correlateAll(stepped)
	l.dismiss()
	if l.excluded.anyOf(&l.record) {
		l.correct()
	}
	changed, events = l.take(news)
	l.forget(l.cursor.Add(-l.remembers()))
	return changed, events
}

// sinceArmed drops events from before a watch was armed, and those of windows that were over by
// then, even if that was found later.
func (l *Lane) sinceArmed(w *Watch, events []alert.Event) []alert.Event {
	return slices.DeleteFunc(events, func(e alert.Event) bool {
		return !e.Tick.After(w.Armed) || w.hadEnded(e.Window) && l.recorded(e.Window) == nil
	})
}

// dismiss retires label sets without data for long.
func (l *Lane) dismiss() {
	l.drop(func(w *Watch) bool {
		gone := w.IsGone()
		if gone {
			l.retire(w)
		}
		return gone
	})
}

// retire ends the open windows of an objective no longer watched.
func (l *Lane) retire(w *Watch) {
	for _, e := range w.Retire(l.cursor) {
		l.settle(e)
	}
}

// Redefine makes the lane watch these definitions, all of its groups. If an objective counts the
// same events, it keeps its histories under the new target and policy; an open window keeps its old
// definition. Open windows of removed objectives end, with a caveat. It returns the names of new
// objectives: they have no past yet, see Adopt, and their windows that ended by `armed` are not
// reported.
func (l *Lane) Redefine(defs []alert.Definition, armed time.Time) (fresh []string) {
	old, byName := map[string]alert.Definition{}, map[string]alert.Definition{}
	for _, def := range l.defs {
		old[def.Objective.Name] = def
	}
	for _, def := range defs {
		byName[def.Objective.Name] = def
	}
	l.defs = slices.SortedFunc(slices.Values(defs), func(a, b alert.Definition) int {
		return strings.Compare(a.Objective.Name, b.Objective.Name)
	})
	l.drop(func(w *Watch) bool {
		def := byName[w.Def.Objective.Name]
		if !w.Def.SameEvents(def) {
			l.retire(w)
			return true
		}
		w.Redefine(def)
		return false
	})
	for _, def := range l.defs {
		if def.SameEvents(old[def.Objective.Name]) {
			continue
		}
		fresh = append(fresh, def.Objective.Name)
		if len(def.Objective.GroupBy) == 0 {
			w := NewWatch(def, "", l.interval, l.cursor, armed)
			w.Since = l.cursor
			l.add(w)
		}
	}
	return fresh
}

// Regrid puts the lane on another grid. Histories keep their counts; events in an old tick are
// taken as spread evenly over it. Open windows go on. The cursors of the lane and its objectives
// move back to the last tick of the new grid.
func (l *Lane) Regrid(interval time.Duration) {
	l.interval, l.cursor = interval, slo.Floor(l.cursor, interval)
	for _, w := range l.watches {
		w.regrid(interval)
	}
}

// ByObjective orders events of one tick: by objective, label set and kind.
func ByObjective(a, b alert.Event) int {
	return cmp.Or(a.Window.ID().Compare(b.Window.ID()), -cmp.Compare(a.Window.Kind, b.Window.Kind))
}
