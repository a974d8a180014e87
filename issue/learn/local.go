package learn

import (
	"strings"

	"github.com/postburn/postburn/issue"
)

// partEnd is the line that ends a part of a file of the local tracker.
const partEnd = "<!-- postburn end -->"

// Split takes postburn's comments out of a file of the local tracker. Their lines stay in the body
// as empty ones, so that all others keep their numbers. A text without markers is a body alone.
func Split(markdown string) (body string, comments []string) {
	var b, comment strings.Builder
	within := false
	finish := func() {
		if within {
			comments = append(comments, comment.String())
			comment.Reset()
		}
		within = false
	}
	for line := range strings.Lines(markdown) {
		m, isMarker := issue.ParseMarker(line)
		switch {
		case isMarker && strings.Contains(m.Key, "/"):
			finish()
			within = true
			b.WriteString("\n")
		case isMarker:
			finish()
			b.WriteString("\n")
		case strings.TrimSpace(line) == partEnd:
			finish()
			b.WriteString("\n")
		case within:
			comment.WriteString(line)
			b.WriteString("\n")
		default:
			b.WriteString(line)
		}
	}
	finish()
	return b.String(), comments
}
