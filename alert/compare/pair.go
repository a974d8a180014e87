package compare

import (
	"cmp"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Change says how an incident of the new replay differs from the same failure in the old one.
type Change string

// The changes.
const (
	New     Change = "new"     // the old replay has none
	Gone    Change = "gone"    // the new replay has none
	Longer  Change = "longer"  // it lasted longer than in the old replay
	Shorter Change = "shorter" // it lasted less long
	Same    Change = "same"    // it lasted as long, maybe at another time or with other numbers
)

// Pair is one failure as both replays found it. Old or New is nil if one did not find it.
type Pair struct {
	Change   Change
	Old, New *alert.Incident
}

// Incident returns the incident of the new replay, or of the old one if it is gone.
func (p Pair) Incident() alert.Incident {
	if p.New == nil {
		return *p.Old
	}
	return *p.New
}

// Objective returns the objective of the incident's worst window.
func (p Pair) Objective() slo.ID { return p.Incident().Worst().ID() }

// Pairs matches the incidents of two replays that end at the same time, newest onset first. Two are
// the same failure if windows of one objective overlap; of several, those with the longest overlap.
// So if one incident became two, one of them is shorter and the other one new.
func Pairs(old, found []alert.Incident, end time.Time) []Pair {
	type match struct {
		old, found int
		overlap    time.Duration
	}
	var matches []match
	for o := range old {
		for n := range found {
			if d := overlap(old[o], found[n], end); d > 0 {
				matches = append(matches, match{o, n, d})
			}
		}
	}
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.overlap, a.overlap), alert.NewestFirst(found[a.found], found[b.found]), alert.NewestFirst(old[a.old], old[b.old]))
	})
	before, after := map[int]bool{}, map[int]bool{}
	var pairs []Pair
	for _, m := range matches {
		if !before[m.old] && !after[m.found] {
			before[m.old], after[m.found] = true, true
			pairs = append(pairs, Pair{changeOf(old[m.old], found[m.found], end), &old[m.old], &found[m.found]})
		}
	}
	for o := range old {
		if !before[o] {
			pairs = append(pairs, Pair{Change: Gone, Old: &old[o]})
		}
	}
	for n := range found {
		if !after[n] {
			pairs = append(pairs, Pair{Change: New, New: &found[n]})
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		return cmp.Or(alert.NewestFirst(a.Incident(), b.Incident()), cmp.Compare(a.Change, b.Change))
	})
	return pairs
}

// Length returns how long an incident lasted, until `end` if it is open.
func Length(i alert.Incident, end time.Time) time.Duration {
	if !i.IsOpen() {
		end = i.Ended()
	}
	return end.Sub(i.Onset())
}

func changeOf(old, found alert.Incident, end time.Time) Change {
	switch before, after := Length(old, end), Length(found, end); {
	case after > before:
		return Longer
	case after < before:
		return Shorter
	}
	return Same
}

// overlap returns for how long two incidents have windows of one objective open at once. A budget
// stays spent for weeks, so its windows count only between incidents that have no others.
func overlap(a, b alert.Incident, end time.Time) (most time.Duration) {
	budgets := isSpentOnly(a)
	if budgets != isSpentOnly(b) {
		return 0
	}
	for _, v := range a.Windows {
		for _, w := range b.Windows {
			if sameObjective(v, w) && (budgets || v.Kind != alert.Budget && w.Kind != alert.Budget) {
				from, to := slo.Later(v.Onset, w.Onset), slo.Earlier(endOf(v, end), endOf(w, end))
				most = max(most, to.Sub(from))
			}
		}
	}
	return most
}

func isSpentOnly(i alert.Incident) bool {
	return !slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.Kind != alert.Budget })
}

// sameObjective reports whether two windows are of one objective. If group_by was changed, label
// sets say nothing.
func sameObjective(v, w alert.Window) bool {
	if v.Objective.Name != w.Objective.Name {
		return false
	}
	return v.Labels == w.Labels || !slices.Equal(v.Objective.GroupBy, w.Objective.GroupBy)
}

func endOf(w alert.Window, end time.Time) time.Time {
	if w.IsOpen() {
		return end
	}
	return w.Ended
}
