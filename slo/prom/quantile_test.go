package prom_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func shown(all []slo.Quantile) (texts []string) {
	for _, q := range all {
		text := fmt.Sprintf("p%v %s", q.Share*100, q.Value.Round(time.Microsecond))
		if q.Above {
			text += " or more"
		}
		texts = append(texts, text)
	}
	return texts
}

func TestQuantiles(t *testing.T) {
	const nativeCounting = `{{schema:0 offset:-2 buckets:[0 0 0 0]}}+{{schema:0 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x40`
	counting := classic("a", "0.1", "0+50x40", "0.5", "0+90x40", "1", "0+99x40", "+Inf", "0+100x40")
	for _, tc := range []struct {
		name, histogram string
		set             map[string]string
		unit            time.Duration
		series          []string
		want            []string
		wantErr         error
	}{
		{name: "classic", series: counting, want: []string{"p50 100ms", "p95 777.778ms", "p99 1s"}},
		{name: "classic, slower than the last boundary", series: classic("a", "0.1", "0+50x40", "+Inf", "0+100x40"),
			want: []string{"p50 100ms", "p95 100ms or more", "p99 100ms or more"}},
		{name: "milliseconds", series: counting, unit: time.Millisecond, want: []string{"p50 100µs", "p95 778µs", "p99 1ms"}},
		{name: "both spellings of a boundary", series: all(counting, classic("b", "0.10", "0+50x40", "0.5", "0+90x40", "1.0", "0+99x40", "+Inf", "0+100x40")),
			want: []string{"p50 100ms", "p95 777.778ms", "p99 1s"}},
		{name: "a reset, after which there is one scrape", series: classic("a", "0.1", "1000x9 5x40", "1", "1000x9 8x40", "+Inf", "1000x9 10x40"),
			want: []string{"p50 100ms", "p95 1s or more", "p99 1s or more"}},
		{name: "a long-running target that is first seen does not count what it had",
			series: all(counting, classic("b", "0.1", "_x6 0x40", "0.5", "_x6 0x40", "1", "_x6 1000000x40", "+Inf", "_x6 1000000x40")),
			want:   []string{"p50 100ms", "p95 777.778ms", "p99 1s"}},
		{name: "different boundaries", series: all(counting, classic("b", "0.2", "0+50x40", "+Inf", "0+100x40")), wantErr: slo.ErrRefused},
		{name: "native", series: native("a", nativeCounting), want: []string{"p50 336.475ms", "p95 707.107ms", "p99 933.033ms"}},
		{name: "custom buckets", series: native("a", `{{schema:-53 custom_values:[0.1 0.5 2]}}+{{schema:-53 count:10 sum:5 custom_values:[0.1 0.5 2] buckets:[2 7 1]}}x40`),
			want: []string{"p50 271.429ms", "p95 1.25s", "p99 1.85s"}},
		{name: "a target of both kinds counts once", series: all(native("a", nativeCounting), counting),
			want: []string{"p50 336.475ms", "p95 707.107ms", "p99 933.033ms"}},
		{name: "targets of either kind", series: all(native("b", nativeCounting), classic("a", "0.25", "0+2x40", "0.5", "0+9x40", "1", "0+10x40", "+Inf", "0+10x40")),
			want: []string{"p50 346.526ms", "p95 728.5ms", "p99 942.623ms"}},
		{name: "one label set", set: map[string]string{"instance": "a"}, series: all(counting, classic("b", "0.1", "0+1000x40", "0.5", "0+1000x40", "1", "0+1000x40", "+Inf", "0+1000x40")),
			want: []string{"p50 100ms", "p95 777.778ms", "p99 1s"}},
		{name: "two metrics", histogram: "d_seconds or e_seconds", series: all(counting, strings.Split(strings.ReplaceAll(strings.Join(counting, "\n"), "d_seconds", "e_seconds"), "\n")),
			want: []string{"p50 100ms", "p95 777.778ms", "p99 1s"}},
		{name: "no events", series: classic("a", "0.1", "5x40", "+Inf", "5x40")},
		{name: "no data"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, 15*time.Second, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			c := client(t, prom.Options{URL: server.URL()}).Bounded(1)
			if tc.histogram == "" {
				tc.histogram = "d_seconds"
			}
			o := slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: tc.histogram, Threshold: 500 * time.Millisecond, Unit: tc.unit}}}
			ticks := slo.Ticks{First: zero.Add(2 * time.Minute), Last: zero.Add(8 * time.Minute), Interval: time.Minute}
			got, err := c.Quantiles(t.Context(), o, slo.NewLabels(tc.set), ticks, 0.5, 0.95, 0.99)
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("error %v, want %v", err, tc.wantErr)
			}
			if diff := cmp.Diff(tc.want, shown(got)); diff != "" {
				t.Errorf("quantiles (-want +got):\n%s", diff)
			}
		})
	}
}

// TestQuantilesAreThoseOfHistogramQuantile compares them with Prometheus' results for increases.
func TestQuantilesAreThoseOfHistogramQuantile(t *testing.T) {
	server := promtest.Start(t)
	series := strings.Join(all(
		classic("a", "0.01", "0+3x40", "0.1", "0+50x40", "0.5", "0+90x40", "1", "0+99x40", "+Inf", "0+100x40"),
		classic("b", "0.01", "7+1x40", "0.1", "9+7x40", "0.5", "10+31x40", "1", "10+80x40", "+Inf", "10+80x40")), "\n")
	exponential := strings.ReplaceAll(strings.Join(all(
		native("a", `{{schema:2 offset:-2 buckets:[0 0 0 0]}}+{{schema:2 count:10 sum:6 offset:-2 buckets:[2 7 1]}}x40`),
		native("b", `{{schema:3 offset:-2 buckets:[0 0 0 0]}}+{{schema:3 count:15 sum:6 offset:-2 buckets:[5 6 4]}}x40`)), "\n"), "d_seconds", "n_seconds")
	if err := server.Load(zero, 15*time.Second, series+"\n"+exponential); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	at := slo.Ticks{First: zero.Add(8 * time.Minute), Last: zero.Add(8 * time.Minute), Interval: 4 * time.Minute}
	for _, share := range []float64{0.01, 0.3, 0.5, 0.9, 0.95, 0.99, 1} {
		for metric, query := range map[string]string{"d_seconds": "sum by (le) (increase(d_seconds_bucket[4m]))", "n_seconds": "sum(increase(n_seconds[4m]))"} {
			want, err := c.Traces(t.Context(), fmt.Sprintf("histogram_quantile(%v, %s)", share, query), at)
			if err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: metric, Threshold: time.Second}}}
			got, err := c.Quantiles(t.Context(), o, "", at, share)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got[0].Value.Seconds()/want[0].Values[0]-1) > 1e-6 {
				t.Errorf("%s, %v: %s, want %v s", metric, share, got[0].Value, want[0].Values[0])
			}
		}
	}
}
