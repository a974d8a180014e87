package issue

import (
	"cmp"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Core returns the incident without its budget windows. If it has no others, it stays as it is.
//
// A budget stays overspent for days after the burn is over. So if an incident has windows of other
// kinds, only they say whether it goes on and when it ended; a spent budget is a remark.
func Core(i alert.Incident) alert.Incident {
	isBudget := func(w alert.Window) bool { return w.Kind == alert.Budget }
	if core := slices.DeleteFunc(slices.Clone(i.Windows), isBudget); len(core) > 0 {
		i.Windows = core
	}
	return i
}

// IsOpen reports whether the incident goes on; see Core.
func IsOpen(i alert.Incident) bool { return Core(i).IsOpen() }

// Ended returns the latest end among the windows in Core; zero while the incident goes on.
func Ended(i alert.Incident) time.Time { return Core(i).Ended() }

// Headline returns the window that texts are about: the burn that spent most of its budget. Without
// a burn it is one about missing data or traffic, or else a spent budget.
func Headline(i alert.Incident) alert.Window {
	return slices.MinFunc(i.Windows, func(a, b alert.Window) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), -cmp.Compare(a.BudgetSpent, b.BudgetSpent))
	})
}

// kindRank orders the kinds of windows by how much they say about users.
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

// WorstFirst returns a copy sorted by severity, then by the share of the budget spent.
func WorstFirst(incidents []alert.Incident) []alert.Incident {
	level := func(i alert.Incident) int {
		if s := i.Severity(); s > 0 {
			return s
		}
		return alert.MaxSeverity + 1
	}
	return slices.SortedStableFunc(slices.Values(incidents), func(a, b alert.Incident) int {
		if n := level(a) - level(b); n != 0 {
			return n
		}
		switch x, y := Headline(a).BudgetSpent, Headline(b).BudgetSpent; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
}
