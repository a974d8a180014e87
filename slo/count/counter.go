package count

import (
	"cmp"
	"slices"

	"github.com/postburn/postburn/slo"
)

// counter is a series of the world with what is known of it.
type counter struct {
	Series
	identity
	index int
	whole *counter // of a part: the counter of all events
	good  *counter // of a whole: the counter of good events, if any
	kept  []Sample // the usable ones, also from a counter with other labels that it goes on from
	dips  []int64  // scrapes in the tick that count nothing, as another replica was a little behind
	shown []Sample // when it was scraped, whatever its value
	rate  float64  // the most that it counted between two scrapes, in events a ms
	rise  float64  // see findRise
}

// identity is what tells the counters of one target apart.
type identity struct {
	name string
	part bool
	own  slo.Labels // its labels that are not its target's
	nth  int        // among equal ones: parts of one histogram
}

// before returns the newest sample before a time.
func (c *counter) before(at int64) (Sample, bool) {
	dips := c.dips
	if c.whole != nil {
		dips = c.whole.dips
	}
	for i := find(c.kept, at); i > 0; i-- {
		if !slices.Contains(dips, c.kept[i-1].At) {
			return c.kept[i-1], true
		}
	}
	return Sample{}, false
}

// at returns the sample at a time.
func (c *counter) at(at int64) (Sample, bool) {
	if i := find(c.kept, at); i < len(c.kept) && c.kept[i].At == at {
		return c.kept[i], true
	}
	return Sample{}, false
}

// wholeAt returns the sample of the counter of all events; ok is false if there is none.
func (c *counter) wholeAt(at int64) (whole Sample, ok bool) {
	if c.whole == nil {
		return Sample{}, false
	}
	return c.whole.at(at)
}

// stepsBefore returns a counter's samples in Lookback before a time, since its last reset.
func (c *counter) stepsBefore(until int64) []Sample {
	end := find(c.kept, until+1)
	begin := end
	for begin > 0 && c.kept[begin-1].At >= until-Lookback.Milliseconds() &&
		(begin == end || c.kept[begin-1].Value <= c.kept[begin].Value) {
		begin--
	}
	return c.kept[begin:end]
}

// exceeds reports whether a counter rises and has more than some times what it can have counted
// since a step or a process began: then it has not begun anew. One that stays the same is no proof:
// processes that crash all the time may each fail the same number of requests. Nor is one that has
// few events.
func (c *counter) exceeds(times float64, before, now Sample, since int64) bool {
	if len(c.kept) < 3 || c.rate == 0 {
		return false
	}
	return now.Value >= before.Value && now.Value > max(few, times*c.rate*float64(now.At-since))
}

func (c *counter) everFell() bool {
	for i := 1; i < len(c.Samples); i++ {
		if fell(c.Samples[i-1].Value, c.Samples[i].Value) {
			return true
		}
	}
	return false
}

// findRise finds how much a counter usually rises, in events a ms: the median of its steps.
func (c *counter) findRise() {
	var rises []float64
	for i := 1; i < len(c.Samples); i++ {
		before, now := c.Samples[i-1], c.Samples[i]
		if now.Value > before.Value {
			rises = append(rises, (now.Value-before.Value)/float64(now.At-before.At))
		}
	}
	if slices.Sort(rises); len(rises) > 0 {
		c.rise = rises[(len(rises)-1)/2]
	}
}

// find returns the index of the first sample that is not before `at`.
func find(samples []Sample, at int64) int {
	i, _ := slices.BinarySearchFunc(samples, at, func(s Sample, at int64) int { return cmp.Compare(s.At, at) })
	return i
}
