package compare

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Of returns the incidents that have windows of an objective, with these windows alone.
func Of(objective string, incidents []alert.Incident) (all []alert.Incident) {
	for _, i := range incidents {
		i.Windows = slices.DeleteFunc(slices.Clone(i.Windows), func(w alert.Window) bool { return w.Objective.Name != objective })
		if len(i.Windows) > 0 {
			all = append(all, i)
		}
	}
	return all
}

// Kept returns how many past incidents a replay finds as well: those that are the same failure as
// one that it found, as in Pairs. One that was found may stand for several.
func Kept(past, found []alert.Incident, end time.Time) (n int) {
	for _, p := range past {
		if slices.ContainsFunc(found, func(f alert.Incident) bool { return overlap(p, f, end) > 0 }) {
			n++
		}
	}
	return n
}
