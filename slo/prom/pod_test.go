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

	phase    time.Duration // from its start to the first scrape; 0: a random one
	pushed   bool          // it sends its series: no up, no start time, no end of a series
	ttl      time.Duration // a code without requests for so long is not shown; 0: all are
	forgets  bool          // such a code begins at 0 again; else it is back with all that it had
	behind   int           // this scrape of each process is of a replica that has the one before
	bytes    float64       // of a request: they are counted; 0: requests are
	mirrored bool          // it counts what another pod counts: the truth has that once
	mixed    bool          // another process shares its address: nobody can tell what it counts

	renamed time.Time         // from when on its series have other labels; zero: always
	as      map[string]string // these
}

// weight is what a request counts for.
func (p pod) weight() float64 { return max(1, p.bytes) }

// exposition makes series of a process's counts: by code, and for latencies the lengths of all its
// requests.
type exposition func(counts map[string]int, lengths *[len(bounds)]int) []promtest.Sample

// bounds tell the lengths of requests apart, in seconds: all up to 0.5 are fast, like "200".
var bounds = [...]float64{0.1, 0.25, 0.5, 1, 2, math.Inf(1)}

// count is what the pods themselves counted.
type count struct{ total, bad float64 }

func (c count) ratio() float64 { return c.bad / c.total }
func (c *count) add(d count)   { c.total, c.bad = c.total+d.total, c.bad+d.bad }

// play is a pod's life in a stretch: its samples and its counts. Part was lost with a process that
// ended after its last scrape; part nobody saw, as the process counted for more than an hour before
// its first scrape.
type play struct {
	samples               []promtest.Sample
	counted, lost, unseen count
}

// run plays the pod, second by second.
func (p pod) run(rnd *rand.Rand, from, to time.Time) play {
	r := &running{pod: p, rnd: rnd}
	r.restart(p.start)
	next := p.start.Add(time.Duration(rnd.Int64N(int64(p.scrape))))
	if p.phase > 0 {
		next = p.start.Add(p.phase)
	}
	carry := 0.0
	for at := p.start; at.Before(p.end); at = at.Add(time.Second) {
		if slices.ContainsFunc(p.restarts, at.Equal) {
			r.restart(at)
		}
		n := 0
		for carry += p.rate(at); carry >= 1; carry-- {
			n++
		}
		r.requests(at, n, at.After(from) && !at.After(to))
		if at.Before(next) {
			continue
		}
		next = next.Add(p.scrape)
		r.scrape(at)
		if r.scrapes++; r.scrapes%2 == 0 && p.crashing != nil && p.crashing(at) {
			r.restart(at.Add(time.Second))
		}
	}
	if p.end.Before(worldEnd) {
		r.life.lost.add(r.since)
		if !p.pushed {
			r.life.samples = append(r.life.samples, stale(p.end.Add(p.scrape), r.seen)...) // nobody tries to scrape it any more
		}
	}
	return r.life
}

// running is a pod while it is played.
type running struct {
	pod
	rnd            *rand.Rand
	life           play
	counts         map[string]int
	counted        map[string]time.Time // when there was last a request of a code
	lengths        [len(bounds)]int
	begun, scraped time.Time
	since          count             // the last scrape
	scrapes, young int               // how many there were, and how many of this process
	seen, old      []promtest.Sample // at the last scrape, and at the last one of the process before
}

func (r *running) restart(at time.Time) {
	r.begun, r.counts, r.counted, r.lengths = at, map[string]int{}, map[string]time.Time{}, [len(bounds)]int{}
	for _, code := range r.has {
		r.counts[code] = 0
	}
	r.life.lost.add(r.since)
	r.since, r.young, r.old = count{}, 0, r.seen
}

// requests makes the process count the n requests of a second. Only those inside the stretch belong
// to the truth.
func (r *running) requests(at time.Time, n int, inside bool) {
	failing, failed := r.failing(at), 0
	for range n {
		length := r.rnd.IntN(3)
		if r.rnd.Float64() < failing {
			length = 3 + r.rnd.IntN(3)
			failed++
		}
		r.lengths[length]++
	}
	for code, m := range map[string]int{"200": n - failed, "500": failed} {
		if m > 0 {
			r.counts[code] += m
			r.counted[code] = at
		}
	}
	if inside {
		all := count{total: float64(n) * r.weight(), bad: float64(failed) * r.weight()}
		r.life.counted.add(all)
		r.since.add(all)
	}
}

// scrape adds the samples of a scrape, or of one that failed.
func (r *running) scrape(at time.Time) {
	when := at
	if r.jitter > 0 {
		when = when.Add(time.Duration(r.rnd.Int64N(int64(r.jitter))))
	}
	r.young++
	var samples []promtest.Sample
	switch {
	case r.unscraped != nil && r.unscraped(at):
		if !r.fails {
			return
		}
		samples = r.failed(when)
	case r.behind > 0 && r.young == r.behind && r.old != nil:
		for _, s := range r.old {
			s.Time = when
			samples = append(samples, s)
		}
	default:
		if at.Sub(r.scraped) > time.Hour && at.Sub(r.begun) > time.Hour {
			r.life.unseen.add(r.since)
		}
		r.scraped, r.since = at, count{}
		samples = r.sample(when, r.begun, r.shown(at), &r.lengths)
	}
	if !r.pushed {
		r.life.samples = append(r.life.samples, stale(when, without(r.seen, samples))...)
	}
	r.life.samples, r.seen = append(r.life.samples, samples...), samples
}

// shown returns what the process counted, without the codes that it dropped.
func (r *running) shown(at time.Time) map[string]int {
	shown := maps.Clone(r.counts)
	for code, last := range r.counted {
		if r.ttl > 0 && at.Sub(last) > r.ttl {
			delete(shown, code)
			if r.forgets {
				delete(r.counts, code)
			}
		}
	}
	return shown
}

// failed is a scrape that failed.
func (p pod) failed(at time.Time) []promtest.Sample {
	return []promtest.Sample{{Labels: map[string]string{"__name__": "up", "job": "shop", "instance": p.name}, Time: at}}
}

// stale ends series, as Prometheus does if a scrape lacks them.
func stale(at time.Time, series []promtest.Sample) (samples []promtest.Sample) {
	for _, s := range series {
		samples = append(samples, promtest.Sample{Labels: s.Labels, Time: at, Value: promtest.Stale()})
	}
	return samples
}

// without returns the samples of series that others lack.
func without(samples, others []promtest.Sample) []promtest.Sample {
	return slices.DeleteFunc(slices.Clone(samples), func(s promtest.Sample) bool {
		return slices.ContainsFunc(others, func(o promtest.Sample) bool { return maps.Equal(s.Labels, o.Labels) })
	})
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
			if !at.Before(p.renamed) {
				maps.Copy(s.Labels, p.as)
			}
			samples = append(samples, s)
		}
	}
	if !p.pushed {
		add(true, single("up", 1))
	}
	if !p.silent && !p.pushed {
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
		v := float64(n) * p.weight()
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

// ordinary is a pod that is up all the time, with 20 requests a second: one in a hundred thousand
// fails, and 30 % during the incident.
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
