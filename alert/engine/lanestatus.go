package engine

import (
	"github.com/postburn/postburn/alert"
)

// statuses are how the lane's objectives stand. One that has no label set yet is blind.
func (l *Lane) statuses() []alert.Status {
	all := make([]alert.Status, 0, len(l.watches))
	seen := map[string]bool{}
	for _, w := range l.watches {
		all = append(all, w.Status())
		seen[w.Def.Objective.Name] = true
	}
	for i := range all {
		all[i].Extra = l.late.Extra
		all[i].Unread = l.past.left[all[i].Objective.Name]
	}
	for _, d := range l.defs {
		if !seen[d.Objective.Name] {
			all = append(all, alert.Status{Objective: d.Objective, Tick: l.cursor, BudgetRemaining: 1, State: alert.Blind})
		}
	}
	return all
}
