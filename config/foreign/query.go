package foreign

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/config"
)

// Options are what a format says of its queries.
type Options struct {
	Counter  bool // selectors are counters, without rate()
	Template bool // ranges are {{.window}}; another one is worth a warning
	PerGroup bool // of several groups the worst counts, not each for itself
}

// Query is a query of a foreign file.
type Query struct {
	Node    config.Node
	text    string // with a range for each {{.window}}
	expr    parser.Expr
	windows []window
	options Options
	notes   []problem // warnings of the form that was found
}

// window is a {{.window}}: where it is in the parsed text, and how much longer it is in the file.
type window struct{ at, longer int }

// problem is why a query has no native form, with its place in the parsed text.
type problem struct {
	query *Query
	at    int
	text  string
}

func (p *problem) report() {
	if p != nil {
		p.query.Node.ErrorInside(p.query.original(p.at), "%s", p.text)
	}
}

// length stands for {{.window}}: the shortest of Sloth's windows.
const length = "5m"

var template = regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`)

// Parse reads the query of a node. It returns nil if there is none, or none that can be used, which
// is reported.
func Parse(n config.Node, o Options) *Query {
	if !n.Exists() {
		return nil
	}
	raw := n.Text("PromQL")
	if strings.TrimSpace(raw) == "" {
		n.Errorf("the query is empty; give it PromQL such as sum(rate(http_requests_total[5m]))")
		return nil
	}
	q := &Query{Node: n, options: o}
	var text strings.Builder
	rest := 0
	for _, found := range template.FindAllStringIndex(raw, -1) {
		text.WriteString(raw[rest:found[0]])
		q.windows = append(q.windows, window{text.Len(), found[1] - found[0] - len(length)})
		text.WriteString(length)
		rest = found[1]
	}
	text.WriteString(raw[rest:])
	q.text = text.String()
	if i := strings.Index(raw, "{{"); o.Template && strings.Contains(q.text, "{{") {
		n.ErrorInside(max(i, 0), "the query has another template than {{.window}}; write its value")
		return nil
	}
	expr, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(q.text)
	if err != nil {
		at, text := 0, err.Error()
		var several parser.ParseErrors
		if errors.As(err, &several) && len(several) > 0 {
			at, text = int(several[0].PositionRange.Start), several[0].Err.Error()
		}
		q.fail(at, "it does not parse as PromQL: %s", text).report()
		return nil
	}
	q.expr = expr
	return q
}

// original returns the place in the file's text of a place in the parsed one.
func (q *Query) original(at int) int {
	longer := 0
	for _, w := range q.windows {
		if w.at < at {
			longer += w.longer
		}
	}
	return at + longer
}

// hasTemplate reports whether there is a {{.window}} between two places.
func (q *Query) hasTemplate(r parser.Node) bool {
	at := r.PositionRange()
	for _, w := range q.windows {
		if int(at.Start) <= w.at && w.at < int(at.End) {
			return true
		}
	}
	return false
}

func (q *Query) fail(at int, format string, args ...any) *problem {
	return &problem{q, at, fmt.Sprintf(format, args...)}
}

func (q *Query) failAt(e parser.Node, format string, args ...any) *problem {
	return q.fail(int(e.PositionRange().Start), format, args...)
}

// warn notes a warning, for the case that the form that is looked for is found.
func (q *Query) warn(e parser.Node, format string, args ...any) {
	q.notes = append(q.notes, *q.failAt(e, format, args...))
}

// mostNotes is how many warnings a query has at most.
const mostNotes = 8

// tell reports the first notes.
func (q *Query) tell() {
	for _, n := range q.notes[:min(len(q.notes), mostNotes)] {
		q.Node.WarnInside(q.original(n.at), "%s", n.text)
	}
	q.notes = nil
}

// String is the query on one line, with a range of 5m for {{.window}}.
func (q *Query) String() string {
	if text := strings.TrimSpace(q.text); !strings.ContainsAny(text, "#\n\r") {
		return text
	}
	return q.expr.String()
}

// Operand is like String, in parentheses if an operator beside it needs them.
func (q *Query) Operand() string {
	switch q.expr.(type) {
	case *parser.BinaryExpr, *parser.UnaryExpr:
		return "(" + q.String() + ")"
	}
	return q.String()
}
