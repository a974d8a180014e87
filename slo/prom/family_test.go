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

// TestFamily reads twenty objectives that differ only in their job; some have a reset, a birth, an
// end, or no data: together, with one selector for all, and each alone.
func TestFamily(t *testing.T) {
	server := promtest.Start(t)
	var load strings.Builder
	var objectives []slo.Objective
	for i := range 20 {
		fails := []string{"0+1x20", "9+1x4 2+1x20", "_x4 1+1x20", "0+1x4 stale", "0+1x4 NaN 0+1x20", "1+0x3 1 5 -3 2 Inf 1+1x20"}[i%6]
		if i != 19 {
			fmt.Fprintf(&load, "requests_total{job=\"j%d\",instance=\"a\",code=\"200\"} 0+%dx20\nrequests_total{job=\"j%d\",instance=\"a\",code=\"500\"} %s\n"+
				"up{job=\"j%d\",instance=\"a\"} 1x20\n", i, 10+i, i, fails, i)
		}
		objectives = append(objectives, slo.Objective{Name: fmt.Sprint(i), Indicator: slo.Indicator{Ratio: &slo.Ratio{
			Bad: fmt.Sprintf(`requests_total{job="j%d",code="500"}`, i), Total: fmt.Sprintf(`requests_total{job="j%d"}`, i),
		}}})
		if i%3 == 0 {
			objectives[i].GroupBy = []string{"code"}
		}
	}
	if err := server.Load(zero, 15*time.Second, load.String()); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	alone, together := c.Batched(1), c.Batched(20)
	for at := zero.Add(30 * time.Second); !at.After(zero.Add(4 * time.Minute)); at = at.Add(30 * time.Second) {
		ticks := slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
		if diff := cmp.Diff(alone.Read(t.Context(), objectives, ticks), together.Read(t.Context(), objectives, ticks)); diff != "" {
			t.Errorf("at %s (-alone +together):\n%s", at.Sub(zero), diff)
		}
	}
}

// TestPhase reads ticks that are no multiples of their interval: all whole seconds, twenty at a
// time.
func TestPhase(t *testing.T) {
	server := promtest.Start(t)
	faster := func(by int) string { // each second has more events than the one before
		var values strings.Builder
		for n := range 160 {
			fmt.Fprintf(&values, " %d", by*n*n)
		}
		return values.String()
	}
	if err := server.Load(zero, time.Second, `requests_total{job="shop",instance="a",code="200"}`+faster(7)+`
		requests_total{job="shop",instance="a",code="500"}`+faster(1)+`
		took_seconds_bucket{job="shop",instance="a",le="0.5"}`+faster(3)+`
		took_seconds_count{job="shop",instance="a"}`+faster(5)+`
		up{job="shop",instance="a"} 1x160`); err != nil {
		t.Fatal(err)
	}
	all := []slo.Objective{
		{Name: "ratio", Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{job="shop",code="500"}`, Total: `requests_total{job="shop"}`}}},
		{Name: "latency", Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `took_seconds{job="shop"}`, Threshold: 500 * time.Millisecond}}},
	}
	c := client(t, prom.Options{URL: server.URL()})
	read := func(first, interval time.Duration, n int) (sums []slo.Counts) {
		ticks := slo.Ticks{First: zero.Add(first), Last: zero.Add(first + time.Duration(n-1)*interval), Interval: interval}
		for i, r := range c.Read(t.Context(), all, ticks) {
			if r.Err != nil || len(r.Series) != 1 {
				t.Fatalf("%s: %+v", all[i].Name, r)
			}
			var sum slo.Counts
			for _, s := range r.Series[0].Samples {
				sum = sum.Add(s.Counts)
				for _, l := range s.Late {
					sum = sum.Add(l.Counts)
				}
			}
			sums = append(sums, sum)
		}
		return sums
	}
	for phase := range 20 {
		first := time.Duration(20+phase) * time.Second
		for _, n := range []int{1, 5} { // an instant query, and a range query
			length := time.Duration(20*n) * time.Second
			want := read(first-19*time.Second, time.Second, int(length/time.Second))
			if diff := cmp.Diff(want, read(first, 20*time.Second, n)); diff != "" {
				t.Errorf("%d ticks of 20 s from %s on (-by seconds +got):\n%s", n, first, diff)
			}
		}
	}
}
