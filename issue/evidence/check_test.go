package evidence

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestQueriesOfAWindow has PromQL for each number. Prometheus can parse it, and there are links if
// its address is known.
func TestQueriesOfAWindow(t *testing.T) {
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	rule := alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute}
	for name, tc := range map[string]struct {
		indicator slo.Indicator
		want      string
	}{
		"ratio":     {slo.Indicator{Ratio: &slo.Ratio{Bad: `x_total{code="500"}`, Total: "x_total"}}, "Error ratio over 5 minutes, Events, Bad events, Budget spent, Burn rate over 5m"},
		"latency":   {slo.Indicator{Latency: &slo.Latency{Histogram: "h", Threshold: time.Second}}, "Error ratio over 5 minutes, Events, Bad events, Budget spent, Burn rate over 5m, p50, p95, p99"},
		"condition": {slo.Indicator{Bool: "up == 1"}, "As the SLO file has it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := alert.Window{Kind: alert.Burn, Rule: &rule, Onset: onset, Objective: slo.Objective{
				Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}, Indicator: tc.indicator,
			}}
			var names []string
			for _, q := range Queries(at("https://prometheus.example"))(w, onset.Add(20*time.Minute)) {
				names = append(names, q.What)
				if _, err := parser.NewParser(parser.Options{}).ParseExpr(q.PromQL); err != nil {
					t.Errorf("%s: %v", q.PromQL, err)
				}
				if !strings.HasPrefix(q.URL, "https://prometheus.example/graph?") || strings.Contains(q.URL, "end_input") {
					t.Errorf("while it goes on, the link is %s", q.URL)
				}
			}
			if got := strings.Join(names, ", "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			w.Ended = onset.Add(20 * time.Minute)
			if q := Queries(at("https://prometheus.example"))(w, w.Ended)[0]; !strings.Contains(q.URL, "end_input=2026-03-02+10%3A25%3A00") {
				t.Errorf("once it is over, the link is %s", q.URL)
			}
			if q := Queries(at(""))(w, w.Ended)[0]; q.URL != "" {
				t.Errorf("without an address, the link is %s", q.URL)
			}
		})
	}
}

// TestMostlyThere tells an alert that always fires from one that begins.
func TestMostlyThere(t *testing.T) {
	first := time.Unix(0, 0)
	l := &look{ticks: slo.Ticks{First: first, Last: first.Add(9 * time.Second), Interval: time.Second}}
	trace := func(text string) (trace slo.Trace) {
		for _, c := range text {
			v := math.NaN()
			if c == '1' {
				v = 1
			}
			trace.Values = append(trace.Values, v)
		}
		return trace
	}
	for text, want := range map[string]bool{"1111011111": true, "1101101111": true, "0000001111": false, "0010001111": false} {
		if got := l.isMostlyThere(trace(text), first.Add(6*time.Second)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// at is where people reach all sources.
func at(address string) func(string) string { return func(string) string { return address } }
