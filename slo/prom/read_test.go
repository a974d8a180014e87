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

// zero is when the series of all tests begin.
var zero = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// shop is an objective of the series that most tests load.
var shop = slo.Ratio{
	Bad:   `http_requests_total{job="shop",code=~"5.."}`,
	Total: `http_requests_total{job="shop"}`,
}

func TestRead(t *testing.T) {
	const ok, failed = `http_requests_total{job="shop",instance="a",code="200"} `, `http_requests_total{job="shop",instance="a",code="500"} `
	const up, process = `up{job="shop",instance="a"} `, `process_start_time_seconds{job="shop",instance="a"} `
	unix := func(after time.Duration) string { return fmt.Sprintf("%d", zero.Add(after).Unix()) }
	for _, tc := range []struct {
		name     string
		ratio    slo.Ratio
		groupBy  []string
		step     time.Duration // of the series; 15 s
		series   []string
		from, to time.Duration // ticks of 30 s
		want     []string
	}{
		{
			name: "steady counting at scrapes of 15 s",
			step: 15 * time.Second, ratio: shop,
			series: []string{ok + "0+10x40", failed + "5+1x40"},
			from:   60 * time.Second, to: 120 * time.Second,
			want: []string{"1m0s: 22 bad 2", "1m30s: 22 bad 2", "2m0s: 22 bad 2"},
		},
		{
			name: "scrapes of 60 s telescope under ticks of 30 s",
			step: 60 * time.Second, ratio: shop,
			series: []string{ok + "0+40x10", failed + "0+2x10"},
			from:   30 * time.Second, to: 180 * time.Second,
			want: []string{"30s: 0 bad 0", "1m0s: 42 bad 2", "1m30s: 0 bad 0", "2m0s: 42 bad 2", "2m30s: 0 bad 0", "3m0s: 42 bad 2"},
		},
		{
			name: "bad events of the same name that are not among the total's", ratio: slo.Ratio{Bad: `http_requests_total{code="500"}`, Total: `http_requests_total{code="200"}`},
			series: []string{ok + "0+10x8", failed + "_ _ _ 3 4 4", up + "1x8"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 4"},
		},
		{
			name: "reset: the new value counts", ratio: shop,
			series: []string{ok + "100 110 120 8 18"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 18 bad 0; reset 1 (8)"},
		},
		{
			name: "dip: a small fall counts nothing", ratio: shop,
			series: []string{ok + "1000000 1000005 1000010 1000000 1000005 1000015 1000025"},
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 0 bad 0; dip 1 (5)", "1m30s: 20 bad 0"},
		},
		{
			name: "a fall by exactly 1/8 is a dip", ratio: shop,
			series: []string{ok + "800 800 800 700 700"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0; dip 1 (100)"},
		},
		{
			name: "NaN is dropped, the other series count", ratio: shop,
			series: []string{ok + "0+10x8", failed + "0 1 2 3 NaN NaN 6 7 8"},
			from:   60 * time.Second, to: 120 * time.Second,
			want: []string{"1m0s: 21 bad 1; not_a_number 1", "1m30s: 20 bad 0; late 45s-1m30s 3 bad 3; late 1 (3), not_a_number 1", "2m0s: 22 bad 2"},
		},
		{
			name: "infinite and negative values are dropped", ratio: shop,
			series: []string{ok + "0+10x8", failed + "0 1 2 3 +Inf", `http_requests_total{job="shop",instance="a",code="404"} -5 -4 -3 -2 -1`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 21 bad 1; not_a_number 2"},
		},
		{
			name: "nothing but NaN is blind", ratio: shop,
			series: []string{ok + "NaN NaN NaN NaN NaN"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: blind; not_a_number 1"},
		},
		{
			name: "the first error creates its series", ratio: shop,
			series: []string{up + "1x40", ok + "0+10x40", failed + "_ _ _ 3 3 4"},
			from:   30 * time.Second, to: 90 * time.Second,
			want: []string{"30s: 20 bad 0", "1m0s: 23 bad 3", "1m30s: 21 bad 1"},
		},
		{
			name: "the first error counts in its tick where scrapes are slower", ratio: shop, step: 60 * time.Second,
			series: []string{up + "1x40", ok + "0+40x10", failed + "_ _ 3 3"},
			from:   120 * time.Second, to: 120 * time.Second,
			want: []string{"2m0s: 43 bad 3"},
		},
		{
			name: "a new pod counts since its process started", ratio: shop,
			series: []string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(10*time.Second) + "x10", ok + "_ _ _ _ 40+10x10", failed + "_ _ _ _ 2+0x10"},
			from:   30 * time.Second, to: 90 * time.Second,
			want: []string{"30s: blind", "1m0s: 0 bad 0; late 10s-1m0s 42 bad 2", "1m30s: 20 bad 0"},
		},
		{
			name: "a new pod that started inside the tick counts in it", ratio: shop,
			series: []string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(35*time.Second) + "x10", ok + "_ _ _ _ 40+10x10", failed + "_ _ _ _ 2+0x10"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 42 bad 2"},
		},
		{
			name: "a long-running target that is first seen begins at its value", ratio: shop,
			series: []string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(-3*time.Hour) + "x10", ok + "_ _ _ _ 5000+10x10", failed + "_ _ _ _ 200+1x10"},
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 0 bad 0; baseline 2 (5200)", "1m30s: 22 bad 2"},
		},
		{
			name: "without job and instance, series of the same scrapes are one target",
			ratio: slo.Ratio{
				Bad: `jobs_total{result="failed"}`, Total: `jobs_total`,
			},
			series: []string{`jobs_total{result="ok"} 0+1x10`, `jobs_total{result="failed"} _ _ _ _ 7+1x10`},
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: 9 bad 7", "1m30s: 4 bad 2"},
		},
		{
			name: "what was counted in a gap of ten minutes is late", ratio: shop, step: 30 * time.Second,
			series: []string{ok + "0+20x4 stale _x19 580+20x5", failed + "0+1x4 stale _x19 29+1x5", up + "1x4 0x19 1x5"},
			from:   90 * time.Second, to: 150 * time.Second,
			want: []string{"1m30s: 21 bad 1", "2m0s: 21 bad 1", "2m30s: blind"},
		},
		{
			name: "the end of a gap", ratio: shop, step: 30 * time.Second,
			series: []string{ok + "0+20x4 stale _x19 580+20x5", failed + "0+1x4 stale _x19 29+1x5", up + "1x4 0x19 1x5"},
			from:   12 * time.Minute, to: 13 * time.Minute,
			want: []string{"12m0s: blind", "12m30s: 0 bad 0; late 2m0s-12m30s 525 bad 25; late 2 (525)", "13m0s: 21 bad 1"},
		},
		{
			name: "errors that begin while the target is not scraped count", ratio: shop, step: 30 * time.Second,
			series: []string{ok + "0+20x4 stale _x19 580+20x5", failed + "_x25 29+1x5", up + "1x4 0x19 1x5", process + unix(-3*time.Hour) + "x40"},
			from:   750 * time.Second, to: 780 * time.Second,
			want: []string{"12m30s: 0 bad 0; late 2m0s-12m30s 529 bad 29; late 2 (529)", "13m0s: 21 bad 1"},
		},
		{
			name: "a process that restarted in a gap counts since then", ratio: shop, step: 30 * time.Second,
			series: []string{ok + "500+20x4 stale _x19 40+20x5", failed + "_x25 4+1x5", up + "1x4 0x19 1x5", process + "_x25 " + unix(10*time.Minute) + "x10"},
			from:   750 * time.Second, to: 750 * time.Second,
			want: []string{"12m30s: 0 bad 0; late 10m0s-12m30s 44 bad 4; late 2 (44), reset 1 (213.3)"},
		},
		{
			name: "a series that ends counts to its last scrape, and telescopes over a single failed one", ratio: shop,
			series: []string{up + "1 1 1 1 0 1 1", ok + "0 10 20 30 stale 50 60", failed + "0 0 0 1 stale 1 1"},
			from:   30 * time.Second, to: 90 * time.Second,
			want: []string{"30s: 20 bad 0", "1m0s: 11 bad 1", "1m30s: 30 bad 0"},
		},
		{
			name: "blind: no series of the total", ratio: shop,
			series: []string{`other_total{job="shop"} 0+1x40`},
			from:   60 * time.Second, to: 90 * time.Second,
			want: []string{"1m0s: blind", "1m30s: blind"},
		},
		{
			name:   "good is taken off the total, and bad is never less than none",
			ratio:  slo.Ratio{Good: `http_requests_total{job="shop",code="200"}`, Total: `http_requests_total{job="shop"}`},
			series: []string{ok + "0+10x40", failed + "5+1x40"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 22 bad 2"},
		},
		{
			name:   "good events of another metric may be ahead of the total",
			ratio:  slo.Ratio{Good: `answered_total`, Total: `asked_total`},
			series: []string{`answered_total 0+3x10`, `asked_total 0+2x10`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 4 bad -2"},
		},
		{
			name:   "a good series without a past counts as its total does",
			ratio:  slo.Ratio{Good: `http_requests_total{job="shop",code="200"}`, Total: `http_requests_total{job="shop"}`},
			series: []string{up + "_ _ _ _ 1x10", process + "_ _ _ _ " + unix(10*time.Second) + "x10", ok + "_ _ _ _ 40+10x10", failed + "_ _ _ _ 2+0x10"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 0 bad 0; late 10s-1m0s 42 bad 2"},
		},
		{
			name:   "bad events of another metric may be ahead of the total",
			ratio:  slo.Ratio{Bad: `failed_total`, Total: `asked_total`},
			series: []string{`failed_total 0+3x10`, `asked_total 0+2x10`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 4 bad 6"},
		},
		{
			name:   "two metrics with the same labels are summed",
			ratio:  slo.Ratio{Bad: `errors_total or timeouts_total`, Total: `errors_total or timeouts_total or successes_total`},
			series: []string{`errors_total{job="shop"} 0+1x10`, `timeouts_total{job="shop"} 0+2x10`, `successes_total{job="shop"} 0+10x10`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 26 bad 6"},
		},
		{
			name:   "resets of two metrics with the same labels are told apart",
			ratio:  slo.Ratio{Bad: `errors_total or timeouts_total`, Total: `errors_total or timeouts_total`},
			series: []string{`errors_total{job="shop"} 90 90 90 5 5`, `timeouts_total{job="shop"} 80 80 80 7 7`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 12 bad 12; reset 2 (12)"},
		},
		{
			name: "selectors that overlap count a series once",
			ratio: slo.Ratio{
				Bad:   `http_requests_total{code=~"5.."} or http_requests_total{code="500"}`,
				Total: `http_requests_total{job="shop"} or http_requests_total{code="500"}`,
			},
			series: []string{ok + "0+10x40", failed + "5+1x40"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 22 bad 2"},
		},
		{
			name: "selectors that overlap count a series once, after a restart as well",
			ratio: slo.Ratio{
				Bad:   `http_requests_total{code=~"5.."} or http_requests_total{code="500"}`,
				Total: `http_requests_total{job="shop"} or http_requests_total{code="500"}`,
			},
			series: []string{ok + "90 90 90 4 4", failed + "50 50 50 3 3"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 7 bad 3; reset 2 (7)"},
		},
		{
			name: "a sum counts twice what is in both terms, after a restart as well",
			ratio: slo.Ratio{
				Bad:   `http_requests_total{code=~"5.."} + http_requests_total{code="500"}`,
				Total: `http_requests_total`,
			},
			series: []string{ok + "90 90 90 4 4", failed + "50 50 50 3 3"},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{"1m0s: 7 bad 6; reset 2 (7)"},
		},
		{
			name: "one series a label set", ratio: slo.Ratio{Bad: `r_total{code="500"}`, Total: `r_total`}, groupBy: []string{"region"},
			series: []string{`r_total{region="eu",code="200"} 5000+10x10`, `r_total{region="eu",code="500"} 1000+1x10`, `r_total{region="us",code="200"} 90 90 90 4 4`},
			from:   60 * time.Second, to: 60 * time.Second,
			want: []string{`{region="eu"}`, "1m0s: 22 bad 2", `{region="us"}`, "1m0s: 4 bad 0; reset 1 (4)"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.step == 0 {
				tc.step = 15 * time.Second
			}
			server := promtest.Start(t)
			if err := server.Load(zero, tc.step, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Name: "shop", Indicator: slo.Indicator{Ratio: &tc.ratio}, GroupBy: tc.groupBy}
			c := client(t, prom.Options{URL: server.URL()})
			ticks := slo.Ticks{First: zero.Add(tc.from), Last: zero.Add(tc.to), Interval: 30 * time.Second}
			readings := c.Read(t.Context(), []slo.Objective{o}, ticks)
			if diff := cmp.Diff(tc.want, describe(t, readings[0])); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			checkInstants(t, c, o, slo.Ticks{First: ticks.First, Last: ticks.Last.Add(5 * ticks.Interval), Interval: ticks.Interval})
		})
	}
}

// checkInstants reads a stretch in one go and tick by tick. Longer stretches are asked by range,
// single ticks at an instant: all see the same.
func checkInstants(t *testing.T, c *prom.Client, o slo.Objective, ticks slo.Ticks) {
	t.Helper()
	whole := c.Read(t.Context(), []slo.Objective{o}, ticks)[0]
	for i := range ticks.Len() {
		one := c.Read(t.Context(), []slo.Objective{o}, slo.Ticks{First: ticks.At(i), Last: ticks.At(i), Interval: ticks.Interval})[0]
		if (whole.Err == nil) != (one.Err == nil) {
			t.Errorf("at %v an instant says %v, a range %v", ticks.At(i), one.Err, whole.Err)
		}
		for _, s := range one.Series {
			for _, w := range whole.Series {
				if w.Labels != s.Labels {
					continue
				}
				if diff := cmp.Diff(s.Samples[0], w.Samples[i]); diff != "" {
					t.Errorf("an instant and a range differ at %v (-instant +range):\n%s", ticks.At(i), diff)
				}
			}
		}
	}
}

// TestTelescopes counts everything that 8 pods counted, scraped out of step with the ticks, through
// restarts and pauses.
func TestTelescopes(t *testing.T) {
	server := promtest.Start(t)
	truth := slo.Counts{}
	var samples []promtest.Sample
	for pod := range 8 {
		instance := fmt.Sprintf("pod-%d", pod)
		good, failed := 0.0, 0.0
		for i := range 240 {
			at := zero.Add(time.Duration(pod+1)*1700*time.Millisecond + time.Duration(i)*15*time.Second)
			step, errors := float64(20+(i*7+pod)%5), float64((i+pod)%3)
			if i == 0 {
				step, errors = 0, 0
			}
			good, failed = good+step, failed+errors
			truth = truth.Add(slo.Counts{Total: step + errors, Bad: errors})
			for code, v := range map[string]float64{"200": good, "500": failed} {
				if code == "500" && v == 0 {
					continue
				}
				samples = append(samples, promtest.Sample{Time: at, Value: v, Labels: map[string]string{
					"__name__": "http_requests_total", "job": "shop", "instance": instance, "code": code,
				}})
			}
			samples = append(samples, promtest.Sample{Time: at, Value: 1, Labels: map[string]string{"__name__": "up", "job": "shop", "instance": instance}})
		}
	}
	if err := server.Append(samples...); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	ticks := slo.Ticks{First: zero.Add(30 * time.Second), Last: zero.Add(time.Hour + time.Minute), Interval: 30 * time.Second}
	reading := c.Read(t.Context(), []slo.Objective{{Indicator: slo.Indicator{Ratio: &shop}}}, ticks)[0]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	var sum slo.Counts
	for _, s := range reading.Series[0].Samples {
		sum = sum.Add(s.Counts)
		for _, l := range s.Late {
			sum = sum.Add(l.Counts)
		}
	}
	// All pods begin at 0, in the first tick.
	if sum != truth {
		t.Errorf("counted %v, want exactly %v", sum, truth)
	}
}

func describe(t *testing.T, r slo.Reading) []string {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("reading: %v", r.Err)
	}
	var lines []string
	for _, s := range r.Series {
		if s.Labels != "" {
			lines = append(lines, string(s.Labels))
		}
		for _, sample := range s.Samples {
			lines = append(lines, describeSample(sample))
		}
	}
	return lines
}

func describeSample(s slo.Sample) string {
	text := fmt.Sprintf("%s: %v bad %v", s.Tick.Sub(zero), s.Total, s.Bad)
	if s.Blind {
		text = fmt.Sprintf("%s: blind", s.Tick.Sub(zero))
	}
	for _, l := range s.Late {
		text += fmt.Sprintf("; late %s-%s %v bad %v", l.From.Sub(zero), l.To.Sub(zero), l.Total, l.Bad)
	}
	var caveats []string
	for _, c := range s.Caveats {
		line := fmt.Sprintf("%s %d", c.Kind, c.Count)
		if c.Events != 0 {
			line += fmt.Sprintf(" (%.4v)", c.Events)
		}
		caveats = append(caveats, line)
	}
	if len(caveats) > 0 {
		text += "; " + strings.Join(caveats, ", ")
	}
	return text
}

func client(t testing.TB, o prom.Options) *prom.Client {
	t.Helper()
	c, err := prom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
