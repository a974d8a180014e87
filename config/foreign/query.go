package foreign

import (
	"errors"
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
	source
	expr    parser.Expr
	options Options
}

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
	q := &Query{source: newSource(n, raw), options: o}
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
