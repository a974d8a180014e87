package foreign

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// split returns the terms that are added, and those that are subtracted.
func split(terms []promql.Term) (plus, minus []promql.Term) {
	for _, t := range terms {
		if t.Minus {
			t.Minus = false
			minus = append(minus, t)
		} else {
			plus = append(plus, t)
		}
	}
	return plus, minus
}

// equal reports whether two lists have the same terms, in any order.
func equal(a, b []promql.Term) bool {
	texts := func(terms []promql.Term) (all []string) {
		for _, t := range terms {
			var selectors []string
			for _, s := range t.Selectors {
				selectors = append(selectors, canonical(s))
			}
			slices.Sort(selectors)
			all = append(all, strings.Join(selectors, " or "))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(texts(a), texts(b))
}

// canonical is a selector's text, the same for matchers in any order.
func canonical(s *parser.VectorSelector) string {
	texts := make([]string, len(s.LabelMatchers))
	for i, m := range s.LabelMatchers {
		texts[i] = m.String()
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ",")
}

// native writes terms as a field of counters: joined by `or` if no series can be in two of them,
// else by `+`, which counts it twice as well. Without a term that is added there is no such field.
func native(terms []promql.Term) (text string, ok bool) {
	plus, minus := split(terms)
	if len(plus) == 0 {
		return "", false
	}
	operator := " or "
	if len(minus) > 0 || overlap(plus) {
		operator = " + "
	}
	parts := make([]string, len(plus))
	for i, t := range plus {
		parts[i] = operand(t, operator == " + " && len(terms) > 1)
	}
	text = strings.Join(parts, operator)
	for _, t := range minus {
		text += " - " + operand(t, true)
	}
	return text, true
}

func operand(t promql.Term, grouped bool) string {
	parts := make([]string, len(t.Selectors))
	for i, s := range t.Selectors {
		parts[i] = promql.Text(s)
	}
	text := strings.Join(parts, " or ")
	if grouped && len(parts) > 1 {
		return "(" + text + ")"
	}
	return text
}

// mostCompared bounds how long the matchers of a query are compared, in bytes of values times bytes
// of expressions. Beyond it, terms count as if a series could be in two of them.
const mostCompared = 1 << 16

// overlap reports whether a series may be in two terms.
func overlap(terms []promql.Term) bool {
	left := mostCompared
	for i, t := range terms {
		for _, other := range terms[i+1:] {
			for _, s := range t.Selectors {
				if slices.ContainsFunc(other.Selectors, func(o *parser.VectorSelector) bool { return !disjoint(s, o, &left) }) {
					return true
				}
			}
		}
	}
	return false
}

// inverse are the opposites of matchers. (Matcher.Inverse compiles its expression each time.)
var inverse = map[labels.MatchType]labels.MatchType{
	labels.MatchEqual: labels.MatchNotEqual, labels.MatchNotEqual: labels.MatchEqual,
	labels.MatchRegexp: labels.MatchNotRegexp, labels.MatchNotRegexp: labels.MatchRegexp,
}

// disjoint reports whether it is sure that no series matches both selectors. It is not if that
// takes longer than what is left.
func disjoint(a, b *parser.VectorSelector, left *int) bool {
	for _, m := range a.LabelMatchers {
		for _, n := range b.LabelMatchers {
			if *left -= 1 + len(m.Value)*len(n.Value); m.Name != n.Name || *left < 0 {
				continue
			}
			isInverse := n.Type == inverse[m.Type] && n.Value == m.Value
			if isInverse || m.Type == labels.MatchEqual && !n.Matches(m.Value) || n.Type == labels.MatchEqual && !m.Matches(n.Value) {
				return true
			}
		}
	}
	return false
}

// without returns the matchers of a selector but those of one label.
func without(s *parser.VectorSelector, label string) *parser.VectorSelector {
	other := &parser.VectorSelector{Name: s.Name}
	for _, m := range s.LabelMatchers {
		if m.Name != label {
			other.LabelMatchers = append(other.LabelMatchers, m)
		}
	}
	return other
}

// bucketOf returns the boundary of the one bucket that a selector selects, however it is spelled.
func bucketOf(s *parser.VectorSelector) (le *labels.Matcher) {
	for _, m := range s.LabelMatchers {
		if m.Name == model.BucketLabel {
			if le != nil {
				return nil
			}
			le = m
		}
	}
	return le
}
