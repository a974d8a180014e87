package prom_test

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// world is a row of the table.
type world struct {
	name       string
	pods       []pod
	indicator  slo.Indicator // ratio of requests_total where it is zero
	bad, total string        // the same by increase(), over a range that is %s
}

func worlds() []world {
	minute := func(n int) time.Time { return worldBegin.Add(time.Duration(n) * time.Minute) }
	between := func(from, to int) func(time.Time) bool {
		return func(at time.Time) bool { return !at.Before(minute(from)) && at.Before(minute(to)) }
	}
	scraped := func(d time.Duration) []pod { return eight(func(_ int, p *pod) { p.scrape = d }) }
	return slices.Concat(histogramWorlds(), []world{
		{name: "scraped every 5 s", pods: scraped(5 * time.Second)},
		{name: "scraped every 15 s", pods: scraped(15 * time.Second)},
		{name: "scraped every 30 s", pods: scraped(30 * time.Second)},
		{name: "scraped every 60 s", pods: scraped(60 * time.Second)},
		{name: "scrapes that jitter by up to 3 s", pods: eight(func(_ int, p *pod) { p.jitter = 3 * time.Second })},
		{name: "first error makes the series", pods: eight(func(_ int, p *pod) { p.has = []string{"200"} })},
		{name: "one error in ten minutes", pods: eight(func(i int, p *pod) {
			p.has = []string{"200"}
			p.failing = func(at time.Time) float64 {
				if i == 0 && at.Sub(worldBegin)%(10*time.Minute) == 5*time.Minute {
					return 0.05
				}
				return 0
			}
		})},
		{name: "a restart of each pod every 20 minutes", pods: eight(func(i int, p *pod) {
			for n := 1; n < 6; n++ {
				p.restarts = append(p.restarts, worldBegin.Add(time.Duration(20*n)*time.Minute+time.Duration(67*i)*time.Second))
			}
		})},
		{name: "all pods replaced in the middle", pods: append(
			eight(func(i int, p *pod) { p.end = minute(60 + i) }),
			eight(func(i int, p *pod) { p.name, p.start = fmt.Sprintf("new-%d", i), minute(60+i) })...)},
		{name: "a pod unscraped for 10 minutes", pods: eight(func(i int, p *pod) {
			if i == 0 {
				p.unscraped = between(50, 60)
			}
		})},
		{name: "long-running pod first seen", pods: eight(func(i int, p *pod) {
			if i == 0 {
				p.start = worldBegin.Add(-48 * time.Hour)
				p.unscraped = func(at time.Time) bool { return at.Before(minute(30)) }
			}
		})},
		{name: "replicas that are a little behind", pods: eight(func(i int, p *pod) {
			p.dips = func(at time.Time) bool { return i == 0 && at.Minute()%10 == 7 }
		})},
		{name: "values that are not a number", pods: eight(func(i int, p *pod) {
			if i == 0 {
				p.value = func(at time.Time, _ string, n int) float64 {
					if at.Minute()%20 == 13 && at.Second() >= 10 && at.Second() < 40 {
						return math.NaN()
					}
					return float64(n)
				}
			}
		})},
		{name: "a quarter of an hour without traffic", pods: eight(func(_ int, p *pod) {
			p.rate = func(at time.Time) float64 {
				if between(85, 100)(at) {
					return 0
				}
				return 20
			}
		})},
	}, rareWorlds(between, minute))
}

// rareWorlds are those in which other ways of counting go wrong.
func rareWorlds(between func(from, to int) func(time.Time) bool, minute func(int) time.Time) []world {
	// Each process counts for two scrapes and starts anew, now busier than before and now less.
	crashing := func(scrape time.Duration, rates ...float64) []pod {
		return eight(func(_ int, p *pod) {
			p.scrape, p.crashing = scrape, between(50, 70)
			p.rate = func(at time.Time) float64 { return rates[at.Unix()/int64(2*scrape.Seconds())%int64(len(rates))] }
		})
	}
	steady := crashing(15*time.Second, 20)
	for i := range steady {
		steady[i].silent = true
	}
	other := func(counts map[string]int, _ *[len(bounds)]int) []promtest.Sample {
		return []promtest.Sample{
			{Labels: map[string]string{"__name__": "answered_total"}, Value: float64(counts["200"])},
			{Labels: map[string]string{"__name__": "asked_total", "method": "GET", "tier": "web"}, Value: float64(counts["200"] + counts["500"])},
		}
	}
	return []world{
		{name: "a crash loop of 30 s for 20 minutes, scraped every 15 s", pods: crashing(15*time.Second, 5, 20, 80)},
		{name: "the same with steady traffic and without start times", pods: steady},
		{name: "a crash loop of 60 s for 20 minutes, scraped every 30 s", pods: crashing(30*time.Second, 5, 20, 80)},
		{name: "a crash loop of 20 s for 20 minutes, scraped every 10 s", pods: crashing(10*time.Second, 5, 20, 80)},
		{name: "a new pod that is scraped 20 minutes after its start", pods: eight(func(i int, p *pod) {
			if i == 0 {
				p.start, p.unscraped = minute(35), between(35, 55)
			}
		})},
		{name: "a target that comes back after three hours", pods: eight(func(i int, p *pod) {
			if i == 0 {
				p.start, p.unscraped = worldBegin.Add(-4*time.Hour), between(-170, 15)
			}
		})},
		{
			name: "good and total of other names and labels", pods: eight(func(_ int, p *pod) { p.expose = other }),
			indicator: slo.Indicator{Ratio: &slo.Ratio{Good: "answered_total", Total: "asked_total"}},
			bad:       "(sum(increase(asked_total[%[1]s])) - sum(increase(answered_total[%[1]s])))", total: "sum(increase(asked_total[%[1]s]))",
		},
	}
}
