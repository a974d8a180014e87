package prom_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// goneWorlds have series that go and come back while their target is scraped. If whole seconds
// fail, a counter's value after some of them is known beforehand: 20 errors each.
func goneWorlds() []world {
	failing := func(p *pod, seconds ...time.Time) {
		p.has = []string{"200"}
		p.failing = func(at time.Time) float64 {
			if slices.ContainsFunc(seconds, at.Equal) {
				return 1
			}
			return 0
		}
	}
	container := func(silent bool) []pod {
		return eight(func(i int, p *pod) {
			p.silent, p.scrape, p.phase = silent, 30*time.Second, time.Second
			failing(p, minute(15), minute(60), minute(100))
			for n := range 2 { // all in all as long after a scrape as before one
				p.restarts = append(p.restarts, minute(40+40*n).Add(time.Duration(67*i+15*n)*time.Second))
			}
		})
	}
	return []world{
		{name: "a container restarts, its error series is back at its old value", caveats: []slo.CaveatKind{slo.Reset}, pods: container(false)},
		{name: "a container restarts, its error series is back at its old value, without start times", caveats: []slo.CaveatKind{slo.Reset}, pods: container(true)},
		{name: "an error series that is deleted when idle, and born again from 0", pods: eight(func(_ int, p *pod) {
			p.ttl, p.forgets = 10*time.Minute, true
			var seconds []time.Time
			for n, first := range []time.Time{minute(15), minute(40), minute(65), minute(90)} {
				for s := range 8 >> n { // each time fewer than before, so that it shows
					seconds = append(seconds, first.Add(time.Duration(s)*time.Second))
				}
			}
			failing(p, seconds...)
		})},
		{name: "an error series that is dropped when idle, and back with all it had after an hour and a half", caveats: []slo.CaveatKind{slo.Returned}, pods: eight(func(i int, p *pod) {
			p.ttl = 5 * time.Minute
			failing(p, minute(12), minute(102).Add(time.Duration(10*i)*time.Second))
		})},
		{name: "a replica that shows the old process once more after a restart", caveats: []slo.CaveatKind{slo.Reset}, pods: eight(func(i int, p *pod) {
			p.behind = 3
			for n := 1; n < 6; n++ {
				p.restarts = append(p.restarts, minute(20*n).Add(time.Duration(67*i)*time.Second))
			}
		})},
	}
}

// targetWorlds have targets that become others, and things that are no target at all.
func targetWorlds() []world {
	onlyThen := func(at time.Time) float64 {
		if between(40, 81)(at) {
			return 0.3
		}
		return 0
	}
	renamed := func(label, format string, silent bool) []pod {
		return eight(func(i int, p *pod) {
			p.start = worldBegin.Add(-time.Duration(97*i) * time.Second)
			p.renamed, p.as, p.silent = minute(60).Add(time.Duration(10*i)*time.Second), map[string]string{label: fmt.Sprintf(format, i)}, silent
		})
	}
	return []world{
		{name: "targets that get a label in the incident, their processes go on", pods: renamed("team", "shop", true)},
		{name: "targets whose instance changes in the incident", pods: renamed("instance", "other-%d", false)},
		{name: "targets whose instance changes in the incident, without start times", caveats: []slo.CaveatKind{slo.Returned}, pods: renamed("instance", "other-%d", true)},
		{name: "new pods in the incident, without start times", caveats: []slo.CaveatKind{slo.NewTarget}, pods: append(
			eight(func(i int, p *pod) { p.end, p.silent = minute(60+i), true }),
			eight(func(i int, p *pod) { p.name, p.start, p.silent = fmt.Sprintf("new-%d", i), minute(60+i), true })...)},
		{name: "no `up` at all, error series are born in the incident", pods: eight(func(_ int, p *pod) {
			p.pushed, p.has, p.failing = true, []string{"200"}, onlyThen
		})},
		{name: "pushed every 60 s, error series are born in the incident", pods: eight(func(_ int, p *pod) {
			p.pushed, p.scrape, p.has, p.failing = true, time.Minute, []string{"200"}, onlyThen
		})},
		{name: "a pod unscraped for 70 minutes in the middle", caveats: []slo.CaveatKind{slo.LongGap}, pods: first(func(p *pod) { p.unscraped = between(25, 95) })},
		{name: "bytes, 3e9 a second of each pod", pods: eight(func(_ int, p *pod) { p.bytes = 150e6 })},
		twoServices(),
		{name: "two processes that take turns behind one address (not counted)", caveats: []slo.CaveatKind{slo.Uncountable}, pods: append(eight(nil), mixed()...)},
	}
}

// twoServices has a gateway that counts requests, and a service that counts its answers and is
// scraped 19 s later. All are answered, and many come in bursts.
func twoServices() world {
	counting := func(name string) exposition {
		return func(counts map[string]int, _ *[len(bounds)]int) []promtest.Sample {
			return []promtest.Sample{single(name, float64(counts["200"]))}
		}
	}
	var pods []pod
	for i, name := range []string{"asked_total", "answered_total"} {
		p := ordinary(name)
		p.scrape, p.phase, p.mirrored = 30*time.Second, time.Duration(1+19*i)*time.Second, i > 0
		p.as, p.expose = map[string]string{"job": name}, counting(name)
		p.failing = func(time.Time) float64 { return 0 }
		p.rate = func(at time.Time) float64 {
			if between(15, 105)(at) && at.Unix()%70 < 7 {
				return 2000
			}
			return 20
		}
		pods = append(pods, p)
	}
	return world{
		name: "good and total of two services, scraped 19 s apart, with bursts", pods: pods,
		indicator: slo.Indicator{Ratio: &slo.Ratio{Good: "answered_total", Total: "asked_total"}},
		bad:       "(sum(increase(asked_total[RANGE])) - sum(increase(answered_total[RANGE])))", total: "sum(increase(asked_total[RANGE]))",
	}
}

// mixed are two processes behind one address that scrapes find by turns. They are an hour and two
// hours old, and have failed before, one for longer than the other.
func mixed() (pods []pod) {
	for i := range 2 {
		p := ordinary("mixed")
		p.start = worldBegin.Add(-time.Duration(1+i) * time.Hour)
		usual := p.failing
		p.failing = func(at time.Time) float64 {
			if at.Before(p.start.Add(time.Duration(10+50*i) * time.Minute)) {
				return 0.3
			}
			return usual(at)
		}
		p.scrape, p.phase, p.silent, p.mixed = 30*time.Second, time.Duration(1+15*i)*time.Second, true, true
		pods = append(pods, p)
	}
	return pods
}
