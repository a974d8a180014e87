package issue

import (
	"cmp"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// stormAbove (groups) and stormWindow define a storm: see Storms.
	stormAbove  = 5
	stormWindow = 10 * time.Minute
)

// Storms returns the storms among incidents, each in the order of detection, earliest storm first.
//
// A storm begins when more than five groups of a repository have an incident of one kind within ten
// minutes; the kind is the first window's. It ends when no further group has one for ten minutes:
// what begins later is more likely something else. It does not matter whether its incidents go on,
// nor whether its groups have further incidents.
//
// Kinds are kept apart so that a broken scrape configuration, which leaves many groups without
// data, is one issue and hides no burn. Spent budgets are no storm: each builds up over weeks.
//
// Only detection times matter, so that a replay finds the storms that the publisher saw.
func Storms(incidents []alert.Incident) (storms [][]alert.Incident) {
	type family struct {
		repository string
		kind       alert.Kind
	}
	families := map[family][]alert.Incident{}
	for _, i := range incidents {
		if len(i.Windows) > 0 && i.Windows[0].Kind != alert.Budget {
			f := family{i.Repository, i.Windows[0].Kind}
			families[f] = append(families[f], i)
		}
	}
	for _, all := range families {
		slices.SortFunc(all, byDetection)
		storms = append(storms, stormsOf(all)...)
	}
	slices.SortFunc(storms, func(a, b []alert.Incident) int { return byDetection(a[0], b[0]) })
	return storms
}

// stormsOf is like Storms, for incidents of one repository and kind, ordered by detection.
func stormsOf(all []alert.Incident) (storms [][]alert.Incident) {
	for first := 0; first < len(all); {
		if !breaksOut(all[first:]) {
			first++
			continue
		}
		end, last, groups := first, all[first].Detected(), map[string]bool{}
		for ; end < len(all) && all[end].Detected().Sub(last) <= stormWindow; end++ {
			if i := all[end]; !groups[i.Group] {
				groups[i.Group], last = true, i.Detected()
			}
		}
		storms = append(storms, all[first:end])
		first = end
	}
	return storms
}

// breaksOut reports whether a storm begins with the first incident.
func breaksOut(all []alert.Incident) bool {
	groups := map[string]bool{}
	for _, i := range all {
		if i.Detected().Sub(all[0].Detected()) > stormWindow {
			break
		}
		groups[i.Group] = true
	}
	return len(groups) > stormAbove
}

func byDetection(a, b alert.Incident) int {
	return cmp.Or(a.Detected().Compare(b.Detected()), cmp.Compare(a.ID, b.ID))
}
