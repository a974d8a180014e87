package prom_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestHiddenResets has counters that are reset and climb past their old value inside one tick of 30
// s.
func TestHiddenResets(t *testing.T) {
	const target = `{job="shop",instance="a"} `
	const ok, failed, process, up = `http_requests_total{job="shop",instance="a",code="200"} `, `http_requests_total{job="shop",instance="a",code="500"} `,
		`process_start_time_seconds` + target, `up` + target
	ratio := slo.Indicator{Ratio: &shop}
	latency := slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 500 * time.Millisecond}}
	unix := func(after time.Duration) string { return fmt.Sprintf("%d", zero.Add(after).Unix()) }
	old, young := unix(-time.Hour), unix(50*time.Second)
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		groupBy   []string
		step      time.Duration // of the series
		series    []string
		to        time.Duration // ticks from 1m on
		want      []string
	}{
		{
			name: "a scrape shows the fall", indicator: ratio, step: 15 * time.Second,
			series: []string{ok + "0 10 20 5 30 40 50"}, to: 90 * time.Second,
			want: []string{"1m0s: 30 bad 0; reset 1 (5)", "1m30s: 20 bad 0"},
		},
		{
			name: "what was scraped in the tick before the reset counts", indicator: ratio, step: 5 * time.Second,
			series: []string{ok + "20x6 25 5 10 20 30 40"}, to: 60 * time.Second,
			want: []string{"1m0s: 45 bad 0; reset 1 (5)"},
		},
		{
			name: "two resets in a tick", indicator: ratio, step: 5 * time.Second,
			series: []string{ok + "20x6 25 5 10 2 30 40"}, to: 60 * time.Second,
			want: []string{"1m0s: 55 bad 0; reset 1 (7)"},
		},
		{
			name: "a fall in the tick before is not counted again", indicator: ratio, step: 15 * time.Second,
			series: []string{ok + "0 10 20 40 10 50 60"}, to: 90 * time.Second,
			want: []string{"1m0s: 30 bad 0; reset 1 (10)", "1m30s: 50 bad 0"},
		},
		{
			name: "good and bad series fall", indicator: ratio, step: 15 * time.Second,
			series: []string{ok + "0 10 20 5 30", failed + "0 3 3 1 4"}, to: 60 * time.Second,
			want: []string{"1m0s: 34 bad 4; reset 2 (6)"},
		},
		{
			name: "one label set", indicator: ratio, step: 15 * time.Second, groupBy: []string{"code"},
			series: []string{ok + "5000 5010 5020 5030 5040", failed + "0 3 3 1 4"}, to: 60 * time.Second,
			want: []string{`{code="200"}`, "1m0s: 20 bad 0", `{code="500"}`, "1m0s: 4 bad 4; reset 1 (1)"},
		},
		{
			name: "a dip that is made up for is none", indicator: ratio, step: 15 * time.Second,
			series: []string{ok + "1000000 1000005 1000010 1000000 1000030"}, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 0"},
		},
		{
			name: "no scrape shows the fall, but the process restarted", indicator: ratio, step: 30 * time.Second,
			series: []string{ok + "0 20 60 80", failed + "0 1 7 7", process + old + " " + old + " " + young + "x4"}, to: 90 * time.Second,
			want: []string{"1m0s: 67 bad 7; reset 2 (44)", "1m30s: 20 bad 0"},
		},
		{
			name: "the process of another target restarted", indicator: ratio, step: 30 * time.Second,
			series: []string{ok + "0 20 60 80", strings.Replace(process, `"a"`, `"b"`, 1) + old + " " + old + " " + young + "x4"}, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 0"},
		},
		{
			name: "a small fall is a reset where the process restarted", indicator: ratio, step: 30 * time.Second,
			series: []string{ok + "0 1000 950", process + old + " " + old + " " + young + "x4"}, to: 60 * time.Second,
			want: []string{"1m0s: 950 bad 0; reset 1 (975)"},
		},
		{
			name: "an exporter that restarts while what it tells of does not", indicator: ratio, step: 30 * time.Second,
			series: []string{ok + "1000000 1000020 1000040", process + old + " " + old + " " + young + "x4"}, to: 60 * time.Second,
			want: []string{"1m0s: 20 bad 0; restart 1 (1e+06)"},
		},
		{
			name: "a start that is computed with each scrape", indicator: ratio, step: 30 * time.Second,
			series: []string{ok + "0 20 60", process + unix(-61*time.Second) + " " + unix(-61*time.Second) + " " + unix(-60*time.Second)}, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 0"},
		},
		{
			name: "a clock that was set moves the start of an old process", indicator: ratio, step: 30 * time.Second,
			series: []string{ok + "0 20 60", process + unix(-3*time.Hour) + " " + unix(-3*time.Hour) + " " + unix(-2*time.Hour)}, to: 60 * time.Second,
			want: []string{"1m0s: 40 bad 0"},
		},
		{
			name: "a restart in a gap, after which the counter climbed past its old value", indicator: ratio, step: 30 * time.Second,
			series: []string{up + "1 1 0 0 1", ok + "0 20 stale _ 60", process + old + " " + old + " stale _ " + unix(80*time.Second)}, to: 120 * time.Second,
			want: []string{"1m0s: blind", "1m30s: blind", "2m0s: 0 bad 0; late 1m20s-2m0s 60 bad 0; late 1 (60), reset 1 (57.14)"},
		},
		{
			name: "a histogram", indicator: latency, step: 15 * time.Second,
			series: classic("a", "0.5", "0 0 90 15 100", "count", "0 0 100 20 120"), to: 60 * time.Second,
			want: []string{"1m0s: 120 bad 20; reset 1 (20)"},
		},
		{
			name: "a histogram whose process restarted", indicator: latency, step: 30 * time.Second,
			series: append(classic("a", "0.5", "0 36 38", "count", "0 40 48"), process+old+" "+old+" "+young+"x4"), to: 60 * time.Second,
			want: []string{"1m0s: 48 bad 10; reset 1 (44)"},
		},
		{
			name: "a native histogram", indicator: latency, step: 15 * time.Second,
			series: native("a", `{{schema:0 count:100 sum:6 offset:-1 buckets:[90 10]}}x2 {{schema:0 count:20 sum:6 offset:-1 buckets:[15 5]}} `+
				`{{schema:0 count:120 sum:6 offset:-1 buckets:[100 20]}}`), to: 60 * time.Second,
			want: []string{"1m0s: 120 bad 20; reset 1 (20)"},
		},
		{
			name: "a histogram between two boundaries", indicator: latency, step: 15 * time.Second,
			series: classic("a", "0.25", "0 0 90 15 100", "0.75", "0 0 90 15 100", "count", "0 0 100 20 120"), to: 60 * time.Second,
			want: []string{"1m0s: 120 bad 20; interpolated 1, reset 1 (20)"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(zero, tc.step, strings.Join(tc.series, "\n")); err != nil {
				t.Fatal(err)
			}
			o := slo.Objective{Name: "shop", Indicator: tc.indicator, GroupBy: tc.groupBy}
			c := client(t, prom.Options{URL: server.URL()})
			ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(tc.to), Interval: 30 * time.Second}
			if diff := cmp.Diff(tc.want, describe(t, c.Read(t.Context(), []slo.Objective{o}, ticks)[0])); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			checkInstants(t, c, o, slo.Ticks{First: ticks.First, Last: ticks.Last.Add(2 * ticks.Interval), Interval: ticks.Interval})
		})
	}
}

// TestStartsAreAskedWithTheSums counts the queries of ticks in which processes started, or did not.
func TestStartsAreAskedWithTheSums(t *testing.T) {
	server := promtest.Start(t)
	start := func(job, instance string, before, after time.Duration, scrapes int) string {
		return fmt.Sprintf("process_start_time_seconds{job=%q,instance=%q} %dx%d %dx20\n", job, instance, zero.Add(before).Unix(), scrapes-1, zero.Add(after).Unix())
	}
	if err := server.Load(zero, 15*time.Second, `http_requests_total{job="shop",instance="a",code="200"} 0+10x40
		`+start("other", "a", -time.Hour, 160*time.Second, 11)+start("shop", "a", 100*time.Second, 101*time.Second, 11)+
		start("shop", "b", -3*time.Hour, -time.Hour, 21)); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	queries := func(at time.Duration, n int) int64 {
		before, _ := server.Asked()
		for range n {
			c.Read(t.Context(), objectives(), slo.Ticks{First: zero.Add(at), Last: zero.Add(at), Interval: 30 * time.Second})
		}
		after, _ := server.Asked()
		return after - before
	}
	if n := queries(time.Minute, 5); n != 5+1 {
		t.Errorf("%d queries, want one for each call, and one more where the job is not known yet", n)
	}
	if n := queries(90*time.Second, 1); n != 1 {
		t.Errorf("%d queries of another tick, want one for all: the job is known", n)
	}
	if n := queries(180*time.Second, 1); n != 1 {
		t.Errorf("%d queries of a tick in which no process of the objective's job has another start, want 1", n)
	}
	if n := queries(330*time.Second, 1); n != 1+2 {
		t.Errorf("%d queries of a tick in which one has another start, want those of the raw samples, too", n)
	}
}

// intercepted starts a server that passes requests on to another, unless a function of their bodies
// answers them. It returns its URL.
func intercepted(t *testing.T, behind *promtest.Server, answer func(w http.ResponseWriter, r *http.Request, body string) bool) string {
	t.Helper()
	to, err := url.Parse(behind.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !answer(w, r, string(body)) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestRestartsUnknown has a server that does not say which processes restarted. If it refuses, the
// samples do without; if it does not answer, there are none.
func TestRestartsUnknown(t *testing.T) {
	behind := promtest.Start(t)
	if err := behind.Load(zero, 30*time.Second, `http_requests_total{job="shop",instance="a",code="200"} 0+10x40`); err != nil {
		t.Fatal(err)
	}
	const never = 0
	for status, want := range map[int]error{
		http.StatusUnprocessableEntity: nil, http.StatusServiceUnavailable: slo.ErrUnreachable, http.StatusOK: slo.ErrBadAnswer, never: slo.ErrUnreachable,
	} {
		options := prom.Options{URL: intercepted(t, behind, func(w http.ResponseWriter, r *http.Request, body string) bool {
			switch {
			case !strings.Contains(body, "process_start_time_seconds"):
				return false
			case status == never:
				<-r.Context().Done()
			case status == http.StatusOK:
				fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
			default:
				w.WriteHeader(status)
				fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"expanding series: the block is not to be read"}`)
			}
			return true
		})}
		if status == never {
			options.Timeout = time.Second
		}
		c := client(t, options)
		for _, since := range []time.Duration{2 * time.Minute, 150 * time.Second} { // at the second tick it is asked together with the sums
			at := zero.Add(since)
			reading := c.Read(t.Context(), objectives(), slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})[0]
			if !errors.Is(reading.Err, want) {
				t.Errorf("status %d: %v, want %v", status, reading.Err, want)
			}
			if want == nil {
				if diff := cmp.Diff([]string{since.String() + ": 10 bad 0"}, describe(t, reading)); diff != "" {
					t.Errorf("samples (-want +got):\n%s", diff)
				}
			}
		}
	}
}

// TestUsedUpQueriesSayNothingAboutRestarts has a bounded client run out of queries, and then its
// original client ask the same.
func TestUsedUpQueriesSayNothingAboutRestarts(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(zero, 30*time.Second, fmt.Sprintf(`
		http_requests_total{job="shop",instance="a",code="200"} 0+10x4 55 65
		process_start_time_seconds{job="shop",instance="a"} %dx4 %dx2`, zero.Add(-time.Hour).Unix(), zero.Add(121*time.Second).Unix())); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	at := zero.Add(150 * time.Second) // its process restarted, and has counted more than the old one
	ticks := slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
	want := []string{"2m30s: 55 bad 0; reset 1 (0.6376)"}
	if bounded := c.Bounded(1).Read(t.Context(), objectives(), ticks)[0]; !errors.Is(bounded.Err, slo.ErrRefused) {
		t.Errorf("a bounded client has %v, %v, want an error", describe(t, bounded), bounded.Err)
	}
	if diff := cmp.Diff(want, describe(t, c.Read(t.Context(), objectives(), ticks)[0])); diff != "" {
		t.Errorf("samples (-alone +after a bounded client):\n%s", diff)
	}
}
