// Package promql reads the PromQL of an indicator with Prometheus' own parser: it says what is wrong with it, builds the queries that
// count the indicator's events tick by tick, and counts what they answer. It talks to no server; package prom does.
package promql

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// Problem is something that is wrong with the PromQL of an indicator.
type Problem struct {
	Field  string // "bad", "good", "total", "histogram", "bool", "error_ratio" or "exclude"
	Offset int    // where in the field's text, in bytes from 0
	Text   string // what is wrong, and what would be right; without position
}

// Examples to name where the text holds none.
const (
	example          = `http_requests_total{job="shop"}`
	exampleHistogram = `http_request_duration_seconds{job="shop"}`
	exampleCondition = "max(queue_length) < 100"
)

// gaugeSuffixes are the ends of names by which gauges are known.
var gaugeSuffixes = [...]string{"_bytes", "_celsius", "_created", "_info", "_percent", "_ratio", "_seconds"}

// Check finds what is wrong with an indicator's PromQL, ordered as the fields are in Problem, then by offset. Fields that are empty
// are not looked at, but for a ratio's total.
func Check(i slo.Indicator) []Problem {
	var c checker
	switch {
	case i.Ratio != nil:
		if i.Ratio.Bad != "" {
			c.counters("bad", i.Ratio.Bad)
		}
		if i.Ratio.Good != "" {
			c.counters("good", i.Ratio.Good)
		}
		c.counters("total", i.Ratio.Total)
	case i.Latency != nil:
		c.histogram(i.Latency.Histogram)
	case i.Bool != "":
		c.boolean("bool", i.Bool)
	case i.Sampled != nil:
		return checkSampled(*i.Sampled)
	}
	return c.problems
}

// CheckExclude finds what is wrong with the PromQL of an objective's `exclude`.
func CheckExclude(text string) []Problem {
	var c checker
	c.boolean("exclude", text)
	return c.problems
}

// checker collects problems, and the selectors of the field that it looks at.
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

// counters looks at a field of counters, and returns the terms that it adds and subtracts. The first
// one is never subtracted.
func (c *checker) counters(field, text string) (terms []term) {
	c.field, c.noun, c.example, c.summed = field, "counter", example, true
	if expr := c.parse(text); expr != nil {
		terms = c.sum(expr, false)
		for _, t := range terms {
			for _, s := range t.selectors {
				if name := c.name(s); name != "" {
					c.counterName(s, name)
				}
			}
		}
	}
	c.sort()
	return terms
}

// histogram looks at a latency's histogram.
func (c *checker) histogram(text string) {
	c.field, c.noun, c.example, c.summed = "histogram", "histogram", exampleHistogram, false
	if expr := c.parse(text); expr != nil {
		c.joined(expr)
		for _, s := range c.selectors {
			name := c.name(s)
			for _, part := range []string{"_bucket", "_count", "_sum"} {
				if base, is := strings.CutSuffix(name, part); is {
					c.add(int(s.PosRange.Start), "%s is a part of a histogram: give the histogram's own name, %s", name, base)
				}
			}
			if strings.Contains(name, ":") {
				c.recordingRule(s, name)
			}
			if slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == model.BucketLabel }) {
				c.add(int(s.PosRange.Start), "le has no place here: the threshold says which bucket is meant")
			}
		}
	}
	c.sort()
}

// boolean looks at a field that is true or false: any PromQL that is a vector or a number. It returns nil where there is a problem.
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

// bare is an expression without the parentheses around it.
func bare(expr parser.Expr) parser.Expr {
	for {
		p, is := expr.(*parser.ParenExpr)
		if !is {
			return expr
		}
		expr = p.Expr
	}
}

// parse is the field's expression, or nil where it has none.
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

// newParser accepts all of PromQL's extensions, so that those which do not belong here are named and not called a mistake of syntax.
func newParser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	})
}

// joined takes an expression apart into its selectors; it may be one or several joined by `or`.
func (c *checker) joined(expr parser.Expr) {
	at := int(expr.PositionRange().Start)
	switch e := expr.(type) {
	case *parser.ParenExpr:
		c.joined(e.Expr)
	case *parser.VectorSelector:
		c.selectors = append(c.selectors, e)
		c.modifiers(e)
	case *parser.MatrixSelector:
		c.add(at, "a range is not needed: give the %s itself: %s", c.noun, c.firstSelector(expr))
	case *parser.SubqueryExpr:
		c.add(at, "a subquery is not needed: give the %s itself: %s", c.noun, c.firstSelector(expr))
	case *parser.Call:
		c.add(at, "%s() is not needed: give the %s itself: %s", e.Func.Name, c.noun, c.firstSelector(expr))
	case *parser.AggregateExpr:
		c.add(at, "%s() is not needed: all series are counted together; give the %s itself: %s", e.Op, c.noun, c.firstSelector(expr))
	case *parser.BinaryExpr:
		if e.Op != parser.LOR {
			c.operator(at, e.Op)
			return
		}
		if m := e.VectorMatching; m != nil && (m.On || len(m.MatchingLabels) > 0) {
			c.add(at, "on() and ignoring() have no place here: join %ss by or alone", c.noun)
		}
		c.joined(e.LHS)
		c.joined(e.RHS)
	case *parser.UnaryExpr:
		if c.summed && e.Op == parser.SUB {
			c.add(at, "a minus needs a %s in front to subtract from: name that first, as in all_total - %s", c.noun, c.firstSelector(expr))
			return
		}
		c.add(at, "this is no %s: give a vector selector, such as %s", c.noun, c.firstSelector(expr))
	default:
		c.add(at, "this is no %s: give a vector selector, such as %s", c.noun, c.firstSelector(expr))
	}
}

// operator refuses one that does not join selectors.
func (c *checker) operator(at int, op parser.ItemType) {
	switch {
	case !c.summed:
		c.add(at, "%s has no place between %ss: several are joined by or", op, c.noun)
	case op == parser.ADD || op == parser.SUB:
		c.add(at, "%s has no place inside or, which it binds closer than: put parentheses around the or, as in (a_total or b_total) %s c_total", op, op)
	default:
		c.add(at, "%s has no place between %ss: they are joined by or, + and -", op, c.noun)
	}
}

// modifiers refuses what moves or changes a selector's values in time.
func (c *checker) modifiers(s *parser.VectorSelector) {
	at, right := int(s.PosRange.Start), plain(s)
	if s.OriginalOffset != 0 || s.OriginalOffsetExpr != nil {
		c.add(at, "offset has no place here: the %s is read at each tick; give %s", c.noun, right)
	}
	if s.Timestamp != nil || s.StartOrEnd != 0 {
		c.add(at, "@ has no place here: the %s is read at each tick; give %s", c.noun, right)
	}
	if s.Anchored || s.Smoothed {
		c.add(at, "anchored and smoothed have no place here: give %s", right)
	}
}

// name is the metric's name that a selector demands; it is empty, and a problem, where the selector does not demand one.
func (c *checker) name(s *parser.VectorSelector) string {
	name := metricName(s)
	if name == "" {
		c.add(int(s.PosRange.Start), "the selector must name its metric: give a %s, such as %s", c.noun, c.example)
	}
	return name
}

// counterName refuses names that are no counter's.
func (c *checker) counterName(s *parser.VectorSelector, name string) {
	if strings.Contains(name, ":") {
		c.recordingRule(s, name)
		return
	}
	gauge := name == "up" || slices.ContainsFunc(gaugeSuffixes[:], func(end string) bool { return strings.HasSuffix(name, end) })
	if gauge {
		c.add(int(s.PosRange.Start), "%s is a gauge by its name: give a counter, such as %s", name, example)
	}
}

func (c *checker) recordingRule(s *parser.VectorSelector, name string) {
	c.add(int(s.PosRange.Start), "%s is a recording rule by its name (it has a colon): give the %s that it is made of, such as %s", name, c.noun, c.example)
}

// sort orders the problems of the field that was looked at last.
func (c *checker) sort() {
	from := slices.IndexFunc(c.problems, func(p Problem) bool { return p.Field == c.field })
	if from >= 0 {
		slices.SortStableFunc(c.problems[from:], func(a, b Problem) int { return cmp.Compare(a.Offset, b.Offset) })
	}
}

// metricName is the name that a selector demands by equality, or empty.
func metricName(s *parser.VectorSelector) string {
	name := ""
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel {
			continue
		}
		if m.Type != labels.MatchEqual || name != "" {
			return ""
		}
		name = m.Value
	}
	return name
}

// firstSelector is the text of the first selector inside an expression, bare of all modifiers, or an example.
func (c *checker) firstSelector(expr parser.Expr) string {
	found := c.example
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, is := node.(*parser.VectorSelector); is && found == c.example {
			found = plain(s)
		}
		return nil
	})
	return found
}

// plain is the text of a selector with more matchers, and bare of all modifiers.
func plain(s *parser.VectorSelector, more ...*labels.Matcher) string {
	bare := parser.VectorSelector{Name: s.Name, LabelMatchers: append(slices.Clip(s.LabelMatchers), more...)}
	return bare.String()
}
