package postmortem

import (
	"fmt"

	"github.com/postburn/postburn/issue"
)

// maxPassages is how many passages one hint quotes.
const maxPassages = 3

// hintsView is what the comment about a closed post-mortem is made of.
type hintsView struct {
	Hints   []hintView
	Several bool
	Skip    string
}

type hintView struct {
	Passages         []string
	More             int
	Reason, Question string
}

// renderHints says what a post-mortem lacks. What it quotes is people's, so it is escaped: their
// mentions are not repeated.
func renderHints(hints []issue.Hint) (issue.Text, error) {
	v := hintsView{Several: len(hints) > 1, Skip: issue.SkipLabel}
	for _, h := range hints {
		shown := h.Passages[:min(len(h.Passages), maxPassages)]
		row := hintView{More: len(h.Passages) - len(shown), Reason: h.Reason, Question: Escape(h.Question)}
		for _, p := range shown {
			row.Passages = append(row.Passages, Escape(p))
		}
		v.Hints = append(v.Hints, row)
	}
	body, err := execute("lint.md.tmpl", v)
	if err != nil {
		return issue.Text{}, fmt.Errorf("writing what a post-mortem lacks: %w", err)
	}
	return issue.Text{Body: body}, nil
}
