package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// Redefine makes a lane that has folded nothing since it was recovered watch these definitions, which are all of its groups. What is
// counted as before keeps its histories, under the new target and policy; a window that is open keeps the definition it was opened
// under. What is new has to be filled with samples up to the lane's cursor first, and opens no window before `due`, the newest tick
// of all. Open windows of what is gone end, with a caveat.
func (l *Lane) Redefine(defs []Definition, interval time.Duration, due time.Time) {
	if l.interval != interval || l.cursor.IsZero() {
		for _, w := range l.watches {
			l.retire(w)
		}
		l.defs, l.watches, l.interval, l.cursor = nil, nil, interval, due
	}
	old := l.defs
	l.defs = slices.SortedFunc(slices.Values(defs), func(a, b Definition) int {
		return strings.Compare(a.Objective.Name, b.Objective.Name)
	})
	l.watches = slices.DeleteFunc(l.watches, func(w *Watch) bool {
		i := slices.IndexFunc(l.defs, w.def.sameEvents)
		if i < 0 {
			l.retire(w)
			return true
		}
		w.redefine(l.defs[i])
		return false
	})
	l.armed = due
	for _, def := range l.defs {
		if slices.ContainsFunc(old, def.sameEvents) {
			continue
		}
		f := &fresh{Definition: def, filled: l.cursor.Add(-def.warmup()).Truncate(l.backfillStep(def)).UTC()}
		l.fresh = append(l.fresh, f)
		l.past.filled[def.Objective.Name] = f.filled
		if len(def.Objective.GroupBy) == 0 {
			f.labelSets = 1
			l.watches = append(l.watches, NewWatch(def, "", interval, f.filled, due))
		}
	}
	l.enroll()
}

// sameEvents reports whether two definitions are of the same objective and count the same.
func (d Definition) sameEvents(other Definition) bool {
	return d.Objective.Name == other.Objective.Name && d.measures() == other.measures()
}

// redefine gives a watch another target or policy. The rules' onsets are found anew, at the resolution that the history has.
func (w *Watch) redefine(def Definition) {
	old := w.def
	same := w.digest == def.Digest()
	if def.warmup() > old.warmup() || def.Objective.Window.Longest() > old.Objective.Window.Longest() {
		w.history = w.history.Resized(def.warmup(), def.Objective.Window.Longest())
	}
	if def.Objective.Window != old.Objective.Window {
		w.Period = nil
	}
	w.define(def)
	if same {
		return
	}
	w.Track = make([]tracker, len(w.rules))
	from := w.history.Now().Add(-def.warmup())
	for _, x := range w.Excused {
		if x.End.After(from) {
			from = x.End
		}
	}
	w.walk(from, func(tick slo.Sample, start time.Time, allBad float64, change *shifts) {
		for i, r := range w.rules {
			w.Track[i].add(tick, tick.Counts, r.threshold, w.base, start, allBad, change)
		}
	})
}
