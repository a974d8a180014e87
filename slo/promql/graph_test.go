package promql_test

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

func TestGraph(t *testing.T) {
	for name, tc := range map[string]struct {
		indicator slo.Indicator
		labels    slo.Labels
		want      string
	}{
		"bad": {
			indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `http_requests_total{code=~"5.."}`, Total: `http_requests_total`}},
			want:      `sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))`,
		},
		"good of a label set": {
			indicator: slo.Indicator{Ratio: &slo.Ratio{Good: `x_total{ok="1"}`, Total: `x_total`}}, labels: `{zone="a\"b"}`,
			want: `1 - sum(rate(x_total{ok="1",zone="a\"b"}[5m])) / sum(rate(x_total{zone="a\"b"}[5m]))`,
		},
		"a sum": {
			indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `a_total + (b_total or c_total)`, Total: `d_total - e_total`}},
			want:      `(sum(rate(a_total[5m])) + sum(rate(b_total[5m]) or rate(c_total[5m]))) / (sum(rate(d_total[5m])) - sum(rate(e_total[5m])))`,
		},
		"latency": {
			indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `h_seconds{job="a"}`, Threshold: 300 * time.Millisecond}},
			want:      `1 - sum(rate(h_seconds_bucket{job="a",le="0.3"}[5m])) / sum(rate(h_seconds_count{job="a"}[5m]))`,
		},
		"a whole number of milliseconds": {
			indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `h`, Threshold: time.Second, Unit: time.Millisecond}},
			want:      `1 - sum(rate(h_bucket{le=~"1000(\\.0)?"}[5m])) / sum(rate(h_count[5m]))`,
		},
		"sampled":   {indicator: slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: `job:errors:ratio5m`}}, want: `job:errors:ratio5m`},
		"amounts":   {indicator: slo.Indicator{Sampled: &slo.Sampled{Bad: `a`, Total: `b`}}, want: `sum(a) / sum(b)`},
		"condition": {indicator: slo.Indicator{Bool: `probe_success == 1`}, want: `probe_success == 1`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := promql.Graph(slo.Objective{Indicator: tc.indicator}, tc.labels)
			if err != nil || got != tc.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tc.want)
			}
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(got); err != nil {
				t.Errorf("%s: %v", got, err)
			}
		})
	}
	if got, err := promql.Graph(slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `rate(`, Total: `a_total`}}}, ""); err == nil {
		t.Errorf("an invalid field gives %s", got)
	}
}

func TestQuantileQuery(t *testing.T) {
	got, err := promql.Quantile(0.99, slo.Latency{Histogram: `h_seconds{job="a"}`}, `{zone="b"}`)
	if want := `histogram_quantile(0.99, sum by (le) (rate(h_seconds_bucket{job="a",zone="b"}[5m])))`; err != nil || got != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestQueriesOfATime(t *testing.T) {
	end := time.Date(2026, 3, 2, 10, 32, 0, 0, time.UTC)
	ratio := slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `x_total{code="500"}`, Total: `x_total`}}}
	good := slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Good: `x_total{ok="1"}`, Total: `x_total`}}}
	latency := slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `h`, Threshold: time.Second / 2}}}
	for name, tc := range map[string]struct {
		o          slo.Objective
		bad, total string
	}{
		"bad":       {ratio, `sum(increase(x_total{code="500",zone="a"}[36m] @ 1772447520))`, `sum(increase(x_total{zone="a"}[36m] @ 1772447520))`},
		"good":      {good, `sum(increase(x_total{zone="a"}[36m] @ 1772447520)) - sum(increase(x_total{ok="1",zone="a"}[36m] @ 1772447520))`, `sum(increase(x_total{zone="a"}[36m] @ 1772447520))`},
		"latency":   {latency, `sum(increase(h_count{zone="a"}[36m] @ 1772447520)) - sum(increase(h_bucket{le="0.5",zone="a"}[36m] @ 1772447520))`, `sum(increase(h_count{zone="a"}[36m] @ 1772447520))`},
		"condition": {slo.Objective{Indicator: slo.Indicator{Bool: "up"}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad, total, err := promql.Counted(36*time.Minute, end, tc.o, `{zone="a"}`)
			if err != nil || bad != tc.bad || total != tc.total {
				t.Errorf("%v\n%s\n%s", err, bad, total)
			}
			for _, query := range []string{bad, total} {
				if _, err := parser.NewParser(parser.Options{}).ParseExpr(query); query != "" && err != nil {
					t.Errorf("%s: %v", query, err)
				}
			}
		})
	}
	got, err := promql.RatioOver(time.Hour, ratio, "")
	if want := `sum(rate(x_total{code="500"}[1h])) / sum(rate(x_total[1h]))`; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	got, err = promql.QuantileOver(time.Hour, end, 0.5, *latency.Indicator.Latency, "")
	if want := `histogram_quantile(0.5, sum by (le) (rate(h_bucket[1h] @ 1772447520)))`; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}
