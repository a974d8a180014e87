package promql_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

func TestShape(t *testing.T) {
	ratio := func(bad, good, total string) slo.Indicator {
		return slo.Indicator{Ratio: &slo.Ratio{Bad: bad, Good: good, Total: total}}
	}
	type shape struct {
		CountsBad, Latency bool
		Outcome, Fixed     []string
		Total, Part        string
	}
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		want      shape
	}{
		{"bad events by a label", ratio(`a{job="shop",code=~"5.."}`, "", `a{job="shop"}`), shape{
			CountsBad: true, Outcome: []string{"code"}, Fixed: []string{"__name__", "job"},
			Total: `present_over_time(a{job="shop"}[1h])`, Part: `present_over_time(a{code=~"5..",job="shop"}[1h])`,
		}},
		{"good events by one value", ratio("", `a{code="200"}`, `a`), shape{
			Outcome: []string{"code"}, Fixed: []string{"__name__", "code"},
			Total: `present_over_time(a[1h])`, Part: `present_over_time(a{code="200"}[1h])`,
		}},
		{"a metric of its own", ratio(`failed{z="1",b="2"}`, "", `all`), shape{
			CountsBad: true, Outcome: []string{"b", "z"}, Fixed: []string{"__name__", "b", "z"},
			Total: `present_over_time(all[1h])`, Part: `present_over_time(failed{b="2",z="1"}[1h])`,
		}},
		{"the same value twice", ratio(`a{code="5"} or b{code="5"}`, "", `a or b`), shape{
			CountsBad: true, Outcome: []string{"code"}, Fixed: []string{"code"},
			Total: `present_over_time(a[1h]) or present_over_time(b[1h])`,
			Part:  `present_over_time(a{code="5"}[1h]) or present_over_time(b{code="5"}[1h])`,
		}},
		{"two values of a label", ratio(`a{code="5"} or a{code="6"}`, "", `a`), shape{
			CountsBad: true, Outcome: []string{"code"}, Fixed: []string{"__name__"},
			Total: `present_over_time(a[1h])`, Part: `present_over_time(a{code="5"}[1h]) or present_over_time(a{code="6"}[1h])`,
		}},
		{"a value, and then all but one", ratio(`a{code="5"} or a{code!="6"}`, "", `a`), shape{
			CountsBad: true, Outcome: []string{"code"}, Fixed: []string{"__name__"},
			Total: `present_over_time(a[1h])`, Part: `present_over_time(a{code="5"}[1h]) or present_over_time(a{code!="6"}[1h])`,
		}},
		{"a sum, whose subtracted series say nothing", ratio(
			`requests_total{code=~"5.."} + (slow_count{job="shop"} - slow_bucket{job="shop",le="1"})`, "", `requests_total - probes_total{path="/health"}`,
		), shape{
			CountsBad: true, Outcome: []string{"code", "job"}, Fixed: []string{"job"},
			Total: `present_over_time(requests_total[1h])`,
			Part:  `present_over_time(requests_total{code=~"5.."}[1h]) or present_over_time(slow_count{job="shop"}[1h])`,
		}},
		{"a latency", slo.Indicator{Latency: &slo.Latency{Histogram: `d_seconds{job="shop"} or e_seconds`}}, shape{
			Latency: true,
			Total: `present_over_time(d_seconds_count{job="shop"}[1h]) or present_over_time(d_seconds{job="shop"}[1h])` +
				` or present_over_time(e_seconds_count[1h]) or present_over_time(e_seconds[1h])`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := promql.NewShape(slo.Objective{Indicator: tc.indicator})
			if err != nil {
				t.Fatal(err)
			}
			got := shape{s.CountsBad, s.Latency, s.Outcome, s.Fixed, s.TotalSeries(time.Hour), s.PartSeries(time.Hour)}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("shape (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoShape(t *testing.T) {
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		want      string
	}{
		{"a bool", slo.Indicator{Bool: "up == 1"}, "the indicator is neither a ratio nor a latency"},
		{"a wrong total", slo.Indicator{Ratio: &slo.Ratio{Bad: "a", Total: "rate(a[5m])"}}, "total: rate() is not needed: give the counter itself: a"},
		{"wrong bad events", slo.Indicator{Ratio: &slo.Ratio{Bad: "rate(a[5m])", Total: "a"}}, "bad: rate() is not needed: give the counter itself: a"},
		{"wrong good events", slo.Indicator{Ratio: &slo.Ratio{Good: "rate(a[5m])", Total: "a"}}, "good: rate() is not needed: give the counter itself: a"},
		{"a wrong histogram", slo.Indicator{Latency: &slo.Latency{Histogram: "a_count"}}, "histogram: a_count is a part of a histogram: give the histogram's own name, a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := promql.NewShape(slo.Objective{Indicator: tc.indicator}); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
