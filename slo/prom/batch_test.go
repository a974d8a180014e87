package prom_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// rough is a quarter of an hour of targets that restart, come and go, are not scraped, and show
// invalid values.
func rough(rnd *rand.Rand) (samples []promtest.Sample) {
	write := func(at time.Time, v float64, name string, labels ...string) {
		set := map[string]string{"__name__": name}
		for i := 0; i+1 < len(labels); i += 2 {
			set[labels[i]] = labels[i+1]
		}
		samples = append(samples, promtest.Sample{Labels: set, Time: at, Value: v})
	}
	for pod := range 9 {
		target := []string{"job", fmt.Sprint("job-", pod%3), "instance", fmt.Sprint("pod-", pod), "zone", []string{"a", "b"}[pod%2], "postburn", "theirs"}
		started := zero.Add(-time.Duration(rnd.IntN(90)) * time.Minute)
		fine, failed, live := float64(5000+rnd.IntN(1000)), 0.0, true
		var slow [3]float64
		for at := zero.Add(time.Duration(rnd.IntN(15000)) * time.Millisecond); at.Before(zero.Add(15 * time.Minute)); at = at.Add(15 * time.Second) {
			if rnd.IntN(80) == 0 {
				started, fine, failed, slow = at.Add(-5*time.Second), 0, 0, [3]float64{}
			}
			if rnd.IntN(60) == 0 {
				live = !live
			}
			fine, failed = fine+float64(rnd.IntN(30)), failed+float64(rnd.IntN(40)/38)
			for i := range slow {
				slow[i] += float64(rnd.IntN(9))
			}
			shown := fine
			switch rnd.IntN(50) {
			case 0:
				shown = math.NaN()
			case 1, 2, 3:
				shown = max(0, fine-200)
			case 4:
				shown = math.Inf(1)
			case 5:
				shown = -fine
			}
			if pod == 5 && at.After(zero.Add(6*time.Minute)) && at.Before(zero.Add(9*time.Minute)) {
				shown = fine - 1_000_000 // for many ticks, in which it grows
			}
			if !live {
				write(at, 0, "up", target...)
				continue
			}
			write(at, 1, "up", target...)
			write(at, float64(started.Unix()), "process_start_time_seconds", target...)
			write(at, shown, "requests_total", append(target, "code", "200")...)
			if failed > 0 {
				write(at, failed, "requests_total", append(target, "code", "500")...)
			}
			le := "0.5"
			if pod == 7 {
				le = "0.75"
			}
			for i, le := range []string{"0.1", le, "1"} {
				sum := 0.0
				for _, n := range slow[:i+1] {
					sum += n
				}
				write(at, sum, "took_seconds_bucket", append(target, "le", le)...)
			}
			write(at, slow[0]+slow[1]+slow[2], "took_seconds_count", target...)
		}
	}
	return samples
}

// objectivesOfAllKinds are 31, the broken ones among them.
func objectivesOfAllKinds() (all []slo.Objective) {
	add := func(i slo.Indicator, groupBy ...string) {
		all = append(all, slo.Objective{Name: fmt.Sprint("o", len(all)), Indicator: i, GroupBy: groupBy})
	}
	ratio := func(bad, good, total string) slo.Indicator {
		return slo.Indicator{Ratio: &slo.Ratio{Bad: bad, Good: good, Total: total}}
	}
	latency := func(histogram string, threshold time.Duration) slo.Indicator {
		return slo.Indicator{Latency: &slo.Latency{Histogram: histogram, Threshold: threshold}}
	}
	for job := range 3 {
		in := fmt.Sprintf(`{job="job-%d"}`, job)
		errs := fmt.Sprintf(`requests_total{job="job-%d",code="500"}`, job)
		add(ratio(errs, "", "requests_total"+in))
		add(ratio("", `requests_total{code="200"}`, "requests_total"+in))
		add(ratio(errs, "", "requests_total"), "zone", "job")
		add(latency("took_seconds"+in, 500*time.Millisecond))
		add(latency("took_seconds"+in, 250*time.Millisecond), "zone")
		add(latency("native_seconds"+in, 500*time.Millisecond))
		add(slo.Indicator{Bool: "count(up" + in + " == 1) > 3"})
		add(slo.Indicator{Bool: "up" + in + " == 1"}, "instance")
	}
	add(latency("mixed_seconds", 500*time.Millisecond)) // a warning: exponential and custom buckets
	add(slo.Indicator{Bool: `up * on (job) group_left () (up or requests_total) > 0`})
	add(slo.Indicator{Bool: `quantile(2, up) > 0`})
	add(slo.Indicator{Bool: `up`})
	add(latency("gauge_seconds", time.Second))
	add(ratio("rate(a[5m])", "", "a"))
	add(ratio("none_total", "", "none_total"))
	return all
}

// TestBatches reads objectives of all kinds together and each alone, on a rough world. The samples
// are the same, bit for bit, and so are the errors.
func TestBatches(t *testing.T) {
	const seed = 20260105
	t.Logf("seed %d", seed)
	server := promtest.Start(t)
	if err := server.Append(rough(rand.New(rand.NewPCG(seed, 1)))...); err != nil {
		t.Fatal(err)
	}
	gauge := "{{schema:0 count:3 sum:6 buckets:[2 1] counter_reset_hint:gauge}} "
	if err := server.Load(zero, 15*time.Second, `
		native_seconds{job="job-1",instance="n"} {{schema:0}}x20 {{schema:0 count:10 sum:6 offset:-1 buckets:[9 1]}}+{{schema:0 count:10 sum:6 offset:-1 buckets:[9 1]}}x99
		mixed_seconds{job="x",instance="n"} {{schema:0}}+{{schema:0 count:10 sum:6 offset:-1 buckets:[9 1]}}x120
		mixed_seconds{job="x",instance="c"} {{schema:-53 custom_values:[0.5]}}+{{schema:-53 count:10 sum:6 custom_values:[0.5] buckets:[9 1]}}x120
		gauge_seconds{job="x",instance="g"} `+strings.Repeat(gauge, 120)); err != nil {
		t.Fatal(err)
	}
	objectives := objectivesOfAllKinds()
	stretches := []slo.Ticks{{First: zero.Add(time.Minute), Last: zero.Add(12 * time.Minute), Interval: 30 * time.Second}}
	for minute := 3; minute < 13; minute += 3 {
		at := zero.Add(time.Duration(minute) * time.Minute)
		stretches = append(stretches, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})
	}
	caveats := map[slo.CaveatKind]bool{}
	failed := map[string]bool{}
	byOne := client(t, prom.Options{URL: server.URL()}).Batched(1)
	byTwenty := client(t, prom.Options{URL: server.URL()}).Batched(20)
	for _, ticks := range stretches {
		alone := byOne.Read(t.Context(), objectives, ticks)
		for i, r := range byTwenty.Read(t.Context(), objectives, ticks) {
			if diff := cmp.Diff(alone[i].Series, r.Series); diff != "" {
				t.Fatalf("%v in a batch from %v (-alone +together):\n%s", objectives[i], ticks.First, diff)
			}
			if short(alone[i].Err) != short(r.Err) {
				t.Fatalf("%v in a batch: %v, alone %v", objectives[i], r.Err, alone[i].Err)
			}
		}
		for i, r := range alone {
			if r.Err != nil {
				failed[objectives[i].Name] = true
			}
			for _, s := range r.Series {
				for _, sample := range s.Samples {
					for _, c := range sample.Caveats {
						caveats[c.Kind] = true
					}
				}
			}
		}
	}
	if len(failed) != 5 {
		t.Errorf("%v failed, want the five that are broken", failed)
	}
	for _, kind := range []slo.CaveatKind{slo.Reset, slo.Dip, slo.NotANumber, slo.LongGap, slo.Interpolated} {
		if !caveats[kind] {
			t.Errorf("the world has no %s: %v", kind, caveats)
		}
	}
}

// TestTicksInARow reads each tick after the one before, as a daemon does, which asks less if
// nothing happened in it; and by clients that know nothing. The samples are the same. TORTURE has
// it play a second world, as `make torture` and `make race` do.
func TestTicksInARow(t *testing.T) {
	worlds := uint64(1)
	if os.Getenv("TORTURE") != "" {
		worlds = 2
	}
	for seed := range worlds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Append(rough(rand.New(rand.NewPCG(seed, 2)))...); err != nil {
				t.Fatal(err)
			}
			if err := server.Load(zero, 15*time.Second, `
				mixed_seconds{job="x",instance="n"} {{schema:0}}+{{schema:0 count:10 sum:6 offset:-1 buckets:[9 1]}}x120
				mixed_seconds{job="x",instance="c"} {{schema:-53 custom_values:[0.3]}}+{{schema:-53 count:10 sum:6 custom_values:[0.3] buckets:[9 1]}}x16 stale`); err != nil {
				t.Fatal(err)
			}
			objectives := append(objectivesOfAllKinds(), slo.Objective{
				Name: "between", Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "mixed_seconds", Threshold: 300 * time.Millisecond}},
			})
			inARow := client(t, prom.Options{URL: server.URL()})
			for at := zero.Add(time.Minute); at.Before(zero.Add(14 * time.Minute)); at = at.Add(30 * time.Second) {
				ticks := slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
				alone := client(t, prom.Options{URL: server.URL()}).Read(t.Context(), objectives, ticks)
				for i, r := range inARow.Read(t.Context(), objectives, ticks) {
					if diff := cmp.Diff(alone[i].Series, r.Series); diff != "" {
						t.Fatalf("%v at %s (-alone +in a row):\n%s", objectives[i], at.Sub(zero), diff)
					}
				}
			}
		})
	}
}

// TestSteadyQueries looks at the queries for ticks in a row, for one that is read again, and after
// a missed one.
func TestSteadyQueries(t *testing.T) {
	behind := promtest.Start(t)
	if err := behind.Load(zero, 15*time.Second, `http_requests_total{job="shop",instance="a",code="200"} 0+10x40`); err != nil {
		t.Fatal(err)
	}
	var asked string
	c := client(t, prom.Options{URL: intercepted(t, behind, func(_ http.ResponseWriter, r *http.Request, body string) bool {
		if query, _ := url.ParseQuery(body); strings.Contains(query.Get("query"), "http_requests_total") {
			asked = query.Get("query")
		}
		return false
	})})
	for _, tc := range []struct {
		tick    time.Duration
		checked bool
	}{{60 * time.Second, true}, {90 * time.Second, false}, {120 * time.Second, false}, {90 * time.Second, true}, {60 * time.Second, true}, {150 * time.Second, false}, {210 * time.Second, true}, {240 * time.Second, false}} {
		at := zero.Add(tc.tick)
		c.Read(t.Context(), objectives(), slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})
		if checked := strings.Contains(asked, "< Inf"); checked != tc.checked {
			t.Errorf("tick %s: %s", tc.tick, asked)
		}
	}
}

// short returns the beginning of an error. Prometheus names any two series that are in its way.
func short(err error) string { return fmt.Sprintf("%.60v", err) }

// TestBatchQueries counts the queries of a tick of many objectives, some of them broken.
func TestBatchQueries(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(zero, 15*time.Second, `http_requests_total{job="shop",code="200"} 0+10x40
		mixed_seconds{job="shop",instance="n"} {{schema:0}}+{{schema:0 count:10 sum:6 offset:-1 buckets:[9 1]}}x40
		mixed_seconds{job="shop",instance="c"} {{schema:-53 custom_values:[0.5]}}+{{schema:-53 count:10 sum:6 custom_values:[0.5] buckets:[9 1]}}x40`); err != nil {
		t.Fatal(err)
	}
	var objectives []slo.Objective
	for i := range 60 {
		o := slo.Objective{Name: fmt.Sprint(i), Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: fmt.Sprintf(`http_requests_total{code="5%02d"}`, i), Total: shop.Total}}}
		if i >= 40 {
			o.Indicator = slo.Indicator{Bool: fmt.Sprintf("count(http_requests_total) > %d", i-45)}
		}
		objectives = append(objectives, o)
	}
	broken := 47
	objectives[broken].Indicator.Bool = `http_requests_total + on () group_left () (http_requests_total or up or vector(1))`
	objectives[13].Indicator = slo.Indicator{Latency: &slo.Latency{Histogram: "mixed_seconds", Threshold: 500 * time.Millisecond}}
	c := client(t, prom.Options{URL: server.URL()})
	at := zero.Add(time.Minute)
	read := func() (queries int64) {
		t.Helper()
		before, _ := server.Asked()
		for i, r := range c.Read(t.Context(), objectives, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}) {
			if (r.Err != nil) != (i == broken) {
				t.Errorf("objective %d: %v", i, r.Err)
			}
		}
		after, _ := server.Asked()
		return after - before
	}
	// Two batches of counters, and the starts of each; all about the histograms, which can't be
	// summed, and less. One batch of conditions, which is halved down to the broken one (10+10,
	// 5+5, 2+3, 1+1).
	if n := read(); n != 2+2+1+1+1+8 {
		t.Errorf("%d queries at first, want 15", n)
	}
	if n := read(); n != 2+4+1+1 { // the jobs are known, so their starts are asked with the sums
		t.Errorf("%d queries once it is known which are broken, want 8", n)
	}
	broken, objectives[47].Indicator.Bool = -1, "vector(1)"
	if n := read(); n != 2+4+1 {
		t.Errorf("%d queries once the condition is mended, want 7", n)
	}
}

// TestUnanswered has a server that does not answer, or not in time.
func TestUnanswered(t *testing.T) {
	t.Parallel() // it waits
	var objectives []slo.Objective
	for i := range 400 {
		objectives = append(objectives, slo.Objective{Name: fmt.Sprint(i), Indicator: slo.Indicator{Bool: fmt.Sprintf("vector(%d) > 1000", i)}})
	}
	for _, tc := range []struct {
		name  string
		serve func(w http.ResponseWriter, r *http.Request, query string)
		most  int64 // queries
		fail  int   // objectives
		wait  time.Duration
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(500) }, 20, 400, time.Minute},
		{"a sign-in page", func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, "<html>") }, 30, 400, time.Minute},
		{"401", func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(401) }, 30, 400, time.Minute},
		{"nothing", func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }, 30, 400, 200 * time.Millisecond},
		{"one that is slow", func(w http.ResponseWriter, r *http.Request, query string) {
			if strings.Contains(query, "vector(333)") {
				<-r.Context().Done()
			}
			fmt.Fprintf(w, noData, "")
		}, 40, 1, time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				tc.serve(w, r, r.FormValue("query"))
			}))
			defer server.Close()
			c := client(t, prom.Options{URL: server.URL, Timeout: tc.wait})
			failed := 0
			for _, r := range c.Read(t.Context(), objectives, oneTick) {
				if r.Err != nil {
					failed++
				}
			}
			if failed != tc.fail || asked.Load() > tc.most {
				t.Errorf("%d objectives failed after %d queries, want %d after %d at most", failed, asked.Load(), tc.fail, tc.most)
			}
		})
	}
}

// TestLongAnswers has a limit on answers that the objectives exceed together, and one even alone.
func TestLongAnswers(t *testing.T) {
	behind := promtest.Start(t)
	var series strings.Builder
	for i := range 60 {
		fmt.Fprintf(&series, "http_requests_total{job=\"shop\",code=\"%d\"} 0+10x80\n", 450+i)
	}
	if err := behind.Load(zero, 30*time.Second, series.String()); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: behind.URL()})
	limited := client(t, prom.Options{URL: behind.URL(), MaxAnswer: 40_000})
	var objectives []slo.Objective
	for i := range 12 {
		objectives = append(objectives, slo.Objective{Name: fmt.Sprint(i), Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: fmt.Sprintf(`http_requests_total{code="5%02d"}`, i), Total: shop.Total}}})
	}
	objectives[5].GroupBy = []string{"code"}
	ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(15 * time.Minute), Interval: 30 * time.Second}
	whole := c.Read(t.Context(), objectives, ticks)
	for i, r := range limited.Read(t.Context(), objectives, ticks) {
		if i == 5 {
			if !errors.Is(r.Err, slo.ErrBadAnswer) || !strings.Contains(r.Err.Error(), "answer is too large") {
				t.Errorf("the long one: %v", r.Err)
			}
			continue
		}
		if diff := cmp.Diff(whole[i], r); diff != "" {
			t.Errorf("objective %d (-whole +in pieces):\n%s", i, diff)
		}
	}
}

// TestEndlessAnswer has a server that sends a hundred megabytes: it is an error, and not memory.
func TestEndlessAnswer(t *testing.T) {
	const most = 4 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
		value := strings.Repeat(`{"metric":{"__postburn__":"0/total/0/sum"},"value":[1,"2"]},`, 1000)
		for sent := 0; sent < 100<<20; sent += len(value) {
			if _, err := io.WriteString(w, value); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	c := client(t, prom.Options{URL: server.URL, MaxAnswer: most})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := c.Read(t.Context(), objectives(), oneTick)[0].Err
	runtime.ReadMemStats(&after)
	if !errors.Is(err, slo.ErrBadAnswer) || !strings.Contains(err.Error(), "answer is too large") {
		t.Errorf("got %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 10*most {
		t.Errorf("%d MiB were allocated for an answer of which %d are read", used>>20, most>>20)
	}
}

// TestParameters looks at the parameters for Thanos and Mimir in queries of one tick and of
// several.
func TestParameters(t *testing.T) {
	behind := promtest.Start(t)
	to, err := url.Parse(behind.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		for name, want := range map[string]string{"dedup": "true", "partial_response": "false", "max_source_resolution": "0s"} {
			if got := r.URL.Query().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", r.URL.Path, name, got, want)
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	c := client(t, prom.Options{URL: server.URL})
	all := objectivesOfAllKinds()
	c.Read(t.Context(), all, oneTick)
	c.Read(t.Context(), all, twoTicks)
	if asked.Load() < 4 {
		t.Errorf("%d queries", asked.Load())
	}
}
