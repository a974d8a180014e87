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

// latencyCase is what a latency objective of the histogram d_seconds reads, at ticks of 30 s.
type latencyCase struct {
	name      string
	histogram string        // d_seconds
	threshold time.Duration // 500 ms
	unit      time.Duration
	groupBy   []string
	series    []string // in steps of 15 s
	from, to  time.Duration
	want      []string
}

func (tc latencyCase) run(t *testing.T) {
	t.Helper()
	server := promtest.Start(t)
	if err := server.Load(zero, 15*time.Second, strings.Join(tc.series, "\n")); err != nil {
		t.Fatal(err)
	}
	if tc.histogram == "" {
		tc.histogram = "d_seconds"
	}
	if tc.threshold == 0 {
		tc.threshold = 500 * time.Millisecond
	}
	o := slo.Objective{
		Name: "shop", GroupBy: tc.groupBy,
		Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: tc.histogram, Threshold: tc.threshold, Unit: tc.unit}},
	}
	c := client(t, prom.Options{URL: server.URL()})
	ticks := slo.Ticks{First: zero.Add(tc.from), Last: zero.Add(tc.to), Interval: 30 * time.Second}
	if diff := cmp.Diff(tc.want, describe(t, c.Read(t.Context(), []slo.Objective{o}, ticks)[0])); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	checkInstants(t, c, o, slo.Ticks{First: ticks.First, Last: ticks.Last.Add(5 * ticks.Interval), Interval: ticks.Interval})
}

// classic returns the series of one target's histogram: pairs of a bucket's le, or count, and its
// values.
func classic(instance string, parts ...string) (series []string) {
	for i := 0; i+1 < len(parts); i += 2 {
		if parts[i] == "count" {
			series = append(series, fmt.Sprintf(`d_seconds_count{job="shop",instance=%q} %s`, instance, parts[i+1]))
		} else {
			series = append(series, fmt.Sprintf(`d_seconds_bucket{job="shop",instance=%q,le=%q} %s`, instance, parts[i], parts[i+1]))
		}
	}
	return series
}

func all(series ...[]string) (joined []string) {
	for _, s := range series {
		joined = append(joined, s...)
	}
	return joined
}

func TestClassicLatency(t *testing.T) {
	const up, process = `up{job="shop",instance="a"} `, `process_start_time_seconds{job="shop",instance="a"} `
	unix := func(after time.Duration) string { return fmt.Sprintf("%d", zero.Add(after).Unix()) }
	for _, tc := range []latencyCase{
		{
			name:   "the threshold's bucket is good, the rest of the count is bad",
			series: classic("a", "0.1", "0+5x20", "0.5", "0+9x20", "1", "0+10x20", "+Inf", "0+10x20", "count", "0+10x20"),
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 20 bad 2", "1m30s: 20 bad 2"},
		},
		{
			name: "milliseconds", unit: time.Millisecond,
			series: classic("a", "100", "0+5x20", "500", "0+9x20", "count", "0+10x20"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 2"},
		},
		{
			name:   "one series a label set",
			series: []string{`d_seconds_count{zone="x"} 0+10x20`, `d_seconds_bucket{zone="x",le="0.5"} 0+9x20`, `d_seconds_count{zone="y"} 0+5x20`, `d_seconds_bucket{zone="y",le="0.5"} 0+5x20`},
			from:   60 * time.Second, to: 60 * time.Second, groupBy: []string{"zone"},
			want: []string{`{zone="x"}`, "1m0s: 20 bad 2", `{zone="y"}`, "1m0s: 10 bad 0"},
		},
		{
			name:      "two histograms joined by or",
			histogram: `d_seconds or e_seconds{job="shop"}`,
			series: all(classic("a", "0.5", "0+9x20", "count", "0+10x20"),
				[]string{`e_seconds_count{job="shop",instance="a"} 0+4x20`, `e_seconds_bucket{job="shop",instance="a",le="0.5"} 0+1x20`}),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 28 bad 8"},
		},
		{
			name:   "an upgrade that spells the boundary otherwise counts nothing twice and loses nothing",
			series: classic("a", "5e-1", "0+9x5 stale", "0.50", "_x6 54+9x10", "count", "0+10x20"),
			from:   60 * time.Second, to: 120 * time.Second,
			want: []string{"1m0s: 20 bad 2", "1m30s: 20 bad 2", "2m0s: 20 bad 2"},
		},
		{
			name:   "an upgrade that leaves the old spelling behind without a stale marker",
			series: classic("a", "5e-1", "0+9x5", "0.50", "_x6 54+9x40", "count", "0+10x50"),
			from:   60 * time.Second, to: 120 * time.Second,
			want: []string{"1m0s: 20 bad 2", "1m30s: 20 bad 2", "2m0s: 20 bad 2"},
		},
		{
			name: "a target without any bucket above the threshold is left out",
			series: all(classic("a", "0.5", "0+9x20", "count", "0+10x20"),
				classic("b", "0.1", "0+3x20", "0.25", "0+5x20", "+Inf", "0+7x20", "count", "0+7x20")),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 2; no_bucket 1 (14)"},
		},
		{
			name:   "nothing that can be counted is blind",
			series: classic("b", "0.1", "0+3x20", "+Inf", "0+7x20", "count", "0+7x20"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: blind; no_bucket 1 (14)"},
		},
		{
			name: "between two buckets the events are split evenly",
			series: all(classic("a", "0.25", "0+2x20", "0.5", "0+9x20", "1", "0+10x20", "count", "0+10x20"),
				classic("b", "0.25", "0+2x20", "1", "0+8x20", "2.5", "0+9x20", "count", "0+10x20")),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 14; interpolated 1 (12)"}, // b: 4 + 12 / 3 good
		},
		{
			name:   "in the first bucket the events are split from 0 on",
			series: classic("b", "1.0", "0+8x20", "2.5", "0+9x20", "count", "0+10x20"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 12; interpolated 1 (16)"},
		},
		{
			name: "each target has its own narrowest boundaries",
			series: all(classic("a", "0.25", "0+2x20", "1", "0+8x20", "count", "0+10x20"),
				classic("b", "0.25", "0+2x20", "0.4", "0+4x20", "0.6", "0+6x20", "1", "0+8x20", "count", "0+10x20"),
				classic("c", "1", "0+8x20", "count", "0+10x20")),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 60 bad 34; interpolated 3 (32)"}, // good 8, 10 and 8
		},
		{
			name:      "a boundary that was computed is the threshold",
			threshold: 300 * time.Millisecond,
			series:    classic("a", "0.2", "0+3x20", "0.30000000000000004", "0+9x20", "count", "0+10x20"),
			from:      60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 2"},
		},
		{
			name:      "a boundary that was computed is not estimated where others are",
			threshold: 300 * time.Millisecond,
			series: all(classic("a", "0.2", "0+3x20", "0.30000000000000004", "0+9x20", "0.4", "0+10x20", "count", "0+10x20"),
				classic("b", "0.2", "0+2x20", "0.4", "0+8x20", "count", "0+10x20")),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 12; interpolated 1 (12)"},
		},
		{
			name:   "a target between two buckets that ends counts to its last scrape",
			series: classic("b", "0.25", "0 2 4 6 stale", "1", "0 8 16 24 stale", "count", "0 10 20 30 stale"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 10 bad 6; interpolated 1 (6)"}, // 2 + 6 / 3 good
		},
		{
			name:   "a reset is one of both parts",
			series: classic("a", "0.5", "5 5 5 8 18", "count", "1000 1010 1020 8 18"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 18 bad 0; reset 1 (8)"},
		},
		{
			name:   "what was scraped before a reset in its tick counts, where it shows in both parts",
			series: classic("a", "0.5", "80 90 100 109 5 14 3 33", "count", "100 110 120 130 8 18 4 40"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 18 bad 4; reset 1 (8)"},
		},
		{
			name:   "a dip of the count is one of both parts",
			series: classic("a", "0.5", "4 4 4 3 3 5 5", "count", "1000000 1000005 1000010 1000000 1000005 1000010 1000015"),
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 0 bad 0; dip 1 (5)", "1m30s: 10 bad 8"},
		},
		{
			name:   "good events that fell alone are no reset",
			series: classic("a", "0.5", "900 900 900 700 700", "count", "1000 1000 1000 1010 1010"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0; dip 1 (200)"},
		},
		{
			name:   "NaN is dropped with both parts",
			series: all(classic("a", "0.5", "0 9 18 27 NaN", "count", "0+10x8"), classic("b", "0.5", "0+9x8", "count", "0+10x8")),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 30 bad 3; not_a_number 1"},
		},
		{
			name:   "the first event makes the series",
			series: all([]string{up + "1x20"}, classic("a", "0.5", "_ _ _ 2 3", "count", "_ _ _ 3 4")),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 4 bad 1"},
		},
		{
			name:   "a new pod counts since its process started",
			series: all([]string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(10*time.Second) + "x10"}, classic("a", "0.5", "_ _ _ _ 40+9x10", "count", "_ _ _ _ 50+10x10")),
			from:   30 * time.Second, to: 90 * time.Second,
			want: []string{"30s: blind", "1m0s: 0 bad 0; late 10s-1m0s 50 bad 10", "1m30s: 20 bad 2"},
		},
		{
			name:   "a long-running target that is first seen begins at its value",
			series: all([]string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(-3*time.Hour) + "x10"}, classic("a", "0.5", "_ _ _ _ 40+9x10", "count", "_ _ _ _ 50+10x10")),
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 0 bad 0; baseline 1 (50)", "1m30s: 20 bad 2"},
		},
		{
			name:   "what was counted in a gap is late",
			series: all([]string{up + "1x7 0x8 1x8"}, classic("a", "0.5", "0+9x7 stale _x7 144+9x8", "count", "0+10x7 stale _x7 160+10x8")),
			from:   240 * time.Second, to: 240 * time.Second,
			want: []string{"4m0s: 0 bad 0; late 1m45s-4m0s 90 bad 9; late 1 (90)"},
		},
		{
			name: "a target that restarted in a gap counts since then, in both parts",
			series: all([]string{up + "1x7 0x8 1x8", process + unix(-time.Hour) + "x7 _x8 " + unix(3*time.Minute) + "x8"},
				classic("a", "0.5", "5+0x7 stale _x7 20+9x8", "count", "500+10x7 stale _x7 30+10x8")),
			from: 240 * time.Second, to: 240 * time.Second,
			want: []string{"4m0s: 0 bad 0; late 3m0s-4m0s 30 bad 10; late 1 (30), reset 1 (45.45)"},
		},
		{
			name:   "a bucket that appears beside a running count begins at its value",
			series: all([]string{up + "1x20"}, classic("a", "0.5", "_ _ _ 900 909 918 927 936", "count", "1000+10x20")),
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 10 bad 1; baseline 1 (1030)", "1m30s: 20 bad 2"},
		},
		{
			name:   "a series that ends counts to its last scrape",
			series: classic("a", "0.5", "0 9 18 27 stale", "count", "0 10 20 30 stale"),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 10 bad 1"},
		},
		{
			name:   "a summary has no buckets",
			series: []string{`d_seconds{quantile="0.5"} 0.1x20`, `d_seconds_count 0+10x20`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: blind; no_bucket 1 (20)"},
		},
		{
			name:   "no series is blind",
			series: []string{`other_count 0+10x20`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: blind"},
		},
	} {
		t.Run(tc.name, tc.run)
	}
}

// TestLatencyQueries counts what the first tick costs, which has to find out what to ask, and which
// jobs' processes may have restarted, and what the next ones cost.
func TestLatencyQueries(t *testing.T) {
	for _, tc := range []struct {
		name   string
		series []string
		first  int64
		next   int64
	}{
		{"on a boundary", classic("a", "0.25", "0+2x20", "0.5", "0+9x20", "count", "0+10x20"), 2, 1},
		{"native", native("a", `{{schema:0 offset:-1}}+{{schema:0 count:10 sum:6 offset:-1 buckets:[9 1]}}x20`), 3, 1},
		{"between two boundaries", classic("a", "0.25", "0+2x20", "1", "0+9x20", "count", "0+10x20"), 5, 3},
		{"one target left out", all(classic("a", "0.5", "0+9x20", "count", "0+10x20"), classic("b", "0.25", "0+2x20", "count", "0+10x20")), 5, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 15*time.Second, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			c := client(t, prom.Options{URL: server.URL()})
			o := slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 500 * time.Millisecond}}}
			for tick, want := range []int64{tc.first, tc.next, tc.next} {
				before, _ := server.Asked()
				at := zero.Add(time.Minute + time.Duration(tick)*30*time.Second)
				describe(t, c.Read(t.Context(), []slo.Objective{o}, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})[0])
				if after, _ := server.Asked(); after-before != want {
					t.Errorf("%d queries of tick %d, want %d", after-before, tick, want)
				}
			}
		})
	}
}

// TestSpellings writes the bucket of the threshold in many ways.
func TestSpellings(t *testing.T) {
	for _, tc := range []struct {
		threshold, unit time.Duration
		ways, others    []string
	}{
		{500 * time.Millisecond, 0, []string{"0.5", ".5", "0.50", "00.500", "5e-1", "5E-1", "5e-01", "5.0e-1", "500e-3", "0.5e0", "+0.5", "0x1p-1"}, []string{"0.05", "5", "0.51", "5e-10", "5e1"}},
		{5 * time.Second, 0, []string{"5", "5.0", "5.", "5e0", "5e+00", "05", "5000e-3"}, []string{"50", "0.5", "5.01", "15"}},
		{2500 * time.Millisecond, 0, []string{"2.5", "2.50", "25e-1", "2.5e+00"}, []string{"25", "2x5"}},
		{50 * time.Microsecond, 0, []string{"5e-05", "0.00005", "50e-6", "5e-5"}, []string{"5e-06", "0.0005"}},
		{1000 * time.Second, time.Millisecond, []string{"1e+06", "1000000", "1000000.0", "1e6", "1E06"}, []string{"100000", "1e5"}},
		{1500 * time.Second, time.Millisecond, []string{"1.5e+06", "1500000", "15e5", "1500e3"}, []string{"1.5e+05"}},
	} {
		for i, le := range append(tc.ways, tc.others...) {
			t.Run(fmt.Sprintf("%s as %s", tc.threshold, le), func(t *testing.T) {
				want := []string{"1m0s: 20 bad 2"}
				if i >= len(tc.ways) {
					want = []string{"1m0s: 20 bad 0; other boundary"}
				}
				server := promtest.Start(t)
				series := classic("a", le, "0+9x8", "1e9", "0+10x8", "count", "0+10x8")
				if err := server.Load(zero, 15*time.Second, strings.Join(series, "\n")); err != nil {
					t.Fatal(err)
				}
				o := slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: tc.threshold, Unit: tc.unit}}}
				at := zero.Add(time.Minute)
				got := describe(t, client(t, prom.Options{URL: server.URL()}).Read(t.Context(), []slo.Objective{o}, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})[0])
				if i >= len(tc.ways) && strings.Contains(got[0], "interpolated") {
					got = []string{"1m0s: 20 bad 0; other boundary"}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("samples (-want +got):\n%s", diff)
				}
			})
		}
	}
}
