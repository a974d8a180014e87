package count

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A simulation makes up a recording of random targets, and knows what their scrapes have shown.
type simulation struct {
	*rand.Rand
	traits   traits
	rec      recording
	series   map[string]*recorded
	from, to int64    // what is counted, ms
	shown    []shown  // what scrapes have shown
	log      []string // what happened
}

// shown is events that a scrape was the first to show.
type shown struct {
	at     int64
	events float64
	isBad  bool
}

// shownUntil returns how many events scrapes have shown until a time.
func (s *simulation) shownUntil(to int64) (all, bad float64) {
	for _, one := range s.shown {
		if one.at > s.from && one.at <= to {
			all += one.events
			if one.isBad {
				bad += one.events
			}
		}
	}
	return all, bad
}

// traits are the kinds of things that happen in a world.
type traits struct {
	noUp, noPlace, sameTimes    bool
	start                       bool
	fails, gaps, restarts       bool
	exporterRestarts            bool
	relabels, newPods, replicas bool
	ttl                         int // 1: idle series are deleted; 2: they come back with their sum
	lazy                        bool
	dips                        bool
	histogram                   bool
}

// pod is a target with the process behind it.
type pod struct {
	sim      *simulation
	labels   map[string]string
	every    int64
	next     int64
	ends     int64 // no scrape after it
	begun    int64 // of the process
	start    float64
	rates    []float64 // events a second, of the counters
	incident [2]int64
	values   []float64
	shown    []float64
	idle     []int64 // since when a counter has not changed
	deleted  []bool
	last     int64 // until when the process has counted
	down     int64 // until when it is not there
	silent   [2]int64
	before   []float64 // the last values of the process before
	old      float64   // its start
	again    int       // scrapes that show it once more
	live     map[string]bool
}

const second = 1000

func (s *simulation) chance(p float64) bool { return s.Float64() < p }

func (s *simulation) poisson(mean float64) float64 {
	if mean > 50 {
		return math.Max(0, math.Round(mean+s.NormFloat64()*math.Sqrt(mean)))
	}
	n, p := 0.0, math.Exp(-mean)
	for x := s.Float64(); x > p; x *= s.Float64() {
		n++
	}
	return n
}

func newSimulation(seed uint64) *simulation {
	s := &simulation{Rand: rand.New(rand.NewPCG(seed, 7)), series: map[string]*recorded{}}
	on := func(p float64) bool { return s.chance(p) }
	s.traits = traits{
		noUp: on(.25), noPlace: on(.3), sameTimes: on(.4), start: on(.6), fails: on(.4), gaps: on(.3), restarts: on(.5),
		exporterRestarts: on(.15), relabels: on(.25), newPods: on(.25), replicas: on(.1), lazy: on(.7), dips: on(.1), histogram: on(.2),
	}
	if on(.3) {
		s.traits.ttl = 1 + s.IntN(2)
	}
	if s.traits.noUp {
		s.traits.fails, s.traits.start = false, s.traits.start && on(.3)
		// Without staleness markers nothing shows that a series was not there for less than 5
		// minutes.
		s.traits.ttl &^= 1
		s.traits.lazy = s.traits.lazy && !s.traits.restarts
	} else {
		s.traits.noPlace = false
	}
	// If a process does not say when it started, and is scraped once a tick, the tick in which a
	// replica shows the one before looks plain.
	s.traits.replicas = s.traits.replicas && s.traits.start
	if s.traits.histogram {
		s.traits.ttl, s.traits.dips = 0, false
	}
	// A series that was dropped before its target got other labels was never seen under these.
	s.traits.relabels = s.traits.relabels && s.traits.ttl < 2
	begin := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC).UnixMilli()
	s.from, s.to = begin, begin+int64(40+s.IntN(50))*60*second
	every := []int64{15, 30, 60}[s.IntN(3)] * second
	if s.traits.ttl == 1 {
		every = max(every, 30*second) // a series that is gone for less than a tick is not seen to be
	}
	phase := s.Int64N(every)
	for n := range 1 + s.IntN(4) {
		s.run(n, every, phase, begin)
	}
	for _, key := range slices.Sorted(maps.Keys(s.series)) {
		r := s.series[key]
		switch r.Name {
		case "d":
			s.addHistogram(r)
		case "up":
			s.rec.up = append(s.rec.up, r)
		case "process_start_time_seconds":
			s.rec.starts = append(s.rec.starts, r)
		case "requests_total":
			if !s.traits.histogram {
				s.rec.counters = append(s.rec.counters, r)
			}
		}
	}
	return s
}

// addHistogram makes a recording of all events, some slow, the recording of a histogram.
func (s *simulation) addHistogram(all *recorded) {
	labels := maps.Clone(all.Labels)
	labels["code"] = "1"
	slow := s.series[fmt.Sprint("requests_total", labels)]
	bucket := RawHistogram{Name: "d", Labels: all.Labels, Bound: .5}
	count := RawHistogram{Name: "d", Labels: all.Labels, Bound: math.NaN()}
	native := s.chance(.5)
	for _, one := range all.Samples {
		n := 0.0
		if slow != nil {
			if i := find(slow.Samples, one.At); i < len(slow.Samples) && slow.Samples[i].At == one.At {
				n = slow.Samples[i].Value
			}
		}
		if native {
			buckets := []Bucket{{.25, .5, one.Value - n}, {.5, 1, n}}
			count.Native = append(count.Native, NativeSample{one.At, one.Value, buckets})
		} else {
			count.Samples = append(count.Samples, one)
			bucket.Samples = append(bucket.Samples, Sample{one.At, one.Value - n})
		}
	}
	h := Histograms([]RawHistogram{count, bucket}, .5)[0]
	s.rec.counters = append(s.rec.counters,
		&recorded{Series: h.All, all: 1, bad: 1, stale: all.stale}, &recorded{Series: h.Good, bad: -1, stale: all.stale})
}

// run simulates one pod from half an hour before the counting begins.
func (s *simulation) run(n int, every, phase, begin int64) {
	p := &pod{sim: s, every: every, labels: map[string]string{"job": "j", "instance": fmt.Sprint("i", n)}, live: map[string]bool{}}
	if s.traits.noPlace {
		p.labels = map[string]string{"service": "s", "pod": fmt.Sprint("p", n)}
	}
	if !s.traits.sameTimes {
		phase = s.Int64N(every)
	}
	born := begin - 30*60*second
	if s.traits.newPods && n > 0 {
		born = begin + s.Int64N(s.to-begin)
	}
	p.next = born + (phase+every-born%every)%every
	p.ends = s.to
	p.rates = []float64{math.Exp(s.Float64()*6 - 2), 0}
	if s.chance(.3) {
		p.rates = append(p.rates, math.Exp(s.Float64()*6-4))
	}
	p.incident[0] = begin + s.Int64N(s.to-begin)
	p.incident[1] = p.incident[0] + int64(1+s.IntN(20))*60*second
	p.process(born - s.Int64N(every))
	var restart, relabel, exporter int64 = math.MaxInt64, math.MaxInt64, math.MaxInt64
	some := func() int64 { return begin + s.Int64N(s.to-begin) }
	if s.traits.restarts && s.chance(.7) {
		restart = some()
	}
	if s.traits.relabels && s.chance(.7) {
		relabel = some()
	}
	if s.traits.exporterRestarts && s.traits.start {
		exporter, restart = some(), math.MaxInt64
	}
	if s.traits.gaps && s.chance(.6) {
		p.silent[0] = some()
		p.silent[1] = p.silent[0] + int64(1+s.IntN(30))*60*second
	}
	for ; p.next < p.ends; p.next += every {
		at := p.next
		if !s.traits.sameTimes || !s.traits.noUp {
			at += s.Int64N(40)
		}
		if at >= restart && at-p.begun > 8*60*second && (s.traits.start || at < p.silent[0]-every-90*second || at > p.silent[1]+every) {
			p.restart(restart, at)
			restart = math.MaxInt64
			if s.chance(.4) {
				restart = at + 9*60*second + s.Int64N(30*60*second)
			}
		}
		if at >= exporter && at-p.begun > 15*60*second && !p.isSilent(at) && (at < p.silent[0]-every || at > p.silent[1]+2*every) {
			s.logf(at, "%v: exporter restarts", p.labels)
			p.start, exporter = float64(at-every/2)/1000, math.MaxInt64
		}
		if at >= relabel && !p.isSilent(at) && (at < p.silent[0] || at > p.silent[1]+2*every) {
			p.relabel(at)
			relabel = math.MaxInt64
		}
		p.scrape(at)
	}
}

func (s *simulation) logf(at int64, format string, args ...any) {
	s.log = append(s.log, time.UnixMilli(at).UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (p *pod) isSilent(at int64) bool { return at >= p.silent[0] && at < p.silent[1] }

// process begins a process.
func (p *pod) process(at int64) {
	p.begun, p.start, p.last = at, float64(at)/1000, at
	n := len(p.rates)
	p.values, p.shown, p.idle, p.deleted = make([]float64, n), make([]float64, n), make([]int64, n), make([]bool, n)
}

func (p *pod) restart(since, at int64) {
	s := p.sim
	begun := max(p.last+1, at-p.every+1+s.Int64N(p.every-1))
	if s.chance(.4) && !p.isSilent(at) {
		begun = at + s.Int64N(90*second)
		p.down = begun
	}
	p.count(max(p.last, min(begun, at)-s.Int64N(5*second)-1))
	p.before, p.old = slices.Clone(p.shown), p.start
	s.logf(at, "%v: restart, started %s", p.labels, time.UnixMilli(begun).UTC().Format("15:04:05.000"))
	p.process(begun)
	if s.traits.replicas {
		p.again = 1 + s.IntN(2)
	}
}

// count goes on to a time.
func (p *pod) count(at int64) {
	for i, rate := range p.rates {
		if i == 1 {
			rate = p.rates[0] * .003
			if p.last >= p.incident[0] && p.last < p.incident[1] {
				rate = p.rates[0] * .6
			}
		}
		n := p.sim.poisson(rate * float64(at-p.last) / 1000)
		if n > 0 {
			p.idle[i] = at
		}
		p.values[i] += n
	}
	p.last = at
}

// relabel gives the target other labels; the process goes on.
func (p *pod) relabel(at int64) {
	s := p.sim
	for _, key := range slices.Sorted(maps.Keys(p.live)) {
		if !s.traits.noUp {
			s.series[key].stale[at-p.sim.Int64N(5*second)] = true
		}
		delete(p.live, key)
	}
	p.again = 0 // a replica that is behind has the old labels
	p.labels = maps.Clone(p.labels)
	switch {
	case p.labels["team"] != "":
		delete(p.labels, "team")
	case s.chance(.4) && p.labels["instance"] != "":
		p.labels["instance"] += "x"
	default:
		p.labels["team"] = "shop"
	}
	s.logf(at, "now %v", p.labels)
}

func (p *pod) scrape(at int64) {
	s := p.sim
	if p.isSilent(at) {
		if at-p.silent[0] < p.every {
			s.logf(at, "%v: silent until %s", p.labels, time.UnixMilli(p.silent[1]).UTC().Format("15:04:05"))
		}
		return
	}
	failed := at < p.down || s.traits.fails && s.chance(.03)
	if !s.traits.noUp {
		v := 1.0
		if failed {
			v = 0
		}
		p.sample(at, "up", "", v)
	}
	if at >= p.down {
		p.count(at)
	}
	if failed {
		for key := range p.live {
			if !strings.HasPrefix(key, "up") {
				s.series[key].stale[at] = true
			}
		}
		return
	}
	if p.isSilent(at - p.every) {
		p.again = 0
	}
	if p.again > 0 && at > p.begun+p.every {
		p.again--
		s.logf(at, "%v: the process before once more", p.labels)
		p.expose(at, p.before, p.old, false)
		return
	}
	values := slices.Clone(p.values)
	dip := s.traits.dips && at > s.from && len(p.live) > 0 && s.chance(.02) && slices.Max(p.shown) > 100
	if dip { // nothing that it shows is newer than the last scrape
		for i := range values {
			if values[i] = p.shown[i]; values[i] > 100 {
				values[i] = math.Floor(values[i] * .99)
			}
		}
	}
	p.expose(at, values, p.start, !dip)
}

// expose records the samples of one scrape, and what they show if they come from the process.
func (p *pod) expose(at int64, values []float64, start float64, isNew bool) {
	s := p.sim
	if s.traits.start {
		p.sample(at, "process_start_time_seconds", "", start)
	}
	for i, v := range values {
		if isNew && s.traits.ttl > 0 && i == 1 && v > 0 && at-p.idle[i] > 5*60*second {
			if s.traits.ttl == 1 && !p.deleted[i] {
				s.logf(at, "%v: series %d of %v deleted", p.labels, i, v)
				p.values[i], p.shown[i] = 0, 0
			}
			p.deleted[i] = true
			continue
		}
		if isNew && p.deleted[i] && p.idle[i] == at {
			p.deleted[i] = false
			s.logf(at, "%v: series %d is back with %v", p.labels, i, v)
		}
		if p.deleted[i] || v == 0 && i > 0 && s.traits.lazy {
			continue
		}
		p.sample(at, "requests_total", fmt.Sprint(i), v)
		if isNew {
			s.shown = append(s.shown, shown{at, v - p.shown[i], i == 1})
			p.shown[i] = v
		}
	}
	if s.traits.histogram {
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		p.sample(at, "d", "", sum)
	}
	for key := range p.live { // what is there no longer ends
		r := s.series[key]
		if last := r.Samples[len(r.Samples)-1].At; last < at && !s.traits.noUp {
			r.stale[at] = true
			delete(p.live, key)
		}
	}
}

func (p *pod) sample(at int64, name, code string, v float64) {
	labels := maps.Clone(p.labels)
	if code != "" {
		labels["code"] = code
	}
	key := fmt.Sprint(name, labels)
	r := p.sim.series[key]
	if r == nil {
		r = &recorded{Series: Series{Name: name, Labels: labels}, all: 1, stale: map[int64]bool{}}
		if code == "1" {
			r.bad = 1
		}
		p.sim.series[key] = r
	}
	r.Samples = append(r.Samples, Sample{at, v})
	p.live[key] = true
}
