package prom_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// native is a series of native histograms.
func native(instance, values string) []string {
	return []string{fmt.Sprintf(`d_seconds{job="shop",instance=%q} %s`, instance, values)}
}

// In the tests' native histograms the buckets of schema 0 end at 0.25, 0.5, 1 and 2, and of schema
// -53 at custom_values.
func TestNativeLatency(t *testing.T) {
	const up, process = `up{job="shop",instance="a"} `, `process_start_time_seconds{job="shop",instance="a"} `
	const counting = `{{schema:0 offset:-2 buckets:[0 0 0 0]}}+{{schema:0 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x20`
	unix := func(after time.Duration) string { return fmt.Sprintf("%d", zero.Add(after).Unix()) }
	for _, tc := range []latencyCase{
		{
			name:   "exponential buckets, exact on a boundary",
			series: native("a", counting),
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 20 bad 2", "1m30s: 20 bad 2"},
		},
		{
			name:      "exponential buckets, between boundaries",
			threshold: 353553391 * time.Nanosecond, // 0.25 times the square root of 2: half of the bucket to 0.5
			series:    native("a", counting),
			from:      60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 9; interpolated 1 (14)"},
		},
		{
			name:   "custom buckets, exact on a boundary",
			series: native("a", `{{schema:-53 custom_values:[0.1 0.5 2]}}+{{schema:-53 count:10 sum:5 custom_values:[0.1 0.5 2] buckets:[2 7 1]}}x20`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 2"},
		},
		{
			name:   "custom buckets, between boundaries",
			series: native("a", `{{schema:-53 custom_values:[0.25 0.75]}}+{{schema:-53 count:10 sum:5 custom_values:[0.25 0.75] buckets:[2 7 1]}}x20`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 9; interpolated 1 (14)"},
		},
		{
			name:   "above the last custom boundary events are left out",
			series: native("a", `{{schema:-53 custom_values:[0.1 0.25]}}+{{schema:-53 count:10 sum:5 custom_values:[0.1 0.25] buckets:[2 7 1]}}x20`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 18 bad 0; no_bucket 1 (2)"},
		},
		{
			name:   "nothing happened",
			series: native("a", `{{schema:0 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x20`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0"},
		},
		{
			name:   "only slow events, where a share of all events loses its last digit", // 1.0/47*47 is 1, 1.0/49*49 less
			series: native("a", `{{schema:0 count:47 sum:6 offset:-1 buckets:[1 46]}}x2 {{schema:0 count:49 sum:6 offset:-1 buckets:[1 48]}}x8`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 2 bad 2"},
		},
		{
			name:   "an empty histogram is data",
			series: native("a", `{{schema:0}}x20`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0"},
		},
		{
			name:   "one series a label set",
			series: []string{`d_seconds{zone="x"} ` + counting, `d_seconds{zone="y"} {{schema:0 offset:-1 buckets:[0]}}+{{schema:0 count:3 sum:1 offset:-1 buckets:[3]}}x20`},
			from:   60 * time.Second, to: 60 * time.Second, groupBy: []string{"zone"},
			want: []string{`{zone="x"}`, "1m0s: 20 bad 2", `{zone="y"}`, "1m0s: 6 bad 0"},
		},
		{
			name:   "classic and native targets together",
			series: all(native("a", counting), classic("b", "0.5", "0+9x20", "count", "0+10x20")),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 4"},
		},
		{
			name:   "a target that has both counts once",
			series: all(native("a", counting), classic("a", "0.5", "0+9x20", "count", "0+10x20")),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 2"},
		},
		{
			name: "a metric that becomes native goes on counting",
			series: all(classic("a", "0.5", "0+9x5 stale", "count", "0+10x5 stale"),
				native("a", `_x6 {{schema:0 count:60 sum:6 offset:-2 buckets:[12 42 6]}}+{{schema:0 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x14`)),
			from: 60 * time.Second, to: 150 * time.Second,
			want: []string{"1m0s: 20 bad 2", "1m30s: 20 bad 2", "2m0s: 20 bad 2", "2m30s: 20 bad 2"},
		},
		{
			name: "a metric that becomes native and leaves its classic series behind without a stale marker",
			series: all(classic("a", "0.5", "0+9x5", "count", "0+10x5"),
				native("a", `_x6 {{schema:0 count:60 sum:6 offset:-2 buckets:[12 42 6]}}+{{schema:0 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x14`)),
			from: 60 * time.Second, to: 150 * time.Second,
			want: []string{"1m0s: 20 bad 2", "1m30s: 20 bad 2", "2m0s: 20 bad 2", "2m30s: 20 bad 2"},
		},
		{
			name:   "a reset is seen by the count",
			series: native("a", `{{schema:0 count:100 sum:6 offset:-1 buckets:[100]}}x2 {{schema:0 count:4 sum:6 offset:-1 buckets:[3 1]}} {{schema:0 count:18 sum:6 offset:-1 buckets:[16 2]}}x8`),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 18 bad 2; reset 1 (4)"},
		},
		{
			name:   "the first event makes the series",
			series: all([]string{up + "1x20"}, native("a", `_ _ _ {{schema:0 count:3 sum:6 offset:-1 buckets:[2 1]}}x10`)),
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 3 bad 1", "1m30s: 0 bad 0"},
		},
		{
			name:   "a new pod counts since its process started",
			series: all([]string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(10*time.Second) + "x10"}, native("a", `_x4 {{schema:0 count:50 sum:6 offset:-1 buckets:[40 10]}}x10`)),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0; late 10s-1m0s 50 bad 10"},
		},
		{
			name:   "a long-running target that is first seen begins at its value",
			series: all([]string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(-3*time.Hour) + "x10"}, native("a", `_x4 {{schema:0 count:50 sum:6 offset:-1 buckets:[40 10]}}x10`)),
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0; baseline 1 (50)"},
		},
		{
			name: "what was counted in a gap is late",
			series: all([]string{up + "1x7 0x8 1x8"},
				native("a", `{{schema:0 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x7 stale _x7 {{schema:0 count:100 sum:60 offset:-2 buckets:[20 71 9]}}x8`)),
			from: 240 * time.Second, to: 240 * time.Second,
			want: []string{"4m0s: 0 bad 0; late 1m45s-4m0s 90 bad 8; late 1 (90)"},
		},
		{
			name: "exponential and custom buckets can't be summed and are counted all the same",
			series: all(native("a", counting),
				native("b", `{{schema:-53 custom_values:[0.1 0.5 2]}}+{{schema:-53 count:10 sum:5 custom_values:[0.1 0.5 2] buckets:[2 6 2]}}x20`)),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 6; interpolated 2"},
		},
		{
			name: "targets of other custom boundaries",
			series: all(native("a", `{{schema:-53 custom_values:[0.1 0.5 2]}}+{{schema:-53 count:10 sum:5 custom_values:[0.1 0.5 2] buckets:[2 6 2]}}x20`),
				native("b", `{{schema:-53 custom_values:[0.3 0.5 1]}}+{{schema:-53 count:10 sum:5 custom_values:[0.3 0.5 1] buckets:[2 7 1]}}x20`)),
			from: 60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 6"},
		},
	} {
		t.Run(tc.name, tc.run)
	}
}

func TestGaugeHistogramsAreRefused(t *testing.T) {
	server := promtest.Start(t)
	series := strings.ReplaceAll(`d_seconds {{schema:0 count:3 sum:6 buckets:[2 1] C}} {{schema:0 count:5 sum:6 buckets:[3 2] C}}x10`, "C", "counter_reset_hint:gauge")
	if err := server.Load(zero, 15*time.Second, series); err != nil {
		t.Fatal(err)
	}
	o := slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: time.Second}}}
	c := client(t, prom.Options{URL: server.URL()})
	for _, last := range []time.Duration{time.Minute, 2 * time.Minute} {
		ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(last), Interval: 30 * time.Second}
		err := c.Read(t.Context(), []slo.Objective{o}, ticks)[0].Err
		const want = "prometheus refused the query: the native histogram is a gauge: it does not count events; give a histogram that is a counter"
		if !errors.Is(err, slo.ErrRefused) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
