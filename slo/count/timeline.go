package count

import (
	"slices"
)

// timeline is when a target was scraped, and when its processes started.
type timeline struct {
	tries   []int64        // when Prometheus tried to scrape it, ascending; empty if unknown
	scrapes []int64        // when it showed something, ascending
	starts  []Sample       // when its process had started, by its scrapes
	behind  map[int64]bool // scrapes of a replica that is behind, which show an ended process; mostly nil
}

// addTries adds the values of `up`, which are 1 if a scrape showed something.
func (t *timeline) addTries(up []Sample) {
	t.tries, t.scrapes = slices.Grow(t.tries, len(up)), slices.Grow(t.scrapes, len(up))
	for _, s := range up {
		t.tries = append(t.tries, s.At)
		if s.Value == 1 {
			t.scrapes = append(t.scrapes, s.At)
		}
	}
}

// lastScrape returns the last scrape before a time; ok is false if none is known.
func (t *timeline) lastScrape(before int64) (at int64, ok bool) {
	i := position(t.scrapes, before)
	if i == 0 {
		return 0, false
	}
	return t.scrapes[i-1], true
}

// start returns when the process at a time had started, in ms.
func (t *timeline) start(at int64) (start int64, known bool) {
	i := find(t.starts, at+1)
	if i == 0 || !(t.starts[i-1].Value > 0) {
		return 0, false
	}
	return int64(t.starts[i-1].Value * 1000), true
}

// started returns when a process started between two times, in ms; ok is false if none did.
func (t *timeline) started(from, to int64) (at int64, ok bool) {
	at, known := t.start(to)
	before, had := t.start(from)
	const same = sameStart * 1000
	return at, known && (!had || at > before+same) && at > from-same && at <= to+same
}

// sameStart is how far the start times of one process may be apart, in seconds: some exporters
// compute them anew at each scrape.
const sameStart = 2

// addTimes adds the samples' times that the sorted times lack. Mostly they have all: the counters
// of a target are scraped together.
func addTimes(times []int64, samples []Sample) []int64 {
	if times == nil {
		times = make([]int64, 0, len(samples))
	}
	known, i := times, 0
	for _, s := range samples {
		for i < len(known) && known[i] < s.At {
			i++
		}
		if i == len(known) || known[i] != s.At {
			times = append(times, s.At)
		}
	}
	if len(times) > len(known) {
		slices.Sort(times)
	}
	return times
}

// position returns the index of the first time that is not before `at`.
func position(times []int64, at int64) int {
	i, _ := slices.BinarySearch(times, at)
	return i
}

// findBehind finds scrapes that show an ended process, by its start time.
func (t *timeline) findBehind() {
	newest := 0.0
	for _, s := range t.starts {
		if s.Value >= newest-sameStart {
			newest = s.Value
		} else if s.Value > 0 {
			t.setBehind(s.At)
		}
	}
}

func (t *timeline) setBehind(at int64) {
	if t.behind == nil {
		t.behind = map[int64]bool{}
	}
	t.behind[at] = true
}

func (t *timeline) hasStarted(s span) bool {
	_, started := t.started(s.from, s.to)
	return started
}

// end returns when a target was scraped last.
func (t *timeline) end() int64 { return t.scrapes[len(t.scrapes)-1] }
