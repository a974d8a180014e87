//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/web"
)

const (
	recordTick    = 30 * time.Second
	scrapeEvery   = 15 * time.Second
	perScrape     = 30 // events of a pod
	badPerScrape  = 20 // of those, while the shop is broken
	slowPerScrape = 20
)

// recorded is two and a half hours of a shop with three pods and a probe, whose events are known.
// Ten minutes of them are an incident, in which most events are bad. Before it a pod's process
// starts anew, and after it another pod is not scraped for three minutes.
type recorded struct {
	samples          []promtest.Sample
	begin, end       time.Time
	broken, repaired time.Time
	scrapes          []scraped
}

// scraped is what one scrape of one pod counted since the one before.
type scraped struct {
	at         time.Time
	total, bad float64
}

func record() *recorded {
	end := time.Now().Add(-10 * time.Minute).Truncate(recordTick)
	r := &recorded{begin: end.Add(-150 * time.Minute), end: end}
	r.broken, r.repaired = r.begin.Add(60*time.Minute), r.begin.Add(70*time.Minute)
	for _, pod := range []string{"a", "b", "c"} {
		r.addPod(pod)
	}
	for at := r.begin.Add(123 * time.Millisecond); !at.After(end); at = at.Add(scrapeEvery) {
		ok := 1.0
		if r.isBroken(at) {
			ok = 0
		}
		r.add(at, ok, "probe_success", "job", "probe", "instance", "shop:443")
	}
	return r
}

func (r *recorded) isBroken(at time.Time) bool { return at.After(r.broken) && !at.After(r.repaired) }

func (r *recorded) addPod(pod string) {
	restart, gone, back := r.begin.Add(40*time.Minute), r.begin.Add(90*time.Minute), r.begin.Add(93*time.Minute)
	var total, bad, pendingTotal, pendingBad float64
	started := r.begin.Add(-time.Hour)
	erred := false
	for at := r.begin.Add(123 * time.Millisecond); !at.After(r.end); at = at.Add(scrapeEvery) {
		events, failed := float64(perScrape), 0.0
		if r.isBroken(at) {
			failed = badPerScrape
		}
		if pod == "a" && at.After(restart) && started.Before(restart) {
			started, total, bad, events = restart.Add(40*time.Millisecond), 0, 0, 12
		}
		total, bad = total+events, bad+failed
		pendingTotal, pendingBad = pendingTotal+events, pendingBad+failed
		if pod == "b" && at.After(gone) && at.Before(back) {
			continue
		}
		if first := r.begin.Add(123 * time.Millisecond); at.After(first) {
			r.scrapes = append(r.scrapes, scraped{at, pendingTotal, pendingBad})
		}
		pendingTotal, pendingBad = 0, 0
		r.add(at, 1, "up", "job", "shop", "instance", pod)
		r.add(at, float64(started.UnixMilli())/1000, "process_start_time_seconds", "job", "shop", "instance", pod)
		r.add(at, total-bad, "http_requests_total", "job", "shop", "instance", pod, "code", "200")
		if erred = erred || bad > 0; erred {
			r.add(at, bad, "http_requests_total", "job", "shop", "instance", pod, "code", "500")
		}
		for le, n := range map[string]float64{"0.1": (total - bad) / 2, "0.5": total - bad, "2.5": total, "+Inf": total} {
			r.add(at, n, "http_request_duration_seconds_bucket", "job", "shop", "instance", pod, "le", le)
		}
		r.add(at, total, "http_request_duration_seconds_count", "job", "shop", "instance", pod)
		r.add(at, total, "http_request_duration_seconds_sum", "job", "shop", "instance", pod)
	}
}

func (r *recorded) add(at time.Time, v float64, name string, pairs ...string) {
	labels := map[string]string{"__name__": name}
	for i := 0; i < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	r.samples = append(r.samples, promtest.Sample{Time: at, Value: v, Labels: labels})
}

// events are those of all pods in (from, to].
func (r *recorded) events(from, to time.Time) (total, bad float64) {
	for _, s := range r.scrapes {
		if s.at.After(from) && !s.at.After(to) {
			total, bad = total+s.total, bad+s.bad
		}
	}
	return total, bad
}

// ticks are those in (from, to], and those at which the probe had failed last.
func (r *recorded) ticks(from, to time.Time) (total, bad float64) {
	for at := from.Add(recordTick); !at.After(to); at = at.Add(recordTick) {
		total++
		last := at.Add(-123 * time.Millisecond).Truncate(scrapeEvery).Add(123 * time.Millisecond)
		if r.isBroken(last) {
			bad++
		}
	}
	return total, bad
}

const recordedSLOs = `
defaults:
  target: 99%
  window: 2h
  incident: {burn: [{rate: 5, long: 5m, short: 1m}], budget: false, min_bad_events: 2, hold: 1m}
slos:
  - name: available
    service: shop
    indicator: {ratio: {bad: 'http_requests_total{job="shop",code="500"}', total: 'http_requests_total{job="shop"}'}}
  - name: fast
    service: shop-speed
    indicator: {latency: {histogram: 'http_request_duration_seconds{job="shop"}', threshold: 500ms}}
  - name: reachable
    service: probe
    indicator: {bool: 'min(probe_success{job="probe"}) == 1'}
`

// TestVictoriaMetricsCounts replays a recorded past from VictoriaMetrics: each of the three kinds
// of indicators has one incident, and its numbers are exact, and so are those of the objective's
// window. The query engine of Prometheus, which is asked the same, shows that the test expects what
// can be had.
func TestVictoriaMetricsCounts(t *testing.T) {
	t.Parallel()
	r := record()
	for name, serve := range map[string]func(t *testing.T) string{
		"Prometheus": func(t *testing.T) string {
			server := promtest.Start(t)
			if err := server.Append(r.samples...); err != nil {
				t.Fatal(err)
			}
			return server.URL()
		},
		"VictoriaMetrics": func(t *testing.T) string {
			v := startVictoriaMetrics(t)
			v.load(r.samples)
			return v.url()
		},
	} {
		t.Run(name, func(t *testing.T) { r.verify(t, serve(t)) })
	}
}

func (r *recorded) verify(t *testing.T, url string) {
	slos := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(slos, []byte(recordedSLOs), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--prometheus", url, "replay", "--no-cache", "--output", "json",
		"--start", r.begin.Add(5*time.Minute).UTC().Format(time.RFC3339), "--end", r.end.UTC().Format(time.RFC3339), slos)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("replaying: %v\n%s", err, said.String())
	}
	var found struct {
		Objectives []web.Objective
		Incidents  []web.Incident
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("replaying: %v\n%s", err, out)
	}
	for _, o := range found.Objectives {
		total, bad := r.eventsOf(o.SLO, r.end.Add(-2*time.Hour), r.end)
		r.compare(t, o.SLO+"'s window of two hours", o.TotalEvents, o.BadEvents, total, bad)
	}
	windows := map[string]web.Window{}
	for _, i := range found.Incidents {
		for _, w := range i.Windows {
			if _, twice := windows[w.SLO]; twice || w.Kind != alert.Burn || w.Ended == nil {
				t.Errorf("%s has a window %+v", w.SLO, w)
			}
			windows[w.SLO] = w
		}
	}
	for _, name := range []string{"available", "fast", "reachable"} {
		w, ok := windows[name]
		if !ok || w.Ended == nil {
			t.Errorf("%s has no incident that ended", name)
			continue
		}
		if !w.Onset.Equal(r.broken) || w.Ended.Sub(r.repaired).Abs() > recordTick {
			t.Errorf("%s's incident lasts from %s to %s, want %s to %s", name, w.Onset, *w.Ended, r.broken.UTC(), r.repaired.UTC())
		}
		total, bad := r.eventsOf(name, w.Onset, *w.Ended)
		r.compare(t, fmt.Sprintf("%s's incident, with %q,", name, w.Caveats), w.TotalEvents, w.BadEvents, total, bad)
	}
}

// eventsOf are the events of an objective in (from, to].
func (r *recorded) eventsOf(name string, from, to time.Time) (total, bad float64) {
	if name == "reachable" {
		return r.ticks(from, to)
	}
	return r.events(from, to)
}

func (r *recorded) compare(t *testing.T, what string, gotTotal, gotBad, total, bad float64) {
	t.Helper()
	if math.Abs(gotTotal-total) > 1e-6 || math.Abs(gotBad-bad) > 1e-6 {
		t.Errorf("%s has %v events and %v bad, want %v and %v", what, gotTotal, gotBad, total, bad)
	}
}
