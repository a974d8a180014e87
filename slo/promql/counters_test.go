package promql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
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

// TestShapeOfASum has bad events that are a sum: the series that are subtracted are none of them.
func TestShapeOfASum(t *testing.T) {
	s, err := promql.NewShape(slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{
		Bad:   `requests_total{code=~"5.."} + (slow_count{job="shop"} - slow_bucket{job="shop",le="1"})`,
		Total: `requests_total - probes_total{path="/health"}`,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{"counts bad": s.CountsBad, "outcome": s.Outcome, "fixed": s.Fixed, "total": s.TotalSeries(time.Hour), "part": s.PartSeries(time.Hour)}
	want := map[string]any{
		"counts bad": true, "outcome": []string{"code", "job"}, "fixed": []string{"job"},
		"total": `present_over_time(requests_total[1h])`,
		"part":  `present_over_time(requests_total{code=~"5.."}[1h]) or present_over_time(slow_count{job="shop"}[1h])`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shape (-want +got):\n%s", diff)
	}
}
