package prom_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestNumbersAgain has counters that are not a number for some scrapes, 15 s apart, under ticks of
// 30 s.
func TestNumbersAgain(t *testing.T) {
	const ok, failed, process, up = `http_requests_total{job="shop",instance="a",code="200"} `, `http_requests_total{job="shop",instance="a",code="500"} `,
		`process_start_time_seconds{job="shop",instance="a"} `, `up{job="shop",instance="a"} 1x400`
	ratio := slo.Indicator{Ratio: &shop}
	latency := slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 500 * time.Millisecond}}
	unix := func(after time.Duration) string { return fmt.Sprintf("%dx400", zero.Add(after).Unix()) }
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		groupBy   []string
		series    []string
		from, to  time.Duration
		want      []string
	}{
		{
			name: "a scrape between two ticks makes no difference", indicator: ratio,
			series: []string{ok + "0 10 20 NaN 40 50 60"}, from: time.Minute, to: 90 * time.Second,
			want: []string{"1m0s: 20 bad 0", "1m30s: 20 bad 0"},
		},
		{
			name: "the difference to the last scrape that had a number", indicator: ratio,
			series: []string{ok + "0 10 20 30 NaN 50 NaN NaN 80 90 100"}, from: time.Minute, to: 150 * time.Second,
			want: []string{"1m0s: 10 bad 0; not_a_number 1", "1m30s: 20 bad 0; not_a_number 1", "2m0s: 0 bad 0; late 1m15s-2m0s 30 bad 0; late 1 (30), not_a_number 1", "2m30s: 20 bad 0"},
		},
		{
			name: "one that was negative and one that was infinite", indicator: ratio,
			series: []string{ok + "0 10 20 30 -1 50 60", failed + "0 1 2 3 Inf 5 6"}, from: time.Minute, to: 90 * time.Second,
			want: []string{"1m0s: 11 bad 1; not_a_number 2", "1m30s: 33 bad 3"},
		},
		{
			name: "a series that ends with its first number", indicator: ratio,
			series: []string{ok + "0 10 20 30 NaN 50 stale"}, from: 90 * time.Second, to: 90 * time.Second,
			want: []string{"1m30s: 20 bad 0"},
		},
		{
			name: "a reset meanwhile", indicator: ratio,
			series: []string{ok + "0 100 200 300 NaN 5 15"}, from: 90 * time.Second, to: 90 * time.Second,
			want: []string{"1m30s: 15 bad 0; reset 1 (5)"},
		},
		{
			name: "a hidden reset meanwhile", indicator: ratio,
			series: []string{ok + "0 10 20 30 NaN 50 60", process + strings.Replace(unix(-time.Hour), "x400", "x4 ", 1) + unix(70*time.Second)},
			from:   90 * time.Second, to: 90 * time.Second,
			want: []string{"1m30s: 60 bad 0; reset 1 (40)"},
		},
		{
			name: "no number for more than an hour", indicator: ratio,
			series: []string{ok + "7x4 " + strings.Repeat("NaN ", 251) + "1000000 1000010 1000020", up, process + unix(-5*time.Hour)}, from: 64 * time.Minute, to: 64*time.Minute + 30*time.Second,
			want: []string{"1h4m0s: 0 bad 0; late 1m0s-1h4m0s 999993 bad 0; late 1 (1e+06), not_a_number 1", "1h4m30s: 20 bad 0"},
		},
		{
			name: "no number since the process started", indicator: ratio,
			series: []string{ok + "NaN NaN NaN NaN NaN 50 60", up, process + unix(-10*time.Second)}, from: time.Minute, to: 90 * time.Second,
			want: []string{"1m0s: blind; not_a_number 1", "1m30s: 60 bad 0"},
		},
		{
			name: "ticks that are no multiples of their interval", indicator: ratio,
			series: []string{ok + "0 10 20 30 NaN 50 60"}, from: 37 * time.Second, to: 97 * time.Second,
			want: []string{"37s: 20 bad 0", "1m7s: 10 bad 0; not_a_number 1", "1m37s: 30 bad 0"},
		},
		{
			name: "label sets", indicator: ratio, groupBy: []string{"code"},
			series: []string{ok + "0 10 20 30 NaN 50 60", failed + "0 1 2 3 4 5 6"}, from: 90 * time.Second, to: 90 * time.Second,
			want: []string{`{code="200"}`, "1m30s: 30 bad 0", `{code="500"}`, "1m30s: 2 bad 2"},
		},
		{
			name: "a histogram", indicator: latency,
			series: classic("a", "0.5", "0 9 18 27 NaN 45 54", "count", "0 10 20 30 NaN 50 60"), from: time.Minute, to: 90 * time.Second,
			want: []string{"1m0s: 10 bad 1; not_a_number 1", "1m30s: 30 bad 3"},
		},
		{
			name: "a histogram whose bucket was not a number", indicator: latency,
			series: classic("a", "0.5", "0 9 18 27 NaN 45 54", "count", "0 10 20 30 40 50 60"), from: time.Minute, to: 90 * time.Second,
			want: []string{"1m0s: 10 bad 1; not_a_number 1", "1m30s: 30 bad 3"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 15*time.Second, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Name: "shop", Indicator: tc.indicator, GroupBy: tc.groupBy}
			c := client(t, prom.Options{URL: server.URL()})
			ticks := slo.Ticks{First: zero.Add(tc.from), Last: zero.Add(tc.to), Interval: 30 * time.Second}
			if diff := cmp.Diff(tc.want, describe(t, c.Read(t.Context(), []slo.Objective{o}, ticks)[0])); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			checkInstants(t, c, o, slo.Ticks{First: ticks.First, Last: ticks.Last.Add(2 * ticks.Interval), Interval: ticks.Interval})
		})
	}
}

// TestNumbersAgainAskLittle has a counter that is not a number for good: its past is not read with
// every tick.
func TestNumbersAgainAskLittle(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(zero, 15*time.Second, `http_requests_total{job="shop",instance="a",code="200"} `+strings.Repeat("NaN ", 400)); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	at := zero.Add(time.Hour)
	c.Read(t.Context(), []slo.Objective{{Indicator: slo.Indicator{Ratio: &shop}}}, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})
	if queries, samples := server.Asked(); queries != 4 || samples > 60 {
		t.Errorf("%d queries that read %d samples, want those of the sums, the starts, and the raw samples of the series and of its target", queries, samples)
	}
}
