package count

import (
	"slices"

	"github.com/postburn/postburn/slo"
)

// job is the targets of one job, whose sizes tell what one of them can count.
type job struct {
	targets      []*target
	rates, steps []float64 // of those that were there before the tick: events a ms, and a scrape interval
}

func (j *job) measure() {
	for _, t := range j.targets {
		if wasThere := len(t.scrapes) > 0 && t.scrapes[0] <= t.world.begin(); wasThere && t.rate > 0 {
			j.rates = append(j.rates, t.rate)
			j.steps = append(j.steps, t.usualStep())
		}
	}
	slices.Sort(j.rates)
	slices.Sort(j.steps)
}

// usualStep is how many events a target counts from one scrape to the next.
func (t *target) usualStep() float64 { return t.rate * float64(t.every) }

// peersStep is how many events the targets of a job that were there before a new one count from one
// scrape to the next: their median, and 0 where there are none.
func (t *target) peersStep() float64 {
	if len(t.job.steps) == 0 {
		return 0
	}
	return t.job.steps[len(t.job.steps)/2]
}

// believable reports whether a target can have counted so many events in a length of time, in ms:
// ten times the most that it counted lately from one scrape to the next; or, where it was idle,
// that another target of its job counted; or ten.
//
// So an idle target without peers is believed ten events in its first step, and what is more is
// taken for a past that was not scraped before. The other way round, any series that an exporter
// had left out until now would be an outage, of as many events as it has counted in its life; a
// burst out of nothing loses its first step only, and a caveat says how many events that had.
func (t *target) believable(events float64, length int64) bool {
	rate := t.rate
	if rate == 0 && len(t.job.rates) > 0 {
		rate = t.job.rates[len(t.job.rates)/2]
	}
	return events <= 10*max(rate*float64(length), 1)
}

// few is a number of events that any process may have counted at once.
const few = 100

// isAggregate reports whether a counter that fell to a value cannot have been reset, as it has much
// more than the target counts: so falls the sum of several processes when one of them is gone. A
// value of up to 100 is a reset in any case; and so is any, where the process says that it started,
// or where no other step tells what the target counts.
func (t *target) isAggregate(before, now Sample) bool {
	_, started := t.started(before.At, now.At)
	return !started && t.steps > 1 && now.Value > few && !t.believable(now.Value, now.At-before.At)
}

// uncountable reports whether a counter is of several processes, and how many events would be
// counted if it were of one: it falls in many steps; and either goes back and forth between a few
// values that each grow a little, or falls to values that are too large for a process that has just
// started. A process that crashes all the time does neither: what it has after a fall it has
// counted in one step.
func (t *target) uncountable(c *counter) (note slo.Caveat, is bool) {
	const processes, least = 4, 3 // that are told apart; falls
	var last, after []float64
	current, falls, steps, jumps, most, counted := -1, 0, 0, 0, 0.0, 0.0
	near := c.kept[find(c.kept, t.world.near()):]
	for i, s := range near {
		n := nearestBelow(last, s.Value)
		if current >= 0 && s.Value == last[current] {
			n = current
		}
		if n < 0 {
			n, last = len(last), append(last, s.Value)
		} else if n != current {
			jumps++
		}
		last[n], current = s.Value, n
		if i == 0 {
			continue
		}
		steps++
		events := s.Value - near[i-1].Value
		if fell(near[i-1].Value, s.Value) {
			events = s.Value
			falls++
			after = append(after, s.Value)
		} else {
			most = max(most, events)
		}
		if s.At > t.world.begin() {
			counted += max(events, 0)
		}
	}
	note = slo.Caveat{Kind: slo.Uncountable, Count: 1, Events: counted}
	if falls < least || 4*falls < steps {
		return note, false
	}
	slices.Sort(after)
	isSwitching := len(last) <= processes && jumps > least
	return note, isSwitching || after[len(after)/2] > most
}

// findShared finds out whether a target is several processes by turns: the counter with the most
// events is seen to be of several. Where it is another one, that is a client of many, and the
// others go on.
func (t *target) findShared() {
	var largest *counter
	for _, c := range t.counters {
		if n := len(c.kept); c.whole == nil && n > 0 && (largest == nil || c.kept[n-1].Value > largest.kept[len(largest.kept)-1].Value) {
			largest = c
		}
	}
	if largest != nil {
		_, t.shared = t.uncountable(largest)
	}
}

// nearestBelow is the number of the largest of some values that a counter can have gone on from to
// v, by at most 1/8; -1 where there is none. One that stays the same is told from a new process
// that happens to count as much by its size.
func nearestBelow(values []float64, v float64) int {
	const large = 1000
	found := -1
	for i, had := range values {
		if had <= v && v <= had*(1+resetShare) && (had < v || v > large) && (found < 0 || had > values[found]) {
			found = i
		}
	}
	return found
}
