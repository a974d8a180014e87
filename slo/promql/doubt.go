package promql

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// Doubts finds what is likely not meant in an indicator in which Check finds no problem: its text
// alone shows it. The order is Check's.
func Doubts(i slo.Indicator) []Problem {
	_, doubts := Examine(i)
	return doubts
}

// doubtsAbout is Doubts for an indicator whose fields are checked.
func doubtsAbout(i slo.Indicator, parts []part) (doubts []Problem) {
	switch {
	case i.Ratio != nil && len(parts) < 2:
		return nil // it has neither bad nor good events
	case i.Ratio != nil:
		doubts = ratioDoubts(parts[0], parts[len(parts)-1])
	case i.Bool != "":
		doubts = slices.Concat(neverFalse(parts[0]), emptyCounts(parts[0]))
	case i.Sampled != nil && i.Sampled.Bad != "":
		doubts = emptyCounts(parts[0])
	}
	for _, p := range parts {
		doubts = append(doubts, comparedAsText(p.field, selectorsOf(p.expr))...)
	}
	slices.SortStableFunc(doubts, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(fieldOrder(a.Field), fieldOrder(b.Field)), cmp.Compare(a.Offset, b.Offset))
	})
	return doubts
}

func fieldOrder(field string) int { return slices.Index([]string{"bad", "good", "total"}, field) }

// DoubtsIn finds what is likely not meant in any PromQL, such as a condition of `exclude` or a
// query of `evidence`.
func DoubtsIn(field, text string) []Problem { return comparedAsText(field, Selectors(text)) }

// comparedAsText finds patterns that are compared as text.
func comparedAsText(field string, selectors []*parser.VectorSelector) (doubts []Problem) {
	for _, s := range selectors {
		for _, m := range s.LabelMatchers {
			if meant, is := MeantAsPattern(m); is && IsPattern(m.Value) {
				doubts = append(doubts, Problem{field, int(s.PosRange.Start), fmt.Sprintf("%s is compared as text: a pattern is written %s", m, meant)})
			}
		}
	}
	return doubts
}

// Selectors returns the vector selectors of any PromQL, in the order of the text; none if it does
// not parse.
func Selectors(text string) []*parser.VectorSelector {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	expr, err := newParser().ParseExpr(text)
	if err != nil {
		return nil
	}
	return selectorsOf(expr)
}

func selectorsOf(expr parser.Expr) (all []*parser.VectorSelector) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, is := node.(*parser.VectorSelector); is {
			all = append(all, s)
		}
		return nil
	})
	return all
}

// MeantAsPattern returns the matcher with the same value as a pattern; ok is false if the matcher
// compares with a pattern already, or its value has nothing that only patterns have.
func MeantAsPattern(m *labels.Matcher) (meant *labels.Matcher, ok bool) {
	kind := labels.MatchRegexp
	switch {
	case m.Name == model.MetricNameLabel || !strings.ContainsAny(m.Value, "*+|[]") && !strings.Contains(m.Value, ".."):
		return nil, false
	case m.Type == labels.MatchNotEqual:
		kind = labels.MatchNotRegexp
	case m.Type != labels.MatchEqual:
		return nil, false
	}
	meant, err := labels.NewMatcher(kind, m.Name, m.Value)
	return meant, err == nil
}

// IsPattern reports whether a text is a pattern on any server: of HTTP status codes, such
// as 5.. and 500|503, of other values of a Family, such as GET|POST, or of everything.
func IsPattern(text string) bool {
	if text == ".*" || text == ".+" {
		return true
	}
	ways := strings.Split(text, "|")
	classes := slices.ContainsFunc(ways, isStatusClass)
	status := !slices.ContainsFunc(ways, func(way string) bool { return !isStatusClass(way) && !isStatus(way) })
	return status && (classes || len(ways) > 1) || len(ways) > 1 && familyOf(ways) != nil
}

// isStatusClass reports whether a text is a pattern like 5.. or [45][0-9]{2}.
func isStatusClass(text string) bool {
	head, rest, ok := text[:min(1, len(text))], text[min(1, len(text)):], true
	if strings.HasPrefix(text, "[") {
		head, rest, ok = strings.Cut(text[1:], "]")
	}
	tails := []string{"..", ".*", ".+", "[0-9]{2}", "[0-9][0-9]", "[0-9]+", "[0-9]*", `\d\d`, `\d{2}`, `\d+`}
	return ok && head != "" && strings.Trim(head, "12345-") == "" && slices.Contains(tails, rest)
}

func isStatus(text string) bool {
	code, err := strconv.Atoi(text)
	return err == nil && code >= 100 && code < 600
}

// neverFalse finds absent() where a condition needs a value that can be false.
func neverFalse(p part) []Problem {
	for _, side := range sides(p.expr) {
		if call, is := side.(*parser.Call); is && strings.HasPrefix(call.Func.Name, "absent") {
			return []Problem{{p.field, int(call.PosRange.Start), fmt.Sprintf("%s() is 1 or has no value, and no value is no data, never false: "+
				"compare a count, as in (count(%s) or vector(0)) > 0", call.Func.Name, (&checker{example: "up"}).firstSelector(call))}}
		}
	}
	return nil
}

// emptyCounts finds counts of what a comparison keeps, which have no value if that is nothing.
func emptyCounts(p part) []Problem {
	for _, side := range sides(p.expr) {
		a, is := side.(*parser.AggregateExpr)
		if !is || a.Op != parser.COUNT && a.Op != parser.SUM || len(a.Grouping) > 0 || a.Without {
			continue
		}
		if kept := comparison(a.Expr); kept != nil && !kept.ReturnBool && kept.LHS.Type() == parser.ValueTypeVector {
			return []Problem{{p.field, int(a.PosRange.Start), fmt.Sprintf("%s has no value where there is nothing to %s, and no value is no data: "+
				"give it a default, as in (%s or vector(0))", a, a.Op, a)}}
		}
	}
	return nil
}

// sides returns what an expression calculates with or compares, without parentheses: itself if it
// does neither.
func sides(expr parser.Expr) []parser.Expr {
	e, is := bare(expr).(*parser.BinaryExpr)
	switch {
	case !is:
		return []parser.Expr{bare(expr)}
	case e.Op.IsSetOperator():
		return nil
	}
	return append(sides(e.LHS), sides(e.RHS)...)
}
