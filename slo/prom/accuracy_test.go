package prom_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// The world of the accuracy table: two hours of traffic, with an incident of 41 minutes, read in ticks of 30 s.
var (
	worldBegin    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	incidentBegin = worldBegin.Add(40 * time.Minute)
	incidentEnd   = incidentBegin.Add(41 * time.Minute)
	worldEnd      = worldBegin.Add(2 * time.Hour)
)

// pod is a process that counts requests, and how it is scraped.
type pod struct {
	name       string
	start, end time.Time                  // of the process
	restarts   []time.Time                // its counters begin at 0 again
	rate       func(at time.Time) float64 // requests a second
	failing    func(at time.Time) float64 // share of requests that fail
	scrape     time.Duration
	jitter     time.Duration                                  // of each scrape, at most
	unscraped  func(at time.Time) bool                        // nil: always scraped
	dips       func(at time.Time) bool                        // a replica that is 5 requests behind answers; nil: never
	has        []string                                       // codes that the process exposes from its start; others are born with the first
	value      func(at time.Time, code string, n int) float64 // what a scrape shows; nil: n
}

// count is what the pods themselves counted.
type count struct{ total, bad float64 }

// run plays the pod, second by second, and returns its samples and what it counted.
func (p pod) run(rnd *rand.Rand, from, to time.Time) (samples []promtest.Sample, counted count) {
	counts := map[string]int{}
	for _, code := range p.has {
		counts[code] = 0
	}
	begun, carry := p.start, 0.0
	next := p.start.Add(time.Duration(rnd.Int64N(int64(p.scrape))))
	for at := p.start; at.Before(p.end); at = at.Add(time.Second) {
		for _, r := range p.restarts {
			if at.Equal(r) {
				begun, counts = r, map[string]int{}
				for _, code := range p.has {
					counts[code] = 0
				}
			}
		}
		for carry += p.rate(at); carry >= 1; carry-- {
			code := "200"
			if rnd.Float64() < p.failing(at) {
				code = "500"
			}
			counts[code]++
			if at.After(from) && !at.After(to) {
				counted.total++
				if code == "500" {
					counted.bad++
				}
			}
		}
		if at.Before(next) {
			continue
		}
		scraped := at
		if p.jitter > 0 {
			scraped = scraped.Add(time.Duration(rnd.Int64N(int64(p.jitter))))
		}
		next = next.Add(p.scrape)
		if p.unscraped == nil || !p.unscraped(at) {
			samples = append(samples, p.sample(scraped, begun, counts)...)
		}
	}
	return samples, counted
}

func (p pod) sample(at, begun time.Time, counts map[string]int) []promtest.Sample {
	series := func(name, code string, v float64) promtest.Sample {
		labels := map[string]string{"__name__": name, "job": "shop", "instance": p.name}
		if code != "" {
			labels["code"] = code
		}
		return promtest.Sample{Labels: labels, Time: at, Value: v}
	}
	samples := []promtest.Sample{series("up", "", 1), series("process_start_time_seconds", "", float64(begun.Unix()))}
	for code, n := range counts {
		v := float64(n)
		if p.dips != nil && p.dips(at) {
			v = max(0, v-5)
		}
		if p.value != nil {
			v = p.value(at, code, n)
		}
		samples = append(samples, series("requests_total", code, v))
	}
	return samples
}

// ordinary is a pod that has been up for the whole time, at 20 requests a second of which one in a hundred thousand fails, and 30 % during the incident.
func ordinary(name string) pod {
	return pod{
		name: name, start: worldBegin, end: worldEnd, scrape: 15 * time.Second, has: []string{"200", "500"},
		rate: func(time.Time) float64 { return 20 },
		failing: func(at time.Time) float64 {
			if at.Before(incidentBegin) || !at.Before(incidentEnd) {
				return 0.00001
			}
			return 0.3
		},
	}
}

func eight(change func(i int, p *pod)) []pod {
	var all []pod
	for i := range 8 {
		p := ordinary(fmt.Sprintf("pod-%d", i))
		if change != nil {
			change(i, &p)
		}
		all = append(all, p)
	}
	return all
}

func worlds() []struct {
	name string
	pods []pod
} {
	minute := func(n int) time.Time { return worldBegin.Add(time.Duration(n) * time.Minute) }
	between := func(from, to int) func(time.Time) bool {
		return func(at time.Time) bool { return !at.Before(minute(from)) && at.Before(minute(to)) }
	}
	scraped := func(d time.Duration) []pod { return eight(func(_ int, p *pod) { p.scrape = d }) }
	return []struct {
		name string
		pods []pod
	}{
		{"scraped every 5 s", scraped(5 * time.Second)},
		{"scraped every 15 s", scraped(15 * time.Second)},
		{"scraped every 30 s", scraped(30 * time.Second)},
		{"scraped every 60 s", scraped(60 * time.Second)},
		{"scrapes that jitter by up to 3 s", eight(func(_ int, p *pod) { p.jitter = 3 * time.Second })},
		{"first error makes the series", eight(func(_ int, p *pod) { p.has = []string{"200"} })},
		{"one error in ten minutes", eight(func(i int, p *pod) {
			p.has = []string{"200"}
			p.failing = func(at time.Time) float64 {
				if i == 0 && at.Sub(worldBegin)%(10*time.Minute) == 5*time.Minute {
					return 0.05
				}
				return 0
			}
		})},
		{"a restart of each pod every 20 minutes", eight(func(i int, p *pod) {
			for n := 1; n < 6; n++ {
				p.restarts = append(p.restarts, worldBegin.Add(time.Duration(20*n)*time.Minute+time.Duration(67*i)*time.Second))
			}
		})},
		{"all pods replaced in the middle", append(
			eight(func(i int, p *pod) { p.end = minute(60 + i) }),
			eight(func(i int, p *pod) { p.name, p.start = fmt.Sprintf("new-%d", i), minute(60+i) })...)},
		{"a pod unscraped for 10 minutes", eight(func(i int, p *pod) {
			if i == 0 {
				p.unscraped = between(50, 60)
			}
		})},
		{"long-running pod first seen", eight(func(i int, p *pod) {
			if i == 0 {
				p.start = worldBegin.Add(-48 * time.Hour)
				p.unscraped = func(at time.Time) bool { return at.Before(minute(30)) }
			}
		})},
		{"replicas that are a little behind", eight(func(i int, p *pod) {
			p.dips = func(at time.Time) bool { return i == 0 && at.Minute()%10 == 7 }
		})},
		{"values that are not a number", eight(func(i int, p *pod) {
			if i == 0 {
				p.value = func(at time.Time, _ string, n int) float64 {
					if at.Minute()%20 == 13 && at.Second() >= 10 && at.Second() < 40 {
						return math.NaN()
					}
					return float64(n)
				}
			}
		})},
		{"a quarter of an hour without traffic", eight(func(_ int, p *pod) {
			p.rate = func(at time.Time) float64 {
				if between(85, 100)(at) {
					return 0
				}
				return 20
			}
		})},
	}
}

// TestAccuracy compares what the pods of each world counted with what postburn, increase(), and the average of 5m recording rules make
// of their scrapes. `make accuracy` prints the table.
func TestAccuracy(t *testing.T) {
	seed := uint64(20260302)
	t.Logf("seed %d", seed)
	out := &strings.Builder{}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "| case\t| bad: truth\t| postburn\t| increase()\t| total: truth\t| postburn\t| increase()\t| ratio: truth\t| postburn\t| mean of 5m ratios\t| caveats\t|")
	fmt.Fprintln(table, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, world := range worlds() {
		t.Run(world.name, func(t *testing.T) {
			server := promtest.Start(t)
			rnd := rand.New(rand.NewPCG(seed, 1))
			// All but the edges of the world, so that what is not scraped yet at one edge is what was not at the other.
			from, to := worldBegin.Add(10*time.Minute), worldEnd.Add(-10*time.Minute)
			var truth count
			for _, p := range world.pods {
				samples, counted := p.run(rnd, from, to)
				if err := server.Append(samples...); err != nil {
					t.Fatal(err)
				}
				truth.total, truth.bad = truth.total+counted.total, truth.bad+counted.bad
			}
			found, caveats := readWorld(t, server, from, to)
			increase := count{
				total: ask(t, server, to, fmt.Sprintf(`sum(increase(requests_total[%s]))`, model.Duration(to.Sub(from)))),
				bad:   ask(t, server, to, fmt.Sprintf(`sum(increase(requests_total{code="500"}[%s]))`, model.Duration(to.Sub(from)))),
			}
			mean := ask(t, server, to, fmt.Sprintf(
				`avg_over_time((sum(rate(requests_total{code="500"}[5m])) / sum(rate(requests_total[5m])))[%s:5m])`, model.Duration(to.Sub(from))))
			fmt.Fprintf(table, "| %s\t| %.0f\t| %s\t| %s\t| %.0f\t| %s\t| %s\t| %.4f %%\t| %.4f %%\t| %.4f %%\t| %s\t|\n", world.name,
				truth.bad, off(found.bad, truth.bad), off(increase.bad, truth.bad),
				truth.total, off(found.total, truth.total), off(increase.total, truth.total),
				100*truth.bad/truth.total, 100*found.bad/found.total, 100*mean, kinds(caveats))
			for _, c := range []struct {
				what                   string
				truth, found, increase float64
			}{{"bad", truth.bad, found.bad, increase.bad}, {"total", truth.total, found.total, increase.total}} {
				miss := math.Abs(c.found - c.truth)
				// Nobody can count what a pod did before anybody saw it, or between its last scrape and its end; postburn says so, and does not
				// make up for it.
				has := func(kind slo.CaveatKind) bool {
					return slices.ContainsFunc(caveats, func(c slo.Caveat) bool { return c.Kind == kind })
				}
				if miss > max(1, 0.01*c.truth) && !has(slo.Baseline) {
					t.Errorf("%s is %.1f, %.2f %% off the truth %.0f", c.what, c.found, 100*miss/c.truth, c.truth)
				}
				if other := math.Abs(c.increase - c.truth); miss > other+max(1, 0.001*c.truth) && !has(slo.Reset) && !has(slo.NotANumber) {
					t.Errorf("%s is %.1f off, increase() only %.1f", c.what, miss, other)
				}
			}
		})
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("ACCURACY_TABLE") != "" {
		fmt.Print(out.String())
	}
}

// readWorld is what postburn counts.
func readWorld(t *testing.T, server *promtest.Server, from, to time.Time) (found count, caveats []slo.Caveat) {
	t.Helper()
	client, err := prom.New(prom.Options{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	objective := slo.Objective{
		Name: "shop", Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: `requests_total{code="500"}`, Total: `requests_total`}},
	}
	ticks := slo.Ticks{First: from.Add(30 * time.Second), Last: to, Interval: 30 * time.Second}
	reading := client.Read(t.Context(), []slo.Objective{objective}, ticks)[0]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	for _, s := range reading.Series[0].Samples {
		found.total, found.bad = found.total+s.Total, found.bad+s.Bad
		caveats = slo.MergeCaveats(caveats, s.Caveats)
		for _, l := range s.Late {
			found.total, found.bad = found.total+l.Total, found.bad+l.Bad
		}
	}
	return found, caveats
}

func ask(t *testing.T, server *promtest.Server, at time.Time, query string) float64 {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := v1.NewAPI(client).Query(context.Background(), query, at)
	if err != nil {
		t.Fatal(err)
	}
	if vector, ok := value.(model.Vector); ok && len(vector) == 1 {
		return float64(vector[0].Value)
	}
	return 0
}

// off is by how much a count is off the truth.
func off(found, truth float64) string {
	if truth == 0 {
		return fmt.Sprintf("%.0f", found)
	}
	return fmt.Sprintf("%+.2f %%", 100*(found-truth)/truth)
}

func kinds(caveats []slo.Caveat) string {
	var all []string
	for _, c := range caveats {
		all = append(all, string(c.Kind))
	}
	return strings.Join(all, ", ")
}
