package foreign

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// sum is an expression as a sum of counters.
type sum struct {
	terms []promql.Term
	by    []string // the labels that are left
	whole bool     // no sum() says which labels are left
}

// sum takes the query apart as a sum of counters.
func (q *Query) sum() (sum, *problem) { return q.sumOf(q.expr, false) }

// sumOf takes an expression apart. Inside is whether a sum() is around it.
func (q *Query) sumOf(expr parser.Expr, inside bool) (sum, *problem) {
	switch e := bare(expr).(type) {
	case *parser.AggregateExpr:
		return q.aggregate(e)
	case *parser.Call:
		return q.call(e, inside)
	case *parser.UnaryExpr:
		s, p := q.sumOf(e.Expr, inside)
		if e.Op == parser.SUB {
			s.terms = negated(s.terms)
		}
		return s, p
	case *parser.BinaryExpr:
		return q.binary(e, inside)
	case *parser.VectorSelector:
		if !q.options.Counter {
			return sum{}, q.failAt(e, "%s is no rate of a counter", e)
		}
		return q.counter(e)
	case *parser.NumberLiteral:
		return sum{}, q.failAt(e, "a constant is no number of events")
	}
	return sum{}, q.failAt(expr, "%s is no rate of a counter", expr)
}

// counter is a selector of counters.
func (q *Query) counter(s *parser.VectorSelector) (sum, *problem) {
	if s.OriginalOffset != 0 || s.Timestamp != nil || s.StartOrEnd != 0 || s.OriginalOffsetExpr != nil {
		return sum{}, q.failAt(s, "offset and @ have no place in a sum of counters")
	}
	return sum{terms: []promql.Term{{Selectors: []*parser.VectorSelector{s}}}, whole: true}, nil
}

func (q *Query) aggregate(e *parser.AggregateExpr) (sum, *problem) {
	switch {
	case e.Op != parser.SUM:
		return sum{}, q.failAt(e, "%s() is no sum of counters", e.Op)
	case e.Without:
		return sum{}, q.failAt(e, "sum without: name the labels that are left, with by")
	}
	s, p := q.sumOf(e.Expr, true)
	s.whole = false
	s.by = slices.DeleteFunc(slices.Clone(e.Grouping), func(label string) bool { return label == model.BucketLabel })
	slices.Sort(s.by)
	return s, p
}

func (q *Query) call(e *parser.Call, inside bool) (sum, *problem) {
	switch e.Func.Name {
	case "rate", "increase", "irate":
		m, ok := bare(e.Args[0]).(*parser.MatrixSelector)
		if !ok {
			return sum{}, q.failAt(e, "a subquery is no rate of a counter")
		}
		if q.options.Template && !q.hasTemplate(m) {
			q.warn(m, "the range of %s is fixed, not {{.window}}; postburn counts without one", model.Duration(m.Range))
		}
		return q.counter(m.VectorSelector.(*parser.VectorSelector))
	case "clamp_min":
		if isNumber(e.Args[1], 0) {
			return q.sumOf(e.Args[0], inside)
		}
	case "vector":
		return sum{}, q.failAt(e, "a constant is no number of events")
	}
	return sum{}, q.failAt(e, "%s() is no rate of a counter", e.Func.Name)
}

func (q *Query) binary(e *parser.BinaryExpr, inside bool) (sum, *problem) {
	switch e.Op {
	case parser.GTR, parser.NEQ, parser.GTE:
		if isNumber(e.RHS, 0) && !e.ReturnBool {
			return q.sumOf(e.LHS, inside) // 0/0 is no bad event anyway
		}
	case parser.LOR:
		if isZero(e.RHS) {
			return q.sumOf(e.LHS, inside) // no series is no event anyway
		}
		return q.either(e, inside)
	case parser.ADD, parser.SUB:
		left, p := q.sumOf(e.LHS, inside)
		if p != nil {
			return sum{}, p
		}
		right, p := q.sumOf(e.RHS, inside)
		if p != nil {
			return sum{}, p
		}
		if e.VectorMatching != nil && e.VectorMatching.Card != parser.CardOneToOne {
			return sum{}, q.failAt(e, "group_left and group_right make this a join")
		}
		return q.joined(e, left, right)
	}
	return sum{}, q.failAt(e, "%s of counters is no sum", e.Op)
}

// joined adds or subtracts two sums.
func (q *Query) joined(e *parser.BinaryExpr, left, right sum) (sum, *problem) {
	if !left.whole && !right.whole && !slices.Equal(left.by, right.by) {
		return sum{}, q.failAt(e, "the two sums have other labels: %v and %v", left.by, right.by)
	}
	if m := e.VectorMatching; m != nil && (m.On || len(m.MatchingLabels) > 0 || left.whole && right.whole) {
		q.warn(e, "%s leaves out series that have no partner on the other side; postburn counts all", e.Op)
	}
	if e.Op == parser.SUB {
		right.terms = negated(right.terms)
	}
	if left.whole {
		left.by = right.by
	}
	return sum{append(left.terms, right.terms...), left.by, left.whole && right.whole}, nil
}

// either is `a or b` inside of a sum.
func (q *Query) either(e *parser.BinaryExpr, inside bool) (sum, *problem) {
	if !inside {
		return sum{}, q.failAt(e.RHS, "%s is taken only where the other side has no series: a choice, not a sum", e.RHS)
	}
	left, p := q.sumOf(e.LHS, inside)
	if p != nil {
		return sum{}, p
	}
	right, p := q.sumOf(e.RHS, inside)
	switch {
	case p != nil:
		return sum{}, p
	case len(left.terms) != 1 || len(right.terms) != 1 || left.terms[0].Minus || right.terms[0].Minus:
		return sum{}, q.failAt(e, "or joins sums here, not selectors")
	}
	all := slices.Concat(left.terms[0].Selectors, right.terms[0].Selectors)
	if promql.Name(all[0]) != promql.Name(all[len(all)-1]) {
		q.warn(e, "or leaves out series of the second metric that have the labels of one of the first; postburn counts both")
	}
	return sum{[]promql.Term{{Selectors: all}}, nil, left.whole && right.whole}, nil
}

func negated(terms []promql.Term) []promql.Term {
	other := slices.Clone(terms)
	for i := range other {
		other[i].Minus = !other[i].Minus
	}
	return other
}

// bare returns an expression without the parentheses around it.
func bare(expr parser.Expr) parser.Expr {
	for {
		switch e := expr.(type) {
		case *parser.ParenExpr:
			expr = e.Expr
		case *parser.StepInvariantExpr:
			expr = e.Expr
		default:
			return expr
		}
	}
}

func isNumber(expr parser.Expr, value float64) bool {
	n, ok := bare(expr).(*parser.NumberLiteral)
	return ok && n.Val == value
}

// isZero reports whether an expression is zero wherever it has a value, as vector(0) and 0 * a are.
func isZero(expr parser.Expr) bool {
	e, ok := bare(expr).(*parser.BinaryExpr)
	return ok && e.Op == parser.MUL && (isNumber(e.LHS, 0) || isNumber(e.RHS, 0)) || isVector(expr, 0)
}

// isVector reports whether an expression is vector() of one of the values.
func isVector(expr parser.Expr, values ...float64) bool {
	c, ok := bare(expr).(*parser.Call)
	return ok && c.Func.Name == "vector" && slices.ContainsFunc(values, func(v float64) bool { return isNumber(c.Args[0], v) })
}

// Increase returns PromQL for the number of events in a length of time, and the labels that are
// left. ok is false if the query is no sum of counters, which is reported.
func (q *Query) Increase(length time.Duration) (text string, by []string, ok bool) {
	s, p := q.sum()
	if p != nil {
		p.report()
		return "", nil, false
	}
	q.tell()
	for i, t := range s.terms {
		parts := make([]string, len(t.Selectors))
		for j, selector := range t.Selectors {
			parts[j] = "increase(" + promql.Text(selector) + "[" + model.Duration(length).String() + "])"
		}
		switch {
		case t.Minus:
			text += " - "
		case i > 0:
			text += " + "
		}
		sum := parser.AggregateExpr{Op: parser.SUM, Grouping: s.by, Expr: &parser.VectorSelector{Name: "x"}}
		text += strings.TrimSuffix(sum.String(), "(x)") + "(" + strings.Join(parts, " or ") + ")"
	}
	if len(s.terms) > 1 {
		text = "(" + text + ")"
	}
	return text, s.by, true
}
