package prom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestNamesWithDots reads metrics and labels with the names that OpenTelemetry gives them.
func TestNamesWithDots(t *testing.T) {
	series := []string{
		`{"http.requests","service.name"="shop",code="200",job="a",instance="1"} 0+10x10`,
		`{"http.requests","service.name"="shop",code="500",job="a",instance="1"} 0+1x10`,
		`{"http.requests","service.name"="till",code="200",job="a",instance="2"} 90 90 90 4 4 4 4 4`,
		`{"http.requests","service.name"="till",code="500",job="a",instance="2"} _ _ _ _ 3 3 3 3`,
		`{"http.duration_bucket","service.name"="shop",le="0.5",job="a",instance="1"} 0+9x10`,
		`{"http.duration_bucket","service.name"="shop",le="1",job="a",instance="1"} 0+10x10`,
		`{"http.duration_bucket","service.name"="shop",le="+Inf",job="a",instance="1"} 0+10x10`,
		`{"http.duration_count","service.name"="shop",job="a",instance="1"} 0+10x10`,
		`{"queue.age","service.name"="shop"} 10x10`,
		`up{job="a",instance="1"} 1x10`, `up{job="a",instance="2"} 1x10`,
	}
	server := promtest.Start(t)
	if err := server.Load(zero, 15*time.Second, strings.Join(series, "\n")); err != nil {
		t.Fatal(err)
	}
	ratio := &slo.Ratio{Bad: `{"http.requests",code=~"5.."}`, Total: `{"http.requests"}`}
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		exclude   string
		want      []string
	}{
		{
			name: "a ratio", indicator: slo.Indicator{Ratio: ratio},
			want: []string{`{"service.name"="shop"}`, "1m0s: 22 bad 2", `{"service.name"="till"}`, "1m0s: 7 bad 3; reset 1 (4)"},
		},
		{
			name:      "a quoted matcher",
			indicator: slo.Indicator{Ratio: &slo.Ratio{Good: `{"http.requests","service.name"="shop",code="200"}`, Total: `{"http.requests","service.name"="shop"}`}},
			want:      []string{`{"service.name"="shop"}`, "1m0s: 22 bad 2"},
		},
		{
			name:      "a latency on a boundary",
			indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `{"http.duration","service.name"="shop"}`, Threshold: 500 * time.Millisecond}},
			want:      []string{`{"service.name"="shop"}`, "1m0s: 20 bad 2"},
		},
		{
			name:      "a latency between two boundaries",
			indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `{"http.duration"}`, Threshold: 750 * time.Millisecond}},
			want:      []string{`{"service.name"="shop"}`, "1m0s: 20 bad 1; interpolated 1 (2)"},
		},
		{
			name: "a bool", indicator: slo.Indicator{Bool: `max by ("service.name") ({"queue.age"}) < 60`},
			want: []string{`{"service.name"="shop"}`, "1m0s: 1 bad 0"},
		},
		{
			name: "planned work", indicator: slo.Indicator{Bool: `{"queue.age"} < 60`}, exclude: `{"queue.age","service.name"="shop"} == 10`,
			want: []string{`{"service.name"="shop"}`, "1m0s: 1 bad 0"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := slo.Objective{Name: "shop", Indicator: tc.indicator, Exclude: tc.exclude, GroupBy: []string{"service.name"}}
			ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(time.Minute), Interval: 30 * time.Second}
			reading := client(t, prom.Options{URL: server.URL()}).Read(t.Context(), []slo.Objective{o}, ticks)[0]
			if diff := cmp.Diff(tc.want, describe(t, reading)); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if tc.indicator.Latency != nil {
				c := client(t, prom.Options{URL: server.URL()})
				if q, err := c.Quantiles(t.Context(), o, reading.Series[0].Labels, ticks, 0.5); err != nil || len(q) != 1 {
					t.Errorf("quantiles %v, %v", q, err)
				}
			}
			if got, want := reading.Series[0].Samples[0].Excluded, tc.exclude != ""; got != want {
				t.Errorf("work is planned: %v, want %v", got, want)
			}
		})
	}
}
