package prom_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func TestExclude(t *testing.T) {
	server := promtest.Start(t)
	for _, series := range []string{
		`http_requests_total{job="shop",code="200",region="eu"} 0+10x10`,
		`http_requests_total{job="shop",code="200",region="us"} 0+10x10`,
		`maintenance_mode{service="shop"} 0 0 1 1 0 0 stale`,
		`region_maintenance{region="eu"} 0 0 0 1 1 1 1`,
		`drained{zone="x"} 0 0 0 1 0 0 0`,
		`level 0 0 0 7 0 0 0`,
		`unknown 0 0 0 1 NaN 0 0`,
	} {
		if err := server.Load(zero, 30*time.Second, series); err != nil {
			t.Fatal(err)
		}
	}
	c := client(t, prom.Options{URL: server.URL()})
	ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(3 * time.Minute), Interval: 30 * time.Second} // 60 s to 180 s
	for _, tc := range []struct {
		name, exclude string
		groupBy       []string
		want          []string // seconds of the ticks that are excluded
		err           string
	}{
		{name: "a comparison", exclude: `maintenance_mode{service="shop"} == 1`, want: []string{" 60 90"}},
		{name: "a comparison with 0", exclude: `maintenance_mode{service="shop"} == 0`, want: []string{" 120 150"}},
		{name: "a gauge of 0 and 1", exclude: `maintenance_mode{service="shop"}`, want: []string{" 60 90"}},
		{name: "nothing there", exclude: `maintenance_mode{service="till"} == 1`, want: []string{""}},
		{name: "by the clock", exclude: `minute() == 2`, want: []string{" 120 150"}},
		{name: "a number", exclude: `scalar(minute()) == bool 2`, want: []string{" 120 150"}},
		{name: "one of several series", exclude: `maintenance_mode * 0 or drained == bool 1`, want: []string{" 90"}},
		{name: "about the label sets that it names", exclude: `region_maintenance == 1`, groupBy: []string{"region"}, want: []string{
			`{region="eu"} 90 120 150 180`, `{region="us"}`,
		}},
		{name: "about all label sets", exclude: `maintenance_mode == 1`, groupBy: []string{"region"}, want: []string{`{region="eu"} 60 90`, `{region="us"} 60 90`}},
		{name: "about what it names of them", exclude: `region_maintenance == 1`, groupBy: []string{"code", "region"}, want: []string{
			`{code="200",region="eu"} 90 120 150 180`, `{code="200",region="us"}`,
		}},
		{name: "NaN is no planned work", exclude: `unknown != 1`, want: []string{" 60 150 180"}},
		{name: "neither 0 nor 1", exclude: `level`, err: "exclude: the value 7 is neither 0 nor 1: compare it, as in maintenance_mode == 1"},
		{name: "refused", exclude: `http_requests_total == on(job) http_requests_total`, err: "reading exclude: prometheus refused the query"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ratio := slo.Ratio{Bad: `http_requests_total{job="shop",code="500"}`, Total: `http_requests_total{job="shop"}`}
			o := slo.Objective{Name: "a", Indicator: slo.Indicator{Ratio: &ratio}, GroupBy: tc.groupBy, Exclude: tc.exclude}
			plain := o
			plain.Exclude = ""
			readings := c.Read(t.Context(), []slo.Objective{o, plain, o}, ticks)
			if tc.err != "" {
				if err := readings[0].Err; !errors.Is(err, slo.ErrRefused) || !strings.Contains(err.Error(), tc.err) || readings[1].Err != nil {
					t.Fatalf("errors %v and %v, want %q and none", err, readings[1].Err, tc.err)
				}
				return
			}
			for i, want := range [][]string{tc.want, nil, tc.want} {
				var got []string
				for _, series := range readings[i].Series {
					text := string(series.Labels)
					for _, s := range series.Samples {
						if s.Excluded {
							text += fmt.Sprint(" ", s.Tick.Sub(zero).Seconds())
						}
						if s.Blind || s.Total != 10 && len(series.Labels) > 0 {
							t.Errorf("%s at %s: %+v", series.Labels, s.Tick, s)
						}
					}
					if want != nil || strings.Contains(text, " ") {
						got = append(got, text)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" || readings[i].Err != nil {
					t.Errorf("objective %d: %v (-want +got):\n%s", i, readings[i].Err, diff)
				}
			}
		})
	}
}

// TestExcludeInSteps reads the past in steps of several ticks.
func TestExcludeInSteps(t *testing.T) {
	server := promtest.Start(t)
	for _, series := range []string{`http_requests_total{job="shop"} 0+10x20`, `maintenance_mode 0 0 0 0 1 1 1 1 1 0 0 0 0`, `blip 0 0 0 0 1 0 0`} {
		if err := server.Load(zero, 30*time.Second, series); err != nil {
			t.Fatal(err)
		}
	}
	c := client(t, prom.Options{URL: server.URL()})
	ticks := slo.Ticks{First: zero.Add(2 * time.Minute), Last: zero.Add(6 * time.Minute), Interval: time.Minute, Each: 30 * time.Second}
	for exclude, want := range map[string][]bool{
		"maintenance_mode == 1": {false, true, true, false, false}, // the step up to 2m is planned in part
		"blip == 1":             {false, false, false, false, false},
	} {
		ratio := slo.Ratio{Bad: `http_requests_total{job="shop",code="500"}`, Total: `http_requests_total{job="shop"}`}
		counted := slo.Objective{Name: "a", Indicator: slo.Indicator{Ratio: &ratio}, Exclude: exclude}
		looked := slo.Objective{Name: "b", Indicator: slo.Indicator{Bool: "vector(1)"}, Exclude: exclude}
		for _, r := range c.Read(t.Context(), []slo.Objective{counted, looked}, ticks) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			var got []bool
			for _, s := range r.Series[0].Samples {
				got = append(got, s.Excluded)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", exclude, diff)
			}
		}
	}
}

// TestExcludeOverManyTicks asks for more ticks than Prometheus answers at a time.
func TestExcludeOverManyTicks(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(zero, 30*time.Second, `probe_success 1x12000`); err != nil {
		t.Fatal(err)
	}
	if err := server.Load(zero, 30*time.Second, `maintenance_mode 0x11900 1x99`); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	o := slo.Objective{Name: "a", Indicator: slo.Indicator{Bool: "probe_success == 1"}, Exclude: "maintenance_mode == 1"}
	ticks := slo.Ticks{First: zero.Add(30 * time.Second), Last: zero.Add(12_000 * 30 * time.Second), Interval: 30 * time.Second}
	reading := c.Read(t.Context(), []slo.Objective{o}, ticks)[0]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	for i, s := range reading.Series[0].Samples {
		if n := i + 1; s.Blind || s.Excluded != (n > 11_900) {
			t.Fatalf("tick %d: %+v", n, s)
		}
	}
}
