package promql

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// Problem is something that is wrong with the PromQL of an indicator.
type Problem struct {
	Field  string // "bad", "good", "total", "histogram", "bool", "error_ratio" or "exclude"
	Offset int    // into the field's text, in bytes from 0
	Text   string // what is wrong, and what would be right; without position
}

// Examples to name if the text holds none.
const (
	example           = `http_requests_total{job="shop"}`
	exampleHistogram  = `http_request_duration_seconds{job="shop"}`
	exampleCondition  = "max(queue_length) < 100"
	exampleExpression = "max(queue_depth)"
)

// Check finds what is wrong with an indicator's PromQL, ordered as the fields are in Problem, then
// by offset. Empty fields are skipped, except for a ratio's total.
func Check(i slo.Indicator) []Problem {
	var c checker
	c.indicator(i)
	return c.problems
}

// Examine returns what Check finds, or if that is nothing, what Doubts finds. It parses each field
// once.
func Examine(i slo.Indicator) (wrong, doubts []Problem) {
	var c checker
	parts := c.indicator(i)
	if len(c.problems) > 0 {
		return c.problems, nil
	}
	return nil, doubtsAbout(i, parts)
}

// part is a field of an indicator in which nothing is wrong.
type part struct {
	field string
	expr  parser.Expr
	terms []Term // if it is a field of counters
}

// indicator checks the fields that are not empty and returns them, as far as nothing is wrong.
func (c *checker) indicator(i slo.Indicator) (parts []part) {
	counters := func(field, text string) {
		expr, terms := c.counters(field, text)
		parts = append(parts, part{field, expr, terms})
	}
	switch {
	case i.Ratio != nil:
		if i.Ratio.Bad != "" {
			counters("bad", i.Ratio.Bad)
		}
		if i.Ratio.Good != "" {
			counters("good", i.Ratio.Good)
		}
		counters("total", i.Ratio.Total)
	case i.Latency != nil:
		parts = append(parts, part{field: "histogram", expr: c.histogram(i.Latency.Histogram)})
	case i.Bool != "":
		parts = append(parts, part{field: "bool", expr: c.boolean("bool", i.Bool)})
	case i.Sampled != nil:
		for _, f := range [][2]string{{"bad", i.Sampled.Bad}, {"total", i.Sampled.Total}, {"error_ratio", i.Sampled.ErrorRatio}} {
			if f[1] != "" {
				parts = append(parts, part{field: f[0], expr: c.expression(f[0], f[1])})
			}
		}
	}
	return parts
}

// CheckExclude finds what is wrong with the PromQL of an objective's `exclude`.
func CheckExclude(text string) []Problem {
	var c checker
	c.boolean("exclude", text)
	return c.problems
}

// CheckExpression finds what is wrong with PromQL that must have numbers at any time: a vector or a
// single number. The problems name the field.
func CheckExpression(field, text string) []Problem {
	var c checker
	c.expression(field, text)
	return c.problems
}

// Numbers returns PromQL as a vector and without comments, or the first problem that
// CheckExpression finds.
func Numbers(field, text string) (string, error) {
	var c checker
	expr := c.expression(field, text)
	return asVector(expr), c.err()
}

// asVector writes an expression as a vector, even if it is a number.
func asVector(expr parser.Expr) string {
	switch {
	case expr == nil:
		return ""
	case expr.Type() == parser.ValueTypeScalar:
		return "vector(" + expr.String() + ")"
	}
	return expr.String()
}

// checker collects problems, and the selectors of the field that it checks.
type checker struct {
	field     string
	noun      string // what the field takes, for people
	example   string
	summed    bool // the field takes + and -
	problems  []Problem
	selectors []*parser.VectorSelector
}

func (c *checker) add(at int, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: c.field, Offset: at, Text: fmt.Sprintf(format, args...)})
}

// err returns the first problem, if there is one.
func (c *checker) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return errors.New(c.problems[0].Field + ": " + c.problems[0].Text)
}

// expression checks a field that has numbers. It returns nil if there is a problem.
func (c *checker) expression(field, text string) parser.Expr {
	c.field, c.noun, c.example = field, "query", exampleExpression
	expr := c.parse(text)
	if expr == nil {
		return nil
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		c.add(int(expr.PositionRange().Start), "a %s has no single value at a time: give a query such as %s", parser.DocumentedType(t), c.example)
		return nil
	}
	return expr
}

// parse returns the field's expression, or nil if it has none.
func (c *checker) parse(text string) parser.Expr {
	if strings.TrimSpace(text) == "" {
		c.add(0, "it is empty: give a %s, such as %s", c.noun, c.example)
		return nil
	}
	expr, err := newParser().ParseExpr(text)
	if err == nil {
		return expr
	}
	var several parser.ParseErrors
	if !errors.As(err, &several) || len(several) == 0 {
		c.add(0, "it does not parse as PromQL: %v", err)
		return nil
	}
	for _, e := range several {
		c.add(min(int(e.PositionRange.Start), len(text)), "it does not parse as PromQL: %v", e.Err)
	}
	c.sort()
	return nil
}

// newParser accepts all of PromQL's extensions, so that Check can name those that do not belong
// here instead of reporting a syntax error.
func newParser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	})
}

// sort orders the problems of the field that was checked last.
func (c *checker) sort() {
	from := slices.IndexFunc(c.problems, func(p Problem) bool { return p.Field == c.field })
	if from >= 0 {
		slices.SortStableFunc(c.problems[from:], func(a, b Problem) int { return cmp.Compare(a.Offset, b.Offset) })
	}
}
