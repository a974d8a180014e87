package promql

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// conditionTag marks the values of what is true or false.
const conditionTag = "bool"

// Condition is a bool indicator: true or false at each tick, which makes one event a tick. It holds
// nothing of what it has seen.
type Condition struct {
	query   string
	groupBy []string
}

// NewCondition takes an objective's indicator apart. It returns an error where the indicator is no
// bool, or has a problem that Check finds.
func NewCondition(o slo.Objective) (*Condition, error) {
	query, err := truth("bool", o.Indicator.Bool)
	if err != nil {
		return nil, err
	}
	return &Condition{query: query, groupBy: o.GroupBy}, nil
}

// truth is the query of a field that is true or false: 1 or 0.
func truth(field, text string) (query string, err error) {
	var check checker
	expr := check.boolean(field, text)
	if len(check.problems) > 0 {
		return "", fmt.Errorf("%s: %s", check.problems[0].Field, check.problems[0].Text)
	}
	if c := comparison(expr); c != nil {
		c.ReturnBool = true
	}
	expr = withoutNaN(expr)
	if expr.Type() == parser.ValueTypeScalar {
		return "vector(" + expr.String() + ")", nil
	}
	return expr.String(), nil
}

// comparison is an expression's root, where that is a comparison.
func comparison(expr parser.Expr) *parser.BinaryExpr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return comparison(e.Expr)
	case *parser.StepInvariantExpr:
		return comparison(e.Expr)
	case *parser.BinaryExpr:
		if e.Op.IsComparisonOperator() {
			return e
		}
	}
	return nil
}

// comparisons returns those that an expression consists of: itself, or its factors.
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

// withoutNaN makes a comparison have no value, or NaN, where one of its sides is NaN; PromQL makes
// that false, and true for `!=`. The same goes for comparisons that are multiplied. Vectors are
// filtered by `>= -Inf`, which drops NaN and reads nothing twice. For a number, 0 / (x == bool x)
// is added to the result: that is 0, or NaN if x is.
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

// operation writes a binary operation, in parentheses as its sides are.
func operation(op parser.ItemType, left, right parser.Expr) *parser.ParenExpr {
	sides := [2]parser.Expr{left, right}
	for i, side := range sides {
		if _, is := side.(*parser.BinaryExpr); is {
			sides[i] = &parser.ParenExpr{Expr: side}
		}
	}
	return &parser.ParenExpr{Expr: &parser.BinaryExpr{Op: op, LHS: sides[0], RHS: sides[1]}}
}

// isLiteral reports whether an expression is a number that is written out and not NaN.
func isLiteral(expr parser.Expr) bool {
	if signed, is := bare(expr).(*parser.UnaryExpr); is {
		expr = signed.Expr
	}
	n, is := bare(expr).(*parser.NumberLiteral)
	return is && !math.IsNaN(n.Val)
}

// Query asks whether the condition holds.
func (c *Condition) Query() Query { return newQuery(tagged(c.query, conditionTag, "")) }

// Samples are the tick's samples by label set; one that has no value is not there. What is neither
// true nor false, and several values of one label set, are errors.
func (c *Condition) Samples(tick time.Time, points []Point) (map[slo.Labels]slo.Sample, error) {
	samples := map[slo.Labels]slo.Sample{}
	for _, p := range points {
		labels := labelSet(c.groupBy, p.Labels)
		if _, twice := samples[labels]; twice {
			return nil, severalError("bool", "max(...) < 100", "max by (%s) (...) < 100", c.groupBy, labels)
		}
		sample := slo.Sample{Tick: tick, Counts: slo.Counts{Total: 1}}
		switch {
		case p.Buckets != nil:
			return nil, fmt.Errorf("bool: a native histogram is neither true nor false: compare a number, as in max(queue_length) < 100")
		case math.IsNaN(p.Value):
			sample = slo.Sample{Tick: tick, Blind: true, Caveats: []slo.Caveat{{Kind: slo.NotANumber, Count: 1}}}
		case p.Value == 0:
			sample.Bad = 1
		case p.Value != 1:
			return nil, fmt.Errorf("bool: the value %v is neither 0 nor 1: compare it, as in max(queue_length) < 100", p.Value)
		}
		samples[labels] = sample
	}
	return samples, nil
}

// severalError names what to do about several series of one label set: aggregate them, as in the
// examples for all series and by a label.
func severalError(field, example, exampleBy string, groupBy []string, labels slo.Labels) error {
	if len(groupBy) == 0 {
		return fmt.Errorf("%s: it has several series where one is needed: aggregate them, as in %s, or name their labels in group_by", field, example)
	}
	return fmt.Errorf("%s: it has several series with the labels %s: aggregate them by the labels of group_by, as in %s", field, labels,
		fmt.Sprintf(exampleBy, quoteName(groupBy[0])))
}
