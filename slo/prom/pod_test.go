package prom_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/postburn/postburn/slo/prom/promtest"
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
	crashing   func(at time.Time) bool                        // it restarts just after each second scrape; nil: never
	silent     bool                                           // it does not say when it started
	expose     exposition                                     // nil: requests_total by code

	later       time.Time // from when on it exposes something else; zero: never
	exposeLater exposition
}

// exposition makes series of what a process counted: by code, and of latencies the lengths of all its requests.
type exposition func(counts map[string]int, lengths *[len(bounds)]int) []promtest.Sample

// bounds are the lengths of requests that are told apart, in seconds: all up to 0.5 are fast, as "200" is.
var bounds = [...]float64{0.1, 0.25, 0.5, 1, 2, math.Inf(1)}

// count is what the pods themselves counted.
type count struct{ total, bad float64 }

// run plays the pod, second by second, and returns its samples and what it counted.
func (p pod) run(rnd *rand.Rand, from, to time.Time) (samples []promtest.Sample, counted count) {
	var counts map[string]int
	var lengths [len(bounds)]int
	var begun time.Time
	restart := func(at time.Time) {
		begun, counts, lengths = at, map[string]int{}, [len(bounds)]int{}
		for _, code := range p.has {
			counts[code] = 0
		}
	}
	restart(p.start)
	carry, scrapes := 0.0, 0
	next := p.start.Add(time.Duration(rnd.Int64N(int64(p.scrape))))
	for at := p.start; at.Before(p.end); at = at.Add(time.Second) {
		if slices.ContainsFunc(p.restarts, at.Equal) {
			restart(at)
		}
		for carry += p.rate(at); carry >= 1; carry-- {
			code, length := "200", rnd.IntN(3)
			if rnd.Float64() < p.failing(at) {
				code, length = "500", 3+rnd.IntN(3)
			}
			counts[code]++
			lengths[length]++
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
			samples = append(samples, p.sample(scraped, begun, counts, &lengths)...)
		}
		if scrapes++; scrapes%2 == 0 && p.crashing != nil && p.crashing(at) {
			restart(at.Add(time.Second))
		}
	}
	return samples, counted
}

func (p pod) sample(at, begun time.Time, counts map[string]int, lengths *[len(bounds)]int) []promtest.Sample {
	series := func(name, code string, v float64) promtest.Sample {
		labels := map[string]string{"__name__": name, "job": "shop", "instance": p.name}
		if code != "" {
			labels["code"] = code
		}
		return promtest.Sample{Labels: labels, Time: at, Value: v}
	}
	samples := []promtest.Sample{series("up", "", 1)}
	if !p.silent {
		samples = append(samples, series("process_start_time_seconds", "", float64(begun.Unix())))
	}
	expose := p.expose
	if !p.later.IsZero() && at.After(p.later) {
		expose = p.exposeLater
	}
	if expose != nil {
		for _, s := range expose(counts, lengths) {
			s.Time, s.Labels["job"], s.Labels["instance"] = at, "shop", p.name
			samples = append(samples, s)
		}
		return samples
	}
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
