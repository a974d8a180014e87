package foreign

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// sampledEvents measures the events of queries once a tick, because of a problem. It returns the
// problem that is in the way of that, if there is one.
func sampledEvents(bad, good, total *Query, why *problem) (*Indicator, *problem) {
	part := bad
	if part == nil {
		part = good
	}
	for _, q := range []*Query{part, total} {
		if p := q.cannotSample(q == part); p != nil {
			return nil, p
		}
	}
	by := total.groups()
	switch parts := part.groups(); {
	case len(by) == 0:
		by = parts
	case len(parts) > 0 && !slices.Equal(by, parts):
		return nil, part.fail(0, "the part and the total have other labels: %v and %v", parts, by)
	}
	s := &slo.Sampled{Bad: part.String(), Total: total.String()}
	if bad == nil {
		s.Bad = total.Operand() + " - " + good.Operand()
	}
	why.warnOnceATick()
	return &Indicator{Sampled: s, By: by}, nil
}

// sampledRatio measures a ratio once a tick, because of a problem.
func sampledRatio(q *Query, success bool, why *problem) (*Indicator, *problem) {
	if p := q.cannotSample(true); p != nil {
		return nil, p
	}
	s := &slo.Sampled{ErrorRatio: q.String()}
	if success {
		s.ErrorRatio = "1 - " + q.Operand()
	}
	why.warnOnceATick()
	return &Indicator{Sampled: s, By: q.groups()}, nil
}

func (p *problem) warnOnceATick() {
	over := ""
	if len(p.source.windows) > 0 {
		over = " over " + length
	}
	p.source.Node.WarnInside(p.source.original(p.at), "%s: it is measured once a tick%s, not counted (indicator.sampled)", p.text, over)
}

// cannotSample returns why a query can't be measured once a tick; nil if it can.
func (q *Query) cannotSample(part bool) (p *problem) {
	selectors := 0
	parser.Inspect(q.expr, func(node parser.Node, _ []parser.Node) error {
		switch e := node.(type) {
		case *parser.VectorSelector:
			selectors++
		case *parser.Call:
			if strings.HasSuffix(e.Func.Name, "_over_time") && p == nil {
				p = q.failAt(e, "%s() takes in a whole window of a gauge, and a tick has one value: "+
					"write it by hand with indicator.sampled, without %s()", e.Func.Name, e.Func.Name)
			}
		case *parser.AggregateExpr:
			if e.Without && p == nil {
				p = q.failAt(e, "%s without leaves labels that only Prometheus knows: name those that are left, with by", e.Op)
			}
		}
		return nil
	})
	switch t := q.expr.Type(); {
	case p != nil:
		return p
	case part && selectors == 0:
		return q.fail(0, "a constant measures nothing")
	case t != parser.ValueTypeVector && t != parser.ValueTypeScalar:
		return q.fail(0, "a %s has no number at a time", parser.DocumentedType(t))
	}
	return nil
}

// groups are the labels that a query's outermost aggregations leave.
func (q *Query) groups() []string { return groupsOf(q.expr) }

func groupsOf(expr parser.Expr) []string {
	switch e := bare(expr).(type) {
	case *parser.AggregateExpr:
		return e.Grouping
	case *parser.BinaryExpr:
		if by := groupsOf(e.LHS); len(by) > 0 {
			return by
		}
		return groupsOf(e.RHS)
	case *parser.Call:
		for _, arg := range e.Args {
			if by := groupsOf(arg); len(by) > 0 {
				return by
			}
		}
	case *parser.UnaryExpr:
		return groupsOf(e.Expr)
	}
	return nil
}
