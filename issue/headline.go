package issue

import (
	"cmp"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Core returns the incident without its budget windows; an incident that has no others as it is.
//
// A budget stays overspent for days after what spent it was over. So where an incident has windows
// of other kinds, those alone say whether it goes on and when it ended, and a spent budget is a
// remark.
func Core(i alert.Incident) alert.Incident {
	isBudget := func(w alert.Window) bool { return w.Kind == alert.Budget }
	if core := slices.DeleteFunc(slices.Clone(i.Windows), isBudget); len(core) > 0 {
		i.Windows = core
	}
	return i
}

// IsOpen reports whether the incident goes on; see Core.
func IsOpen(i alert.Incident) bool { return Core(i).IsOpen() }

// Ended is the latest end of the windows that say when the incident ended; zero while it goes on.
func Ended(i alert.Incident) time.Time { return Core(i).Ended() }

// Headline is the window that texts are about: the burn that spent most of its budget. An incident
// without one is about missing data or missing traffic, and else about a spent budget.
func Headline(i alert.Incident) alert.Window {
	return slices.MinFunc(i.Windows, func(a, b alert.Window) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), -cmp.Compare(a.BudgetSpent, b.BudgetSpent))
	})
}

// kindRank orders the kinds of windows by how much they say of users.
func kindRank(k alert.Kind) int {
	switch k {
	case alert.Burn:
		return 0
	case alert.Blindness:
		return 2
	case alert.Budget:
		return 3
	}
	return 1 // of kind quiet
}
