package foreign

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/config"
)

// source is the text of a query, and what is wrong with it or doubtful.
type source struct {
	Node    config.Node
	text    string // with a range for each {{.window}}
	windows []window
	notes   []problem // warnings of the form that was found
}

// window is a {{.window}}: where it is in the parsed text, and how much longer it is in the file.
type window struct{ at, longer int }

// length stands for {{.window}}: the shortest of Sloth's windows.
const length = "5m"

var template = regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`)

func newSource(n config.Node, raw string) source {
	s := source{Node: n}
	var text strings.Builder
	rest := 0
	for _, found := range template.FindAllStringIndex(raw, -1) {
		text.WriteString(raw[rest:found[0]])
		s.windows = append(s.windows, window{text.Len(), found[1] - found[0] - len(length)})
		text.WriteString(length)
		rest = found[1]
	}
	text.WriteString(raw[rest:])
	s.text = text.String()
	return s
}

// problem is why a query has no native form, with its place in the parsed text.
type problem struct {
	source *source
	at     int
	text   string
}

func (p *problem) report() {
	if p != nil {
		p.source.Node.ErrorInside(p.source.original(p.at), "%s", p.text)
	}
}

// original returns the place in the file's text of a place in the parsed one.
func (s *source) original(at int) int {
	longer := 0
	for _, w := range s.windows {
		if w.at < at {
			longer += w.longer
		}
	}
	return at + longer
}

// hasTemplate reports whether there is a {{.window}} between two places.
func (s *source) hasTemplate(r parser.Node) bool {
	at := r.PositionRange()
	for _, w := range s.windows {
		if int(at.Start) <= w.at && w.at < int(at.End) {
			return true
		}
	}
	return false
}

func (s *source) fail(at int, format string, args ...any) *problem {
	return &problem{s, at, fmt.Sprintf(format, args...)}
}

func (s *source) failAt(e parser.Node, format string, args ...any) *problem {
	return s.fail(int(e.PositionRange().Start), format, args...)
}

// warn notes a warning, for the case that the form that is looked for is found.
func (s *source) warn(e parser.Node, format string, args ...any) {
	s.notes = append(s.notes, *s.failAt(e, format, args...))
}

// mostNotes is how many warnings a query has at most.
const mostNotes = 8

// tell reports the first notes.
func (s *source) tell() {
	for _, n := range s.notes[:min(len(s.notes), mostNotes)] {
		s.Node.WarnInside(s.original(n.at), "%s", n.text)
	}
	s.notes = nil
}
