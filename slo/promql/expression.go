package promql

import "github.com/prometheus/prometheus/promql/parser"

// CheckExpression finds what is wrong with PromQL that is to have numbers at any time: a vector or a single number. The field is for the
// problems to name.
func CheckExpression(field, text string) []Problem {
	c := checker{field: field, noun: "query", example: "max(queue_depth)"}
	expr := c.parse(text)
	if expr == nil {
		return c.problems
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		c.add(int(expr.PositionRange().Start), "a %s has no single value at a time: give a query such as %s", parser.DocumentedType(t), c.example)
	}
	return c.problems
}
