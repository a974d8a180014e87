package prom_test

import (
	"fmt"
	"maps"
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
	gauge      func(at time.Time) float64                     // queue_oldest_seconds; nil: none
	labels     map[string]string                              // more labels of all its series
	unlabelled bool                                           // its counters have no job and instance
	fails      bool                                           // while unscraped its scrapes fail; else nobody tries

	later       time.Time // from when on it exposes something else; zero: never
	exposeLater exposition
}

// exposition makes series of what a process counted: by code, and of latencies the lengths of all its requests.
type exposition func(counts map[string]int, lengths *[len(bounds)]int) []promtest.Sample

// bounds are the lengths of requests that are told apart, in seconds: all up to 0.5 are fast, as "200" is.
var bounds = [...]float64{0.1, 0.25, 0.5, 1, 2, math.Inf(1)}

// count is what the pods themselves counted.
type count struct{ total, bad float64 }

func (c count) ratio() float64 { return c.bad / c.total }
func (c *count) add(d count)   { c.total, c.bad = c.total+d.total, c.bad+d.bad }

// play is a pod's life in a stretch: its samples, and what it counted. Part of that was lost, with a process that ended after its last scrape;
// part nobody saw, as the process had been counting for more than an hour before it was scraped.
type play struct {
	samples               []promtest.Sample
	counted, lost, unseen count
}

// run plays the pod, second by second.
func (p pod) run(rnd *rand.Rand, from, to time.Time) (life play) {
	var counts map[string]int
	var lengths [len(bounds)]int
	var begun, scraped time.Time
	var since count            // the last scrape
	var seen []promtest.Sample // at it
	restart := func(at time.Time) {
		begun, counts, lengths = at, map[string]int{}, [len(bounds)]int{}
		for _, code := range p.has {
			counts[code] = 0
		}
		life.lost.add(since)
		since = count{}
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
				one := count{1, map[string]float64{"500": 1}[code]}
				life.counted.add(one)
				since.add(one)
			}
		}
		if at.Before(next) {
			continue
		}
		when := at
		if p.jitter > 0 {
			when = when.Add(time.Duration(rnd.Int64N(int64(p.jitter))))
		}
		next = next.Add(p.scrape)
		if p.unscraped == nil || !p.unscraped(at) {
			if at.Sub(scraped) > time.Hour && at.Sub(begun) > time.Hour {
				life.unseen.add(since)
			}
			scraped, since, seen = at, count{}, p.sample(when, begun, counts, &lengths)
			life.samples = append(life.samples, seen...)
		} else if p.fails {
			life.samples, seen = append(life.samples, p.failed(when, seen)...), nil
		}
		if scrapes++; scrapes%2 == 0 && p.crashing != nil && p.crashing(at) {
			restart(at.Add(time.Second))
		}
	}
	if p.end.Before(worldEnd) {
		life.lost.add(since)
		gone := p.failed(p.end.Add(p.scrape), seen)
		gone[0].Value = promtest.Stale() // nobody tries to scrape it any more
		life.samples = append(life.samples, gone...)
	}
	return life
}

// failed is a scrape that failed: it ends the series of the one before.
func (p pod) failed(at time.Time, before []promtest.Sample) []promtest.Sample {
	samples := []promtest.Sample{{Labels: map[string]string{"__name__": "up", "job": "shop", "instance": p.name}, Time: at}}
	for _, s := range before {
		if s.Labels["__name__"] != "up" {
			samples = append(samples, promtest.Sample{Labels: s.Labels, Time: at, Value: promtest.Stale()})
		}
	}
	return samples
}

func (p pod) sample(at, begun time.Time, counts map[string]int, lengths *[len(bounds)]int) (samples []promtest.Sample) {
	add := func(target bool, all ...promtest.Sample) {
		for _, s := range all {
			s.Time = at
			maps.Copy(s.Labels, p.labels)
			if target {
				s.Labels["job"], s.Labels["instance"] = "shop", p.name
			} else {
				s.Labels["pod"] = p.name
			}
			samples = append(samples, s)
		}
	}
	add(true, single("up", 1))
	if !p.silent {
		add(true, single("process_start_time_seconds", float64(begun.Unix()-1))) // a second's requests are counted at its end
	}
	if p.gauge != nil {
		add(true, single("queue_oldest_seconds", p.gauge(at)))
	}
	expose := p.expose
	if !p.later.IsZero() && at.After(p.later) {
		expose = p.exposeLater
	}
	if expose != nil {
		add(!p.unlabelled, expose(counts, lengths)...)
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
		add(!p.unlabelled, single("requests_total", v, "code", code))
	}
	return samples
}

// single is a value of a series, given by its name and its labels' names and values.
func single(name string, v float64, labels ...string) promtest.Sample {
	all := map[string]string{"__name__": name}
	for i := 0; i+1 < len(labels); i += 2 {
		all[labels[i]] = labels[i+1]
	}
	return promtest.Sample{Labels: all, Value: v}
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
