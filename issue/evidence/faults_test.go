package evidence_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postburn/postburn/slo/prom/promtest"
)

// noon is when faults begin. Histories last from two and a half hours before it to an hour after.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// minute is a time, in minutes since noon.
func minute(n float64) time.Time { return noon.Add(time.Duration(n * float64(time.Minute))) }

// fault is an injected one, and all that is to be found of it.
type fault struct {
	name    string
	service promtest.Service
	series  string // more of them, a value every 30 s from the start on
	where   string // the part that stands out: `route="/cart" instance="b"`; empty: none does
	kind    string // what the bad events have in common, if anything
	surge   bool
	p99     [2]time.Duration // between which p99 is, of a latency objective
	rows    []row            // of the timeline
}

// row is what a row of the timeline says, and when that is, give or take a minute.
type row struct {
	text string
	at   time.Time
}

// fleet is a service of n pods in three zones that serve four routes. Its counts vary as those of
// independent requests do.
func fleet(seed uint64, n int, scale float64) promtest.Service {
	s := promtest.Service{
		Job: "store", Start: minute(-150), End: minute(60), Scrape: 30 * time.Second, Random: rand.New(rand.NewPCG(seed, 0)),
		Routes: map[string]float64{"/": 2 * scale, "/search": scale, "/cart": 0.6 * scale, "/pay": 0.3 * scale},
	}
	for i := range n {
		s.Targets = append(s.Targets, promtest.Target{Instance: fmt.Sprintf("10.1.0.%d:80", i), Version: "4.2", Labels: map[string]string{
			"pod": fmt.Sprintf("store-%02d", i), "zone": string(rune('a' + i%3)), "namespace": "web",
		}})
	}
	return s
}

// failing makes a share of the affected requests fail, from noon until 40 minutes later.
func failing(s promtest.Service, share float64, affected func(t promtest.Target, route string) bool) promtest.Service {
	s.Fails = func(at time.Time, t promtest.Target, route string) float64 {
		if at.Before(noon) || !at.Before(minute(40)) || !affected(t, route) {
			return 0.0001
		}
		return share
	}
	return s
}

func everything(promtest.Target, string) bool { return true }

// faults are those of the table in docs/evidence-measured.md. The measure was not tuned on them.
func faults() []fault {
	const code = `code="503"`
	pod := func(t promtest.Target, names ...string) bool {
		for _, n := range names {
			if t.Labels["pod"] == "store-"+n {
				return true
			}
		}
		return false
	}
	all := []fault{
		{name: "half of the requests to 1 of 20 pods fail", where: `pod="store-07"`,
			service: failing(fleet(1, 20, 1), 0.5, func(t promtest.Target, _ string) bool { return pod(t, "07") })},
		{name: "a fifth of the requests to 2 of 12 pods fail", where: `pod="store-03|store-08"`,
			service: failing(fleet(2, 12, 1), 0.2, func(t promtest.Target, _ string) bool { return pod(t, "03", "08") })},
		{name: "3 % of the requests to one zone of three fail", where: `zone="b"`,
			service: failing(fleet(3, 12, 1), 0.03, func(t promtest.Target, _ string) bool { return t.Labels["zone"] == "b" })},
		{name: "4 % of the requests to one route fail", where: `route="/cart"`,
			service: failing(fleet(4, 6, 1), 0.04, func(_ promtest.Target, r string) bool { return r == "/cart" })},
		{name: "one route fails on one pod of five", where: `pod="store-04" route="/pay"`,
			service: failing(fleet(5, 5, 1), 1, func(t promtest.Target, r string) bool { return r == "/pay" && pod(t, "04") })},
		{name: "one route fails in one zone", where: `route="/search" zone="c"`,
			service: failing(fleet(6, 9, 1), 0.6, func(t promtest.Target, r string) bool { return r == "/search" && t.Labels["zone"] == "c" })},
		{name: "everything fails alike", service: failing(fleet(7, 8, 1), 0.3, everything)},
		{name: "0.5 % of everything fails, few requests", service: failing(fleet(8, 15, 0.3), 0.005, everything)},
		{name: "everything fails alike; one pod has most of the traffic", service: failing(skewed(fleet(9, 6, 1)), 0.2, everything)},
		{name: "two faults at once: one route, and one pod", service: failing(fleet(10, 6, 1), 0.4, func(t promtest.Target, r string) bool {
			return r == "/search" || pod(t, "02")
		})},
	}
	flaky := failing(fleet(11, 6, 1), 0.1, everything)
	evenly := flaky.Fails
	flaky.Fails = func(at time.Time, t promtest.Target, r string) float64 {
		if r == "/pay" {
			return max(0.004, evenly(at, t, r))
		}
		return evenly(at, t, r)
	}
	all = append(all, fault{name: "everything fails alike; one route always fails a little", service: flaky})
	all = append(all, changed()...)
	all = append(all, restarted()...)
	for i := range all {
		all[i].kind = code
	}
	all = append(all, slow()...)
	return append(all, slowAndRestarted()...)
}

// skewed gives one pod six times the traffic of the others, by more routes that only it serves.
func skewed(s promtest.Service) promtest.Service {
	first := s.Targets[0]
	for n := range 5 {
		twin := first
		twin.Labels = map[string]string{"pod": first.Labels["pod"], "zone": first.Labels["zone"], "namespace": "web", "shard": fmt.Sprint(n)}
		s.Targets = append(s.Targets, twin)
	}
	return s
}

// changed are faults with something to be found in the timeline.
func changed() []fault {
	surge := failing(fleet(20, 6, 1), 0.25, everything)
	surge.Traffic = func(at time.Time) float64 {
		if at.Before(minute(-1)) || !at.Before(minute(40)) {
			return 1
		}
		return 4
	}
	deploy := fleet(21, 6, 1)
	for n := range deploy.Targets {
		deploy.Targets[n].Restarts = []promtest.Restart{{At: minute(-20 + float64(n)/2), Version: "4.3"}}
	}
	rollback := fleet(22, 6, 1)
	for n := range rollback.Targets {
		rollback.Targets[n].Restarts = []promtest.Restart{{At: minute(-1), Version: "4.3"}, {At: minute(36 + float64(n)/2), Version: "4.2"}}
	}
	loop := fleet(23, 6, 1)
	for n := range 6 {
		loop.Targets[1].Restarts = append(loop.Targets[1].Restarts, promtest.Restart{At: minute(float64(7 * n))})
	}
	gone := fleet(24, 6, 1)
	gone.Targets[5].To = minute(-3)
	down := fleet(25, 6, 1)
	down.Targets[3].Down = [2]time.Time{minute(-5), minute(45)}
	canary := fleet(26, 8, 1)
	for n := range canary.Targets {
		canary.Targets[n].Labels["track"] = "stable"
	}
	for n := range 2 {
		canary.Targets[n].Labels["track"] = "canary"
		canary.Targets[n].Restarts = []promtest.Restart{{At: minute(-0.5), Version: "5.0"}}
	}
	return []fault{
		{name: "four times the traffic, and a quarter fails", service: failing(surge, 0.25, everything), surge: true},
		{name: "a new version 20 minutes before", service: failing(deploy, 0.2, everything), rows: []row{
			{"6 targets started", minute(-20)}, {"version 4.3 appeared", minute(-20)}, {"version 4.2 was gone", minute(-17.5)},
		}},
		{name: "a new version, ended by going back to the old one", service: failing(rollback, 0.2, everything), rows: []row{
			{"6 targets started", minute(-1)}, {"version 4.3 appeared", minute(-1)}, {"version 4.2 was gone", minute(-1)},
			{"6 targets started", minute(36)}, {"version 4.2 appeared", minute(36)}, {"version 4.3 was gone", minute(38.5)},
		}},
		{name: "one pod of six starts again every 7 minutes, and fails", where: `pod="store-01"`,
			service: failing(loop, 0.5, func(t promtest.Target, _ string) bool { return t.Instance == "10.1.0.1:80" }), rows: []row{
				{"target 10.1.0.1:80 started", minute(0)}, {"target 10.1.0.1:80 started", minute(7)}, {"target 10.1.0.1:80 started", minute(14)},
				{"target 10.1.0.1:80 started", minute(21)}, {"target 10.1.0.1:80 started", minute(28)}, {"target 10.1.0.1:80 started", minute(35)},
			}},
		{name: "one target of six is gone, the others fail", service: failing(gone, 0.1, everything), rows: []row{{"from 6 to 5 targets", minute(-2.5)}}},
		{name: "one target of six can't be scraped, the others fail", service: failing(down, 0.1, everything),
			rows: []row{{"1 target could not be scraped: 10.1.0.3:80", minute(-5)}}},
		{name: "a new version on 2 of 8 pods", where: `track="canary"`,
			service: failing(canary, 0.3, func(t promtest.Target, _ string) bool { return t.Labels["track"] == "canary" }), rows: []row{
				{"2 targets started", minute(-0.5)}, {"version 5.0 appeared", minute(-0.5)},
			}},
		{name: "alerts fire, of this service and of another", service: failing(fleet(27, 6, 1), 0.2, everything),
			series: `ALERTS{alertname="StoreErrors",job="store",alertstate="firing"} _x309 1x80
ALERTS{alertname="DiskFull",job="db",alertstate="firing"} _x279 1x100
ALERTS{alertname="Watchdog",alertstate="firing"} 1x420`,
			rows: []row{{"StoreErrors began to fire: the first about this service since the onset", minute(5)}, {"DiskFull began to fire", minute(-10)}}},
		{name: "a deployment is changed and made smaller", service: failing(fleet(28, 6, 1), 0.2, everything),
			series: `kube_deployment_metadata_generation{namespace="web",deployment="store"} 7x279 8x260
kube_deployment_spec_replicas{namespace="web",deployment="store"} 9x279 6x260
kube_deployment_spec_replicas{namespace="other",deployment="store"} 2x279 5x260`,
			rows: []row{{"Deployment store changed: generation 7 to 8", minute(-10)}, {"Deployment store scaled from 9 to 6 replicas", minute(-10)}}},
	}
}

// slowed is failing for how long requests take.
func slowed(s promtest.Service, native bool, share float64, affected func(t promtest.Target, route string) bool) promtest.Service {
	s = failing(s, share, affected)
	s.Latency, s.Fails = &promtest.Latency{Native: native, Slow: s.Fails}, nil
	return s
}

// slow are faults of a latency objective: a share of requests takes too long. 60 % of those take
// 0.5 to 1 s, and the others 1 to 2 s.
func slow() []fault {
	upgraded := fleet(34, 6, 1)
	for n := range upgraded.Targets {
		upgraded.Targets[n].Restarts = []promtest.Restart{{At: minute(-3 + float64(n)/4), Version: "4.3"}}
	}
	long := [2]time.Duration{time.Second, 2 * time.Second}
	return []fault{
		{name: "one route is slow", where: `route="/search"`, p99: long,
			service: slowed(fleet(30, 6, 1), false, 0.6, func(_ promtest.Target, r string) bool { return r == "/search" })},
		{name: "one pod of eight is slow; native histograms", where: `pod="store-05"`, p99: long,
			service: slowed(fleet(31, 8, 1), true, 0.95, func(t promtest.Target, _ string) bool { return t.Labels["pod"] == "store-05" })},
		{name: "one route is slow in one zone; native histograms", where: `route="/" zone="a"`, p99: long,
			service: slowed(fleet(32, 9, 1), true, 0.7, func(t promtest.Target, r string) bool { return r == "/" && t.Labels["zone"] == "a" })},
		{name: "everything is slow alike", p99: long, service: slowed(fleet(33, 6, 1), false, 0.3, everything)},
		{name: "everything is slow after a new version; native histograms", p99: long, service: slowed(upgraded, true, 0.5, everything), rows: []row{
			{"6 targets started", minute(-3)}, {"version 4.3 appeared", minute(-3)}, {"version 4.2 was gone", minute(-1.5)},
		}},
		{name: "an eighth of everything is slow, few requests", p99: long, service: slowed(fleet(35, 10, 0.2), false, 0.125, everything)},
	}
}
