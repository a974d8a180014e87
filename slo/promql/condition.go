package promql

import (
	"math"

	"github.com/prometheus/prometheus/promql/parser"
)

// Condition returns the query of a field that is true or false: 1 or 0, and nothing if a side of a
// comparison has no number.
func Condition(field, text string) (query string, err error) {
	var c checker
	expr := c.boolean(field, text)
	if err := c.err(); err != nil {
		return "", err
	}
	if root := comparison(expr); root != nil {
		root.ReturnBool = true
	}
	return asVector(withoutNaN(expr)), nil
}

// boolean checks a field that is true or false: any PromQL that is a vector or a number. It returns
// nil if there is a problem.
func (c *checker) boolean(field, text string) parser.Expr {
	c.field, c.noun, c.example = field, "condition", exampleCondition
	expr := c.parse(text)
	if expr == nil {
		return nil
	}
	at := int(expr.PositionRange().Start)
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		c.add(at, "a %s is neither true nor false: compare something, as in max(queue_length) < 100", parser.DocumentedType(t))
		return nil
	}
	for _, e := range comparisons(expr) {
		if m := e.VectorMatching; m != nil && m.FillValues != (parser.VectorMatchFillValues{}) {
			c.add(int(e.PositionRange().Start), "fill() has no place in a comparison, which has no value where a side has none: "+
				"give that side a default, as in (a or vector(0)) < 1")
			return nil
		}
	}
	if field == "bool" && c.filters(expr) {
		return nil
	}
	if set, is := bare(expr).(*parser.BinaryExpr); is && set.Op.IsSetOperator() {
		for _, side := range []parser.Expr{set.LHS, set.RHS} {
			if compared := comparison(side); compared != nil && !compared.ReturnBool {
				c.add(at, "%s keeps the values that are compared, and has none where it is false: compare with bool, and multiply where both must hold, "+
					"as in (max(a) < bool 1) * (max(b) < bool 2)", set.Op)
				return nil
			}
		}
	}
	return expr
}

// filters refuses comparisons without bool that are calculated with: they keep the values that are
// compared. It reports whether there is one. A condition of `exclude` may have them: where it has
// no value, no work is planned.
func (c *checker) filters(expr parser.Expr) bool {
	e, is := bare(expr).(*parser.BinaryExpr)
	if !is || e.Op.IsComparisonOperator() || e.Op.IsSetOperator() {
		return false
	}
	found := false
	for _, side := range []parser.Expr{e.LHS, e.RHS} {
		compared := comparison(side)
		if compared == nil || compared.ReturnBool {
			found = c.filters(side) || found
			continue
		}
		found = true
		right := *compared
		right.ReturnBool = true
		c.add(int(side.PositionRange().Start), "this keeps the values that are compared, and has none where it is false: compare with bool, as in (%s)", right.String())
	}
	return found
}

// bare returns an expression without the parentheses around it.
func bare(expr parser.Expr) parser.Expr {
	for {
		p, is := expr.(*parser.ParenExpr)
		if !is {
			return expr
		}
		expr = p.Expr
	}
}

// comparison returns an expression's root if that is a comparison, else nil.
func comparison(expr parser.Expr) *parser.BinaryExpr {
	if e, is := bare(expr).(*parser.BinaryExpr); is && e.Op.IsComparisonOperator() {
		return e
	}
	return nil
}

// comparisons returns the comparisons that an expression multiplies, or itself if it is one.
func comparisons(expr parser.Expr) []*parser.BinaryExpr {
	e, is := bare(expr).(*parser.BinaryExpr)
	switch {
	case is && e.Op == parser.MUL:
		return append(comparisons(e.LHS), comparisons(e.RHS)...)
	case is && e.Op.IsComparisonOperator():
		return []*parser.BinaryExpr{e}
	}
	return nil
}

// withoutNaN makes a comparison have no value, or NaN, if one of its sides is NaN; PromQL makes
// that false, and true for `!=`. The same goes for multiplied comparisons. Vectors are filtered by
// `>= -Inf`, which drops NaN and reads nothing twice. For a number, 0 / (x == bool x) is added to
// the result: that is 0, or NaN if x is.
func withoutNaN(expr parser.Expr) parser.Expr {
	e, is := bare(expr).(*parser.BinaryExpr)
	switch {
	case is && e.Op == parser.MUL:
		e.LHS, e.RHS = withoutNaN(e.LHS), withoutNaN(e.RHS)
		return expr
	case !is || !e.Op.IsComparisonOperator() || !e.ReturnBool:
		return expr
	}
	var found parser.Expr = e
	for _, side := range []*parser.Expr{&e.LHS, &e.RHS} {
		number := *side
		switch {
		case number.Type() == parser.ValueTypeVector:
			*side = operation(parser.GTE, number, &parser.NumberLiteral{Val: math.Inf(-1)})
		case !isLiteral(number):
			same := operation(parser.EQLC, number, number)
			same.Expr.(*parser.BinaryExpr).ReturnBool = true
			found = operation(parser.ADD, found, operation(parser.DIV, &parser.NumberLiteral{}, same))
		}
	}
	return &parser.ParenExpr{Expr: bare(found)}
}

// operation writes a binary operation in parentheses, and puts its sides in parentheses if needed.
func operation(op parser.ItemType, left, right parser.Expr) *parser.ParenExpr {
	sides := [2]parser.Expr{left, right}
	for i, side := range sides {
		if _, is := side.(*parser.BinaryExpr); is {
			sides[i] = &parser.ParenExpr{Expr: side}
		}
	}
	return &parser.ParenExpr{Expr: &parser.BinaryExpr{Op: op, LHS: sides[0], RHS: sides[1]}}
}

// isLiteral reports whether an expression is a literal number other than NaN.
func isLiteral(expr parser.Expr) bool {
	if signed, is := bare(expr).(*parser.UnaryExpr); is {
		expr = signed.Expr
	}
	n, is := bare(expr).(*parser.NumberLiteral)
	return is && !math.IsNaN(n.Val)
}
