package promql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

func TestTerms(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"a selector", `a`, []string{"+ a"}},
		{"or is one term", `a or (b or c)`, []string{"+ a or b or c"}},
		{"a sum", `a + b - c`, []string{"+ a", "+ b", "- c"}},
		{"a difference that is subtracted", `a - (b - c)`, []string{"+ a", "- b", "+ c"}},
		{"differences inside of each other", `a - ((b or c) - (d - (e + f)))`, []string{"+ a", "- b or c", "+ d", "- e", "- f"}},
		{"slow or failed", `requests_total{code=~"5.."} + (slow_count - slow_bucket{le="1"})`, []string{`+ requests_total{code=~"5.."}`, "+ slow_count", `- slow_bucket{le="1"}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			terms, err := promql.Counters("bad", tc.text)
			var got []string
			for _, term := range terms {
				sign := "+ "
				if term.Minus {
					sign = "- "
				}
				var selectors []string
				for _, s := range term.Selectors {
					selectors = append(selectors, promql.Text(s))
				}
				got = append(got, sign+strings.Join(selectors, " or "))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("error %v, terms (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestSelectors(t *testing.T) {
	for _, tc := range []struct {
		name, text               string
		wantName, bare, narrowed string
		renamed                  string
	}{
		{"a bare name", `a`, "a", `a`, `a{x="y"}`, `b`},
		{"matchers and modifiers", `a{job="shop"} offset 5m @ end()`, "a", `a{job="shop"}`, `a{job="shop",x="y"}`, `b{job="shop"}`},
		{"a name as a matcher", `{__name__="a",job="shop"}`, "a", `{__name__="a",job="shop"}`, `{__name__="a",job="shop",x="y"}`, `{__name__="b",job="shop"}`},
		{"a pattern of names", `{__name__=~"a.*"}`, "", `{__name__=~"a.*"}`, `{__name__=~"a.*",x="y"}`, `{__name__="b"}`},
		{"two names", `{__name__="a",__name__="c"}`, "", `{__name__="a",__name__="c"}`, `{__name__="a",__name__="c",x="y"}`, `{__name__="b"}`},
		{"no name", `{job="shop"}`, "", `{job="shop"}`, `{job="shop",x="y"}`, `{__name__="b",job="shop"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			s := expr.(*parser.VectorSelector)
			more := labels.MustNewMatcher(labels.MatchEqual, "x", "y")
			got := []string{promql.Name(s), promql.Text(s, more), promql.Text(promql.Renamed(s, "b")), promql.Text(s)}
			if diff := cmp.Diff([]string{tc.wantName, tc.narrowed, tc.renamed, tc.bare}, got); diff != "" {
				t.Errorf("name, narrowed, renamed and bare (-want +got):\n%s", diff)
			}
		})
	}
}
