package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// roster is what a lane watches, and how far it is.
type roster struct {
	interval time.Duration
	cursor   time.Time           // the lane's: no objective is ahead of it
	defs     []alert.Definition  // ordered by name
	watches  []*Watch            // one for each definition or each of its label sets
	byName   map[string][]*Watch // the same, by objective
}

func newRoster(interval time.Duration, cursor time.Time, defs []alert.Definition, watches []*Watch) roster {
	r := roster{interval: interval, cursor: cursor, defs: defs, byName: map[string][]*Watch{}}
	for _, w := range watches {
		r.add(w)
	}
	return r
}

// Member is a definition's label set.
type Member struct {
	Definition int        `json:"definition"` // index
	Labels     slo.Labels `json:"labels,omitzero"`
	Start      time.Time  `json:"start,omitzero"` // its first sample is of the next tick; zero: the lane's cursor
	Since      time.Time  `json:"since,omitzero"` // see Watch
	Armed      time.Time  `json:"armed,omitzero"` // see Watch; zero: Start
}

// Interval returns the length of a tick.
func (r *roster) Interval() time.Duration { return r.interval }

// Cursor returns the last tick that the lane has folded. Some of its objectives may be behind.
func (r *roster) Cursor() time.Time { return r.cursor }

// Definitions returns the watched definitions by name.
func (r *roster) Definitions() []alert.Definition { return r.defs }

// Watches returns the lane's objectives and label sets, in the order of a row's samples.
func (r *roster) Watches() []*Watch { return r.watches }

// WatchesOf returns the watches of one objective, not to be changed.
func (r *roster) WatchesOf(objective string) []*Watch { return r.byName[objective] }

// CursorOf returns the last tick that an objective has folded.
func (r *roster) CursorOf(objective string) time.Time {
	if of := r.byName[objective]; len(of) > 0 {
		return of[0].Now()
	}
	return r.cursor
}

func (r *roster) add(w *Watch) {
	r.watches = append(r.watches, w)
	name := w.Def.Objective.Name
	r.byName[name] = append(r.byName[name], w)
}

// replace puts a watch in the place of another one of the same label set.
func (r *roster) replace(old, w *Watch) {
	r.watches[slices.Index(r.watches, old)] = w
	of := slices.Clone(r.byName[w.Def.Objective.Name]) // somebody may be going through it
	of[slices.Index(of, old)] = w
	r.byName[w.Def.Objective.Name] = of
}

// drop removes the watches that are gone.
func (r *roster) drop(isGone func(*Watch) bool) {
	before := len(r.watches)
	r.watches = slices.DeleteFunc(r.watches, isGone)
	if len(r.watches) < before {
		*r = newRoster(r.interval, r.cursor, r.defs, r.watches)
	}
}

// join makes watches for new label sets.
func (r *roster) join(members []Member) {
	for _, m := range members {
		if m.Start.IsZero() {
			m.Start = r.cursor
		}
		if m.Armed.IsZero() {
			m.Armed = m.Start
		}
		w := NewWatch(r.defs[m.Definition], m.Labels, r.interval, m.Start, m.Armed)
		w.Since = m.Since
		r.add(w)
	}
}

// remembers returns how long an incident is kept after its end.
func (r *roster) remembers() time.Duration {
	keep := alert.MaxSpread
	for _, w := range r.watches {
		keep = max(keep, alert.MaxSpread+w.Def.Warmup()+w.Def.Policy.MergeGap)
	}
	return keep
}
