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
	indicator  slo.Indicator // ratio of requests_total if it is zero
	groupBy    []string
	bad, total string                  // the same by increase(), over a RANGE; empty: it says nothing of that
	held       func(at time.Time) bool // the truth of a condition; nil: the pods' own counts are
	caveats    []slo.CaveatKind        // those that there have to be, and no others
	needs      string                  // what VictoriaMetrics does not store; empty: it has all
}

// Values that VictoriaMetrics does not store: there the scrape lacks the series.
const (
	nativeHistograms = "native histograms"
	notANumber       = "NaN"
)

// requests is a world of the counters that most have.
func requests() world {
	return world{
		indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{code="500"}`, Total: `requests_total`}},
		bad:       `sum(increase(requests_total{code="500"}[RANGE]))`, total: `sum(increase(requests_total[RANGE]))`,
	}
}

// worlds are all of them.
func worlds() (all []world) {
	for _, w := range slices.Concat(histogramWorlds(), scrapeWorlds(), birthWorlds(), restartWorlds(), goneWorlds(), targetWorlds(), otherWorlds()) {
		if w.indicator == (slo.Indicator{}) {
			usual := requests()
			w.indicator, w.bad, w.total = usual.indicator, usual.bad, usual.total
		}
		all = append(all, w)
	}
	return all
}

func minute(n int) time.Time { return worldBegin.Add(time.Duration(n) * time.Minute) }

// between are the times from one minute to another.
func between(from, to int) func(time.Time) bool {
	return func(at time.Time) bool { return !at.Before(minute(from)) && at.Before(minute(to)) }
}

// first are eight pods; one differs.
func first(change func(p *pod)) []pod {
	return eight(func(i int, p *pod) {
		if i == 0 {
			change(p)
		}
	})
}

// scrapeWorlds differ in how they are scraped.
func scrapeWorlds() []world {
	scraped := func(d time.Duration) []pod { return eight(func(_ int, p *pod) { p.scrape = d }) }
	// Every twenty minutes one scrape of each series has no usable number, and at another time
	// three in a row.
	unusable := func(v float64) func(time.Time, string, int) float64 {
		return func(at time.Time, _ string, n int) float64 {
			one := at.Minute()%20 == 3 && at.Second() < 15
			if three := at.Minute()%20 == 13 && at.Second() >= 5 && at.Second() < 50; one || three {
				return v
			}
			return float64(n)
		}
	}
	return []world{
		{name: "scraped every 5 s", pods: scraped(5 * time.Second)},
		{name: "scraped every 15 s", pods: scraped(15 * time.Second)},
		{name: "scraped every 30 s", pods: scraped(30 * time.Second)},
		{name: "scraped every 60 s", pods: scraped(60 * time.Second)},
		{name: "scrapes that jitter by up to 3 s", pods: eight(func(_ int, p *pod) { p.jitter = 3 * time.Second })},
		{name: "a pod unscraped for 10 minutes", caveats: []slo.CaveatKind{slo.LongGap}, pods: first(func(p *pod) { p.unscraped = between(50, 60) })},
		{name: "a pod whose scrapes fail for 10 minutes", caveats: []slo.CaveatKind{slo.LongGap}, pods: first(func(p *pod) {
			p.unscraped, p.fails = between(50, 60), true
		})},
		{name: "replicas that are a little behind", caveats: []slo.CaveatKind{slo.Dip}, pods: first(func(p *pod) {
			p.dips = func(at time.Time) bool { return at.Minute()%10 == 7 }
		})},
		{name: "values that are not a number", needs: notANumber, caveats: []slo.CaveatKind{slo.LongGap, slo.NotANumber}, pods: eight(func(_ int, p *pod) { p.value = unusable(math.NaN()) })},
		{name: "values that are negative", caveats: []slo.CaveatKind{slo.LongGap, slo.NotANumber}, pods: eight(func(_ int, p *pod) { p.value = unusable(-1) })},
		{name: "values that are infinite", caveats: []slo.CaveatKind{slo.LongGap, slo.NotANumber}, pods: eight(func(_ int, p *pod) { p.value = unusable(math.Inf(1)) })},
		{name: "a pod that has no number for 10 minutes", needs: notANumber, caveats: []slo.CaveatKind{slo.LongGap, slo.NotANumber}, pods: first(func(p *pod) {
			p.value = func(at time.Time, _ string, n int) float64 {
				if between(50, 60)(at) {
					return math.NaN()
				}
				return float64(n)
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
	}
}

// birthWorlds have series that begin.
func birthWorlds() []world {
	return []world{
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
		{name: "all pods replaced in the middle", pods: append(
			eight(func(i int, p *pod) { p.end = minute(60 + i) }),
			eight(func(i int, p *pod) { p.name, p.start = fmt.Sprintf("new-%d", i), minute(60+i) })...)},
		{name: "a new pod that is scraped 20 minutes after its start", pods: first(func(p *pod) { p.start, p.unscraped = minute(35), between(35, 55) })},
		{
			name: "first error of a pod, while its scrapes fail, without start times", caveats: []slo.CaveatKind{slo.LongGap},
			pods: eight(func(i int, p *pod) {
				p.has, p.silent = []string{"200"}, true
				p.failing = func(at time.Time) float64 {
					if between(40, 81)(at) {
						return 0.3
					}
					return 0
				}
				if i == 0 {
					p.unscraped, p.fails = between(35, 45), true
				}
			}),
		},
		{name: "long-running pod first seen", caveats: []slo.CaveatKind{slo.Baseline}, pods: first(func(p *pod) {
			p.start = worldBegin.Add(-48 * time.Hour)
			p.unscraped = func(at time.Time) bool { return at.Before(minute(30)) }
		})},
		{name: "a target that comes back after three hours", caveats: []slo.CaveatKind{slo.LongGap}, pods: first(func(p *pod) {
			p.start, p.unscraped = worldBegin.Add(-4*time.Hour), between(-170, 15)
		})},
		{name: "series without job and instance, born with the first error", pods: eight(func(_ int, p *pod) {
			p.has, p.unlabelled = []string{"200"}, true
		})},
	}
}

// restartWorlds have counters that begin at 0 again.
func restartWorlds() []world {
	// Each process counts for two scrapes and starts anew, now busier than before and now less.
	crashing := func(scrape time.Duration, silent bool, rates ...float64) []pod {
		return eight(func(_ int, p *pod) {
			p.scrape, p.crashing, p.silent = scrape, between(50, 70), silent
			p.rate = func(at time.Time) float64 { return rates[at.Unix()/int64(2*scrape.Seconds())%int64(len(rates))] }
		})
	}
	restarted := []slo.CaveatKind{slo.Reset, slo.Restart}
	return []world{
		{name: "a restart of each pod every 20 minutes", caveats: []slo.CaveatKind{slo.Reset}, pods: eight(func(i int, p *pod) {
			for n := 1; n < 6; n++ {
				p.restarts = append(p.restarts, worldBegin.Add(time.Duration(20*n)*time.Minute+time.Duration(67*i)*time.Second))
			}
		})},
		{name: "a crash loop of 30 s for 20 minutes, scraped every 15 s", caveats: restarted, pods: crashing(15*time.Second, false, 5, 20, 80)},
		{name: "hidden resets that a scrape shows (20, 5, 30 in one tick), without start times", caveats: []slo.CaveatKind{slo.Reset}, pods: crashing(15*time.Second, true, 20, 25, 30)},
		{name: "a crash loop with steady traffic, without start times", caveats: []slo.CaveatKind{slo.Reset}, pods: crashing(15*time.Second, true, 20)},
		{name: "hidden resets between two scrapes, with start times (a crash loop of 60 s, scraped every 30 s)", caveats: restarted, pods: crashing(30*time.Second, false, 5, 20, 80)},
		{name: "a crash loop of 20 s for 20 minutes, scraped every 10 s", caveats: restarted, pods: crashing(10*time.Second, false, 5, 20, 80)},
	}
}

// otherWorlds have other indicators.
func otherWorlds() []world {
	other := func(counts map[string]int, _ *[len(bounds)]int) []promtest.Sample {
		return []promtest.Sample{
			single("answered_total", float64(counts["200"])),
			single("asked_total", float64(counts["200"]+counts["500"]), "method", "GET", "tier", "web"),
		}
	}
	// A queue that nobody takes from during the incident.
	oldest := func(at time.Time) float64 {
		if between(40, 81)(at) {
			return 5 + at.Sub(incidentBegin).Seconds()
		}
		return 5
	}
	regions := eight(func(i int, p *pod) {
		switch {
		case i < 4:
			p.labels, p.has = map[string]string{"region": "eu"}, []string{"200"}
		case i < 7: // which has no part in the incident
			p.labels = map[string]string{"region": "us"}
			p.failing = func(time.Time) float64 { return 0.001 }
		}
	})
	return []world{
		{
			name: "good and total of other names and labels", pods: eight(func(_ int, p *pod) { p.expose = other }),
			indicator: slo.Indicator{Ratio: &slo.Ratio{Good: "answered_total", Total: "asked_total"}},
			bad:       "(sum(increase(asked_total[RANGE])) - sum(increase(answered_total[RANGE])))", total: "sum(increase(asked_total[RANGE]))",
		},
		{
			name: "group_by of three label sets (the worst)", pods: regions, indicator: requests().indicator, groupBy: []string{"region"},
			bad: `sum by (region) (increase(requests_total{code="500"}[RANGE]))`, total: `sum by (region) (increase(requests_total[RANGE]))`,
		},
		{
			name: "a condition that is true or false (ticks)", pods: eight(func(_ int, p *pod) { p.gauge = oldest }),
			indicator: slo.Indicator{Bool: "max(queue_oldest_seconds) < 60"}, held: func(at time.Time) bool { return oldest(at) < 60 },
		},
	}
}
