package compare

import (
	"maps"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Objective is one objective and label set, with the incidents of both replays that are told under
// its name: those whose worst window is its own.
type Objective struct {
	ID    slo.ID
	Pairs []Pair // newest onset first
}

// ByObjective sorts pairs by objective. Quiet are the objectives and label sets of either replay
// without a window in any incident.
func ByObjective(pairs []Pair, statuses ...alert.Status) (told []Objective, quiet []slo.ID) {
	byID, seen := map[slo.ID][]Pair{}, map[slo.ID]bool{}
	for _, p := range pairs {
		byID[p.Objective()] = append(byID[p.Objective()], p)
		for _, i := range []*alert.Incident{p.Old, p.New} {
			if i == nil {
				continue
			}
			for _, w := range i.Windows {
				seen[w.ID()] = true
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(byID), slo.ID.Compare) {
		told = append(told, Objective{id, byID[id]})
	}
	for _, s := range statuses {
		if id := (slo.ID{SLO: s.Objective.Name, Labels: s.Labels}); !seen[id] {
			seen[id] = true
			quiet = append(quiet, id)
		}
	}
	slices.SortFunc(quiet, slo.ID.Compare)
	return told, quiet
}
