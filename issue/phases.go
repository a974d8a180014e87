package issue

import (
	"github.com/postburn/postburn/alert"
)

// JoinPhases joins phases of one kind without a gap between them: people see them as one.
func JoinPhases(phases []alert.Phase) (joined []alert.Phase) {
	for _, p := range phases {
		n := len(joined)
		if n == 0 || joined[n-1].Kind != p.Kind || joined[n-1].End.Before(p.Start) {
			joined = append(joined, p)
			continue
		}
		last := &joined[n-1]
		last.Counts = last.Add(p.Counts)
		if p.End.After(last.End) {
			last.End = p.End
		}
	}
	return joined
}
