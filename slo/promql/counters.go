package promql

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Term is one operand of a field of counters, which is a sum: `a + (b or c) - d` has three.
type Term struct {
	Selectors []*parser.VectorSelector // joined by `or`: series of one metric count once
	Minus     bool                     // its events are subtracted
}

// Counters takes a field of counters apart into the terms that it adds and subtracts. The first one
// is never subtracted. It returns the first problem that Check finds.
func Counters(field, text string) ([]Term, error) {
	var c checker
	_, terms := c.counters(field, text)
	return terms, c.err()
}

// Histograms takes a latency's histogram apart. It returns the first problem that Check finds.
func Histograms(text string) ([]*parser.VectorSelector, error) {
	var c checker
	c.histogram(text)
	return c.selectors, c.err()
}

// gaugeSuffixes are the endings of gauges' names.
var gaugeSuffixes = [...]string{"_bytes", "_celsius", "_created", "_info", "_percent", "_ratio", "_seconds"}

// counters checks a field of counters and returns its expression, taken apart into its terms.
func (c *checker) counters(field, text string) (expr parser.Expr, terms []Term) {
	c.field, c.noun, c.example, c.summed = field, "counter", example, true
	if expr = c.parse(text); expr != nil {
		terms = c.sum(expr, false)
		for _, t := range terms {
			for _, s := range t.Selectors {
				if name := c.name(s); name != "" {
					c.counterName(s, name)
				}
			}
		}
	}
	c.sort()
	return expr, terms
}

// sum takes a sum apart into its terms. minus is whether the sum itself is subtracted, so that
// `a - (b - c)` is a, minus b, plus c.
func (c *checker) sum(expr parser.Expr, minus bool) []Term {
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
	return []Term{{c.selectors, minus}}
}

// histogram checks a latency's histogram and returns its expression.
func (c *checker) histogram(text string) (expr parser.Expr) {
	c.field, c.noun, c.example, c.summed = "histogram", "histogram", exampleHistogram, false
	if expr = c.parse(text); expr != nil {
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
	return expr
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

// operator refuses an operator that does not join selectors.
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
	at, right := int(s.PosRange.Start), Text(s)
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

// name returns the metric's name that a selector demands. If it demands none, it returns "" and
// adds a problem.
func (c *checker) name(s *parser.VectorSelector) string {
	name := Name(s)
	if name == "" {
		c.add(int(s.PosRange.Start), "the selector must name its metric: give a %s, such as %s", c.noun, c.example)
	}
	return name
}

// counterName refuses a name that no counter has.
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

// firstSelector returns the text of an expression's first selector without modifiers, or an
// example.
func (c *checker) firstSelector(expr parser.Expr) string {
	found := c.example
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, is := node.(*parser.VectorSelector); is && found == c.example {
			found = Text(s)
		}
		return nil
	})
	return found
}

// Name returns the name that a selector demands by equality, or "".
func Name(s *parser.VectorSelector) string {
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

// Text returns a selector's text with more matchers and without modifiers.
func Text(s *parser.VectorSelector, more ...*labels.Matcher) string {
	bare := parser.VectorSelector{Name: s.Name, LabelMatchers: append(slices.Clip(s.LabelMatchers), more...)}
	return bare.String()
}

// Renamed returns the selector for another metric.
func Renamed(s *parser.VectorSelector, name string) *parser.VectorSelector {
	others := slices.DeleteFunc(slices.Clone(s.LabelMatchers), func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel })
	other := &parser.VectorSelector{LabelMatchers: append(others, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name))}
	if s.Name != "" {
		other.Name = name
	}
	return other
}
