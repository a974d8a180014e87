package count

import "slices"

// few is a number of events that any process may have counted at once.
const few = 100

// pace is how often a target is scraped, and how much it counts.
type pace struct {
	job   *job
	tick  int64   // the tick's interval, ms
	every int64   // the usual time between two scrapes, ms; 0: not known
	rate  float64 // the most that it counted between two scrapes, in events a ms
	steps int     // between scrapes in which it counted something
	sum   float64 // what its counters had together at its first scrape
}

// measureScrapes finds the usual time between scrapes: the median.
func (p *pace) measureScrapes(times []int64) {
	gaps := make([]int64, 0, len(times))
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	if slices.Sort(gaps); len(gaps) > 0 {
		p.every = gaps[(len(gaps)-1)/2]
	}
}

// measureEvents finds the most that a target counts, by how much it counted in its steps.
func (p *pace) measureEvents(counted map[span]float64) {
	p.steps = len(counted)
	for s, n := range counted {
		p.rate = max(p.rate, n/float64(s.to-s.from))
	}
}

// inherit takes over what is known of an older target's pace.
func (p *pace) inherit(old pace) {
	p.rate = max(p.rate, old.rate)
	if p.every == 0 {
		p.every = old.every
	}
}

// usualGap returns the usual time between two scrapes, in ms; the tick's interval if it is unknown.
func (p *pace) usualGap() int64 {
	if p.every == 0 {
		return p.tick
	}
	return p.every
}

// usualStep returns how many events a target counts from one scrape to the next.
func (p *pace) usualStep() float64 { return p.rate * float64(p.every) }

// peersStep returns how many events the older targets of its job count from one scrape to the next:
// their median, or 0 if there are none.
func (p *pace) peersStep() float64 {
	if len(p.job.steps) == 0 {
		return 0
	}
	return p.job.steps[len(p.job.steps)/2]
}

// believable reports whether a target can have counted so many events in a length of time, in ms:
// up to ten times its own highest rate lately between two scrapes; if it was idle, ten times the
// median rate of its job; and always up to ten events.
//
// So an idle target without peers is believed ten events in its first step; more is taken for a
// past that was not scraped before. Otherwise any series that an exporter left out until now would
// be an outage of all events in its life. A burst out of nothing loses its first step only, and a
// caveat says how many events that had.
func (p *pace) believable(events float64, length int64) bool {
	rate := p.rate
	if rate == 0 && len(p.job.rates) > 0 {
		rate = p.job.rates[len(p.job.rates)/2]
	}
	return events <= 10*max(rate*float64(length), 1)
}

// job is the targets of one job: their sizes tell what one of them can count.
type job struct {
	targets      []*target
	rates, steps []float64 // of targets known before the tick: events a ms, and a scrape interval
	every        int64     // the longest time that is usual between two scrapes of one, ms; 0: not known
}

func (j *job) measure() {
	for _, t := range j.targets {
		j.every = max(j.every, t.every)
		if wasThere := len(t.scrapes) > 0 && t.scrapes[0] <= t.world.begin(); wasThere && t.rate > 0 {
			j.rates = append(j.rates, t.rate)
			j.steps = append(j.steps, t.usualStep())
		}
	}
	slices.Sort(j.rates)
	slices.Sort(j.steps)
}
