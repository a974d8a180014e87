package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
)

// Redefine makes a lane that has folded nothing since it was recovered watch these definitions, which are all of its groups. What is
// counted as before keeps its histories, under the new target and policy; a window that is open keeps the definition it was opened
// under. What is new has to be filled with samples up to the lane's cursor first, and opens no window before `due`, the newest tick
// of all. Open windows of what is gone end, with a caveat.
func (l *Lane) Redefine(defs []alert.Definition, interval time.Duration, due time.Time) {
	if l.interval != interval || l.cursor.IsZero() {
		for _, w := range l.watches {
			l.retire(w)
		}
		l.defs, l.watches, l.interval, l.cursor = nil, nil, interval, due
	}
	old := l.defs
	l.defs = slices.SortedFunc(slices.Values(defs), func(a, b alert.Definition) int {
		return strings.Compare(a.Objective.Name, b.Objective.Name)
	})
	l.watches = slices.DeleteFunc(l.watches, func(w *fold.Watch) bool {
		i := slices.IndexFunc(l.defs, w.Def.SameEvents)
		if i < 0 {
			l.retire(w)
			return true
		}
		w.Redefine(l.defs[i])
		return false
	})
	l.armed = due
	for _, def := range l.defs {
		if slices.ContainsFunc(old, def.SameEvents) {
			continue
		}
		f := &fresh{Definition: def, filled: l.cursor.Add(-def.Warmup()).Truncate(l.backfillStep(def)).UTC()}
		l.fresh = append(l.fresh, f)
		l.past.filled[def.Objective.Name] = f.filled
		if len(def.Objective.GroupBy) == 0 {
			f.labelSets = 1
			l.watches = append(l.watches, fold.NewWatch(def, "", interval, f.filled, due))
		}
	}
	l.enroll()
}
