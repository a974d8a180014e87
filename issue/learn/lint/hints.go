package lint

import (
	"slices"

	"github.com/postburn/postburn/issue"
)

// Hints puts findings of one rule together, in the order of the rules. The first one's question is
// asked.
func Hints(found []Finding) (hints []issue.Hint) {
	for _, r := range Rules() {
		of := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Rule != r.ID })
		if len(of) == 0 {
			continue
		}
		h := issue.Hint{Reason: r.Reason, Question: of[0].Example}
		for _, f := range of {
			h.Passages = append(h.Passages, f.Text)
		}
		hints = append(hints, h)
	}
	return hints
}
