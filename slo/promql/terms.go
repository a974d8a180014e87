package promql

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// term is one operand of the sum that a field of counters is: `a + (b or c) - d` has three.
type term struct {
	selectors []*parser.VectorSelector // joined by `or`: series of one metric count once
	minus     bool                     // its events are subtracted
}

// sum takes a sum apart into its terms. minus is whether the sum itself is subtracted, so that
// `a - (b - c)` is a, minus b, plus c.
func (c *checker) sum(expr parser.Expr, minus bool) []term {
	inner := bare(expr)
	if e, is := inner.(*parser.BinaryExpr); is && (e.Op == parser.ADD || e.Op == parser.SUB) {
		if m := e.VectorMatching; m != nil && (m.On || len(m.MatchingLabels) > 0 || m.FillValues != (parser.VectorMatchFillValues{})) {
			c.add(int(e.PositionRange().Start), "on(), ignoring() and fill() have no place here: "+
				"each %s is counted by itself, and %s takes the sums of both sides whatever their labels", c.noun, e.Op)
		}
		return slices.Concat(c.sum(e.LHS, minus), c.sum(e.RHS, minus != (e.Op == parser.SUB)))
	}
	c.selectors = nil
	c.joined(inner)
	return []term{{c.selectors, minus}}
}

// selectorsOf returns the selectors of those terms whose events are added.
func selectorsOf(terms []term) (selectors []*parser.VectorSelector) {
	for _, t := range terms {
		if !t.minus {
			selectors = append(selectors, t.selectors...)
		}
	}
	return selectors
}
