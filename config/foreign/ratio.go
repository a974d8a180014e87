package foreign

import (
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// ratio is an expression as a ratio of two sums, or as one of the other shares that have a native
// form.
type ratio struct {
	part, total sum
	other       bool // what it is the share of is what the part is not: 1 - part/total

	condition string   // the share of time in which it is true
	latency   *Latency // the share of events that are fast enough
}

// ratioOf takes an expression apart.
func (q *Query) ratioOf(expr parser.Expr) (ratio, *problem) {
	switch e := bare(expr).(type) {
	case *parser.BinaryExpr:
		switch {
		case e.Op == parser.DIV:
			return q.division(e)
		case e.Op == parser.SUB && isNumber(e.LHS, 1):
			r, p := q.ratioOf(e.RHS)
			r.other = !r.other
			return r, p
		case e.Op == parser.LOR && (isZero(e.RHS) || isVector(e.RHS, 1)):
			return q.ratioOf(e.LHS) // postburn has no bad events where there are none at all
		}
		return ratio{}, q.failAt(e, "%s is no ratio of counters", e.Op)
	case *parser.Call:
		switch {
		case e.Func.Name == "clamp" && isNumber(e.Args[1], 0) && isNumber(e.Args[2], 1),
			e.Func.Name == "clamp_max" && isNumber(e.Args[1], 1),
			e.Func.Name == "clamp_min" && isNumber(e.Args[1], 0):
			return q.ratioOf(e.Args[0])
		case e.Func.Name == "avg_over_time":
			return q.timeTrue(e)
		case e.Func.Name == "histogram_fraction":
			return q.fraction(e)
		}
		return ratio{}, q.failAt(e, "%s() is no ratio of counters", e.Func.Name)
	}
	return ratio{}, q.failAt(expr, "%s is no ratio of counters", expr)
}

func (q *Query) division(e *parser.BinaryExpr) (r ratio, p *problem) {
	if e.VectorMatching != nil && e.VectorMatching.Card != parser.CardOneToOne {
		return r, q.failAt(e, "group_left and group_right make this a join")
	}
	if r.part, p = q.sumOf(e.LHS, false); p != nil {
		return r, p
	}
	r.total, p = q.sumOf(e.RHS, false)
	return r, p
}

// timeTrue is avg_over_time of a comparison with bool.
func (q *Query) timeTrue(e *parser.Call) (ratio, *problem) {
	over, ok := bare(e.Args[0]).(*parser.SubqueryExpr)
	if !ok {
		return ratio{}, q.failAt(e, "avg_over_time() of a gauge has no counters")
	}
	c, ok := bare(over.Expr).(*parser.BinaryExpr)
	if !ok || !c.Op.IsComparisonOperator() || !c.ReturnBool || over.OriginalOffset != 0 || over.Timestamp != nil {
		return ratio{}, q.failAt(e, "avg_over_time() of something other than a comparison with bool has no counters")
	}
	q.warn(e, "the condition is looked at once a tick, not once in %s", step(over))
	return ratio{condition: c.String()}, nil
}

func step(over *parser.SubqueryExpr) string {
	if over.Step == 0 {
		return "an evaluation"
	}
	return model.Duration(over.Step).String()
}

// opposite returns a comparison that is true where the given one is false.
func opposite(condition string) string {
	expr, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(condition)
	c, ok := expr.(*parser.BinaryExpr)
	if err != nil || !ok {
		return "1 - (" + condition + ")"
	}
	c.Op = map[parser.ItemType]parser.ItemType{
		parser.LSS: parser.GTE, parser.GTE: parser.LSS, parser.GTR: parser.LTE, parser.LTE: parser.GTR, parser.EQLC: parser.NEQ, parser.NEQ: parser.EQLC,
	}[c.Op]
	return c.String()
}

// fraction is histogram_fraction(0, t, sum(rate(h))): the share of events up to t.
func (q *Query) fraction(e *parser.Call) (ratio, *problem) {
	upper, ok := bare(e.Args[1]).(*parser.NumberLiteral)
	if !ok || !isNumber(e.Args[0], 0) || math.IsInf(upper.Val, 1) {
		return ratio{}, q.failAt(e, "histogram_fraction() has to begin at 0 and end at a number")
	}
	s, p := q.sumOf(e.Args[2], false)
	if p != nil {
		return ratio{}, p
	}
	if len(s.terms) != 1 || len(s.terms[0].Selectors) != 1 {
		return ratio{}, q.failAt(e, "histogram_fraction() has to be of one histogram")
	}
	l := newLatency(s.terms[0].Selectors[0], upper.Val)
	if l == nil {
		return ratio{}, q.failAt(e, "a histogram of something other than seconds or milliseconds is no latency")
	}
	return ratio{latency: l, total: s}, nil
}
