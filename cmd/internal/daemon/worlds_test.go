package daemon_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// epoch is when the clocks of synctest bubbles begin.
var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// history is what a Prometheus holds: of a shop with four targets, where half of the requests fail
// for 20 minutes, half an hour in, and once more an hour later.
func history(change func(*promtest.Service)) func(*promtest.Server) error {
	return func(s *promtest.Server) error {
		shop := promtest.Service{
			Job: "shop", Start: epoch.Add(-time.Hour), End: epoch.Add(3 * time.Hour), Scrape: 15 * time.Second,
			Routes: map[string]float64{"/": 10},
			Targets: []promtest.Target{
				{Instance: "a:80", Version: "1"}, {Instance: "b:80", Version: "1"}, {Instance: "c:80", Version: "1"}, {Instance: "d:80", Version: "1"},
			},
			Fails: func(at time.Time, _ promtest.Target, _ string) float64 {
				if inFault(at.Sub(epoch)) {
					return 0.5
				}
				return 0
			},
		}
		if change != nil {
			change(&shop)
		}
		return s.LoadService(shop)
	}
}

// inFault reports whether half of the requests at a time fail.
func inFault(at time.Duration) bool {
	return at > 30*time.Minute && at <= 50*time.Minute || at > 90*time.Minute && at <= 110*time.Minute
}

// The two faults of the history, to the tick, and the requests in them. Targets are scraped one
// after the other, so the end is a tick late.
const (
	firstFault  = "30m0s to 50m30s: 24000 of 49200"
	secondFault = "1h30m0s to 1h50m30s: 24000 of 49200"
)

// series names one of a target's.
type series struct{ name, le string }

// exposed is a history of two targets with other metrics: they are given the time, the requests of
// a target and the failed ones. A target starts anew at `restart`, unless that is 0. The faults are
// those of history, scraped at once.
func exposed(restart time.Duration, metrics func(at time.Duration, total, failed float64) map[series]float64) func(*promtest.Server) error {
	return func(s *promtest.Server) error { return s.Append(scraped(restart, metrics)...) }
}

// scraped are the samples of an exposed history, in the order of their times.
func scraped(restart time.Duration, metrics func(at time.Duration, total, failed float64) map[series]float64) (samples []promtest.Sample) {
	const scrape = 15 * time.Second
	total, failed, born := 1e6, 1e3, -24*time.Hour
	var before map[series]float64
	for at := -time.Hour; at <= 3*time.Hour; at += scrape {
		total += 300
		if inFault(at) {
			failed += 150
		}
		if restart > 0 && at == restart {
			total, failed, born = 300, 0, at
		}
		now := metrics(at, total, failed)
		now[series{name: "up"}], now[series{name: "process_start_time_seconds"}] = 1, float64(epoch.Add(born).Unix())
		for gone := range before {
			if _, is := now[gone]; !is {
				now[gone] = promtest.Stale()
			}
		}
		for of, v := range now {
			for _, instance := range []string{"a:80", "b:80"} {
				labels := map[string]string{"__name__": of.name, "job": "shop", "instance": instance}
				if of.le != "" {
					labels["le"] = of.le
				}
				samples = append(samples, promtest.Sample{Labels: labels, Time: epoch.Add(at), Value: v})
			}
		}
		before = metrics(at, total, failed)
	}
	return samples
}

// The faults of an exposed history.
const (
	firstExposed  = "30m0s to 50m0s: 24000 of 48000"
	secondExposed = "1h30m0s to 1h50m0s: 24000 of 48000"
)

// respelt is a histogram whose bucket is written in another way from an hour on.
func respelt(restart time.Duration) func(*promtest.Server) error {
	return exposed(restart, func(at time.Duration, total, slow float64) map[series]float64 {
		le := "0.5"
		if at >= time.Hour {
			le = "0.50"
		}
		return map[series]float64{
			{"latency_seconds_bucket", le}: total - slow, {"latency_seconds_bucket", "+Inf"}: total, {"latency_seconds_count", ""}: total,
		}
	})
}

// renamed is three counters; one has another name after an hour.
func renamed(restart time.Duration, which string) func(*promtest.Server) error {
	return exposed(restart, func(at time.Duration, total, failed float64) map[series]float64 {
		name := func(is string) series {
			if is == which && at >= time.Hour {
				is = "new_" + is
			}
			return series{name: is}
		}
		return map[series]float64{name("requests_total"): total, name("failures_total"): failed, name("successes_total"): total - failed}
	})
}

// counters is three counters.
func counters(_ time.Duration, total, failed float64) map[series]float64 {
	return map[series]float64{{name: "requests_total"}: total, {name: "failures_total"}: failed, {name: "successes_total"}: total - failed}
}

var (
	ratio     = slo.Indicator{Ratio: &slo.Ratio{Bad: `http_requests_total{job="shop",code=~"5.."}`, Total: `http_requests_total{job="shop"}`}}
	latency   = slo.Indicator{Latency: &slo.Latency{Histogram: `latency_seconds{job="shop"}`, Threshold: 500 * time.Millisecond}}
	successes = slo.Indicator{Ratio: &slo.Ratio{Good: "successes_total", Total: "requests_total"}}
	failures  = slo.Indicator{Ratio: &slo.Ratio{Bad: "failures_total", Total: "requests_total"}}
)

// TestWrongWorlds has the world change under a postburn in ways that no counter can explain: it
// finds the incidents that there are, once each, and no other.
func TestWrongWorlds(t *testing.T) {
	for _, tc := range []struct {
		name      string
		servers   []func(*promtest.Server) error
		indicator slo.Indicator
		arriving  []promtest.Sample // data that comes later than it is of, to the first server
		late      func(at time.Time) time.Duration
		during    func(w *world)
		want      []string
	}{
		{
			name: "the world as it should be", servers: []func(*promtest.Server) error{history(nil)}, indicator: ratio,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) },
			want:   []string{firstFault, secondFault},
		},
		{
			name: "the clock is set three hours ahead, and back", servers: []func(*promtest.Server) error{history(nil)}, indicator: ratio,
			during: func(w *world) {
				w.until(40 * time.Minute)
				w.ahead.Store(int64(3 * time.Hour))
				w.until(45 * time.Minute)
				if s := w.state(); s != alert.Blind {
					w.t.Errorf("while the clock is ahead the objective is %s", s)
				}
				w.ahead.Store(0)
				w.until(2*time.Hour + 10*time.Minute)
			},
			want: []string{firstFault, secondFault},
		},
		{
			name: "the clock is set three hours back, and right again", servers: []func(*promtest.Server) error{history(nil)}, indicator: ratio,
			during: func(w *world) {
				w.until(40 * time.Minute)
				w.ahead.Store(int64(-3 * time.Hour))
				w.until(45 * time.Minute)
				if s := w.state(); s != alert.Blind {
					w.t.Errorf("while the clock is behind the objective is %s", s)
				}
				w.ahead.Store(0)
				w.until(47 * time.Minute)
				if s := w.state(); s != alert.Burning {
					w.t.Errorf("two minutes later the objective is %s", s)
				}
				w.until(2*time.Hour + 10*time.Minute)
			},
			want: []string{firstFault, secondFault},
		},
		{
			name: "an old database is restored", servers: []func(*promtest.Server) error{history(nil)}, indicator: ratio,
			during: func(w *world) {
				w.until(20 * time.Minute)
				w.restore(w.t.TempDir(), 80*time.Minute)
				w.until(2*time.Hour + 10*time.Minute)
			},
			want: []string{firstFault, secondFault},
		},
		{
			name: "a database with an open breach is restored", servers: []func(*promtest.Server) error{history(nil)}, indicator: ratio,
			during: func(w *world) {
				w.until(40 * time.Minute)
				w.restore(w.t.TempDir(), 80*time.Minute)
				w.until(2*time.Hour + 10*time.Minute)
			},
			want: []string{firstFault, secondFault},
		},
		{
			name: "Prometheus is replaced by an empty one", indicator: ratio,
			servers: []func(*promtest.Server) error{history(nil), history(func(s *promtest.Service) { s.Start = epoch.Add(time.Hour) })},
			during: func(w *world) {
				w.until(time.Hour)
				w.server.Store(1)
				w.until(2*time.Hour + 10*time.Minute)
			},
			want: []string{firstFault, secondFault},
		},
		{
			name: "Prometheus is replaced by an empty one while a breach is open", indicator: ratio,
			servers: []func(*promtest.Server) error{history(nil), history(func(s *promtest.Service) { s.Start = epoch.Add(40 * time.Minute) })},
			during: func(w *world) {
				w.until(40 * time.Minute)
				w.server.Store(1)
				w.until(2*time.Hour + 10*time.Minute)
			},
			// Some seconds were only in the old one, and the new one's first values say nothing of
			// what went before.
			want: []string{"30m0s to 50m30s: 22575 of 46350, " +
				"8 counters first seen with a past; the 3,456,600 events they had counted before are not included, 1 tick without data left out", secondFault},
		},
		{
			name: "Prometheus' past is another one now", indicator: ratio,
			servers: []func(*promtest.Server) error{history(nil), history(func(s *promtest.Service) {
				fails := s.Fails
				s.Fails = func(at time.Time, of promtest.Target, route string) float64 {
					if at.Before(epoch.Add(time.Hour)) {
						return fails(at.Add(20*time.Minute), of, route)
					}
					return fails(at, of, route)
				}
			})},
			during: func(w *world) {
				w.until(time.Hour)
				w.server.Store(1)
				w.until(2*time.Hour + 10*time.Minute)
			},
			want: []string{firstFault, secondFault},
		},
		{
			name: "a bucket is spelt in another way", servers: []func(*promtest.Server) error{respelt(0)}, indicator: latency,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) }, want: []string{firstExposed, secondExposed},
		},
		{
			name: "a bucket is spelt in another way after an upgrade", servers: []func(*promtest.Server) error{respelt(time.Hour)}, indicator: latency,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) }, want: []string{firstExposed, secondExposed},
		},
		{
			name: "the total is renamed", servers: []func(*promtest.Server) error{renamed(0, "requests_total")}, indicator: failures,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) }, want: []string{firstExposed},
		},
		{
			name: "the bad events are renamed", servers: []func(*promtest.Server) error{renamed(0, "failures_total")}, indicator: failures,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) }, want: []string{firstExposed},
		},
		{
			name: "the good events are renamed", servers: []func(*promtest.Server) error{renamed(0, "successes_total")}, indicator: successes,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) }, want: []string{firstExposed},
		},
		{
			name: "the good events are renamed by an upgrade", servers: []func(*promtest.Server) error{renamed(time.Hour, "successes_total")}, indicator: successes,
			during: func(w *world) { w.until(2*time.Hour + 10*time.Minute) }, want: []string{firstExposed},
		},
		{
			name: "data comes two minutes late", indicator: failures, servers: []func(*promtest.Server) error{func(*promtest.Server) error { return nil }},
			arriving: scraped(0, counters), late: func(time.Time) time.Duration { return 2 * time.Minute },
			during: func(w *world) { w.until(2*time.Hour + 20*time.Minute) },
			want:   []string{firstExposed, secondExposed},
		},
		{
			name: "data begins to come late during a breach", indicator: failures, servers: []func(*promtest.Server) error{func(*promtest.Server) error { return nil }},
			arriving: scraped(0, counters),
			late: func(at time.Time) time.Duration {
				if at.After(epoch.Add(35 * time.Minute)) {
					return 3 * time.Minute
				}
				return 0
			},
			during: func(w *world) { w.until(2*time.Hour + 20*time.Minute) },
			want: []string{
				// 36,000 were late; those that were still to come when the past was read again
				// count twice.
				firstExposed + ", 46,800 events reached Prometheus after their tick was counted, and were added later", secondExposed,
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var servers []*promtest.Server
			for _, load := range tc.servers {
				s := promtest.Start(t)
				if err := load(s); err != nil {
					t.Fatal(err)
				}
				servers = append(servers, s)
			}
			dir, ask := t.TempDir(), outside(t, servers, tc.arriving, tc.late)
			synctest.Test(t, func(t *testing.T) {
				w := &world{
					t: t, dir: dir, ask: ask, caveats: map[slo.CaveatKind]int{}, errs: map[string]int{},
					definition: alert.Definition{
						Objective: slo.Objective{
							Name: "shop", Service: "shop", Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}, Indicator: tc.indicator,
						},
						Policy: alert.Policy{Rules: alert.DefaultRules(30 * 24 * time.Hour), MinBadEvents: 10, MergeGap: 30 * time.Minute, Group: "shop"},
					},
				}
				w.start()
				tc.during(w)
				if diff := cmp.Diff(tc.want, w.incidents()); diff != "" {
					t.Errorf("incidents (-want +got):\n%s\ncaveats %v, %d blind, errors %v\n%s", diff, w.caveats, w.blind, w.errs, w.log.String())
				}
				if n := w.postMortems(); n != len(tc.want) {
					t.Errorf("%d post-mortems of %d incidents", n, len(tc.want))
				}
				w.kill()
			})
		})
	}
}
