package count

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
)

// target is what one `up` series stands for: the counters that have all of its labels.
type target struct {
	world    *World
	labels   map[string]string // by which its counters are known to be its own
	job      *job
	counters []*counter
	known    map[identity]*counter // the same
	tries    []int64               // when Prometheus tried to scrape it, ascending; empty where that is not known
	scrapes  []int64               // when it showed something, ascending
	starts   []Sample              // when its process had started, by its scrapes
	behind   map[int64]bool        // scrapes of a replica that is behind: of a process that had ended
	every    int64                 // the usual time between two scrapes, ms; 0: not known
	rate     float64               // the most that it counted between two scrapes, in events a ms
	steps    int                   // between scrapes in which it counted something
	resets   spans                 // steps in which all its counters began anew
	falls    spans                 // between two samples of a counter that began anew
	sum      float64               // what its counters had together at its first scrape
	shared   bool                  // it is several processes by turns, so that none of its counters can be counted
	lost     bool                  // a counter has less than in its sample before
	alike    int64                 // since when it goes on from another target, if nothing but their values says so
	doubtful bool                  // nothing but its age says that it does not
}

// counter is a series of the world with what is known of it.
type counter struct {
	Series
	identity
	index int
	whole *counter // of a part: the counter of all events
	good  *counter // of a whole: the counter of good events, if it has one
	kept  []Sample // those that can be counted with, and those of a counter with other labels that it goes on from
	dips  []int64  // scrapes in the tick that nothing is counted from, as another replica was a little behind
	shown []int64  // when it was scraped, whatever its value
	rate  float64  // the most that it counted between two scrapes, in events a ms
	rise  float64  // see findRise
}

// identity is what tells the counters of one target apart.
type identity struct {
	name string
	part bool
	own  slo.Labels // its labels that are not its target's
	nth  int        // of those that are alike: parts of one histogram
}

// sameStart is how far the start times of one process may be apart, in seconds: some exporters
// compute it anew at each scrape.
const sameStart = 2

// targets sorts the world's counters by target.
func (w *World) targets() []*target {
	scraped := newIndex(w.Up)
	labels, sets := make([]map[string]string, len(w.Counters)), make([]names, len(w.Counters))
	for i := range w.Counters {
		labels[i], sets[i] = scraped.of(&w.Counters[i])
	}
	w.findUnscraped(labels, sets)
	byLabels, jobs := map[string]*target{}, map[string]*job{}
	var all []*target
	for i := range w.Counters {
		s := &w.Counters[i]
		p := s.under(sets[i])
		t := byLabels[p.text]
		if t == nil {
			name := labels[i][model.JobLabel]
			if jobs[name] == nil {
				jobs[name] = &job{}
			}
			t = &target{world: w, labels: labels[i], job: jobs[name], known: map[identity]*counter{}, behind: map[int64]bool{}}
			t.job.targets = append(t.job.targets, t)
			byLabels[p.text] = t
			all = append(all, t)
		}
		t.add(i, *s, p.rest)
	}
	for _, s := range w.Up {
		if t := byLabels[s.under(s.names()).text]; t != nil {
			for _, up := range s.Samples {
				t.tries = append(t.tries, up.At)
				if up.Value == 1 {
					t.scrapes = append(t.scrapes, up.At)
				}
			}
		}
	}
	for _, s := range w.Starts {
		if labels, n := scraped.of(&s); labels != nil {
			if t := byLabels[s.under(n).text]; t != nil {
				t.starts = append(t.starts, s.Samples...)
			}
			continue
		}
		for _, t := range all {
			if len(t.tries) == 0 && contains(t.labels, s.Labels) {
				t.starts = append(t.starts, s.Samples...)
			}
		}
	}
	for _, t := range all {
		t.prepare()
	}
	for _, j := range jobs {
		j.measure()
	}
	link(all)
	for _, t := range all {
		t.findResets()
		t.findShared()
	}
	return all
}

// add makes a series a counter of the target, by its labels that are not the target's.
func (t *target) add(i int, s Series, own slo.Labels) {
	c := &counter{Series: s, index: i}
	c.identity = identity{name: s.Name, part: s.Part, own: own}
	for t.known[c.identity] != nil {
		c.nth++
	}
	t.known[c.identity] = c
	t.counters = append(t.counters, c)
}

// findUnscraped finds the labels of targets without `up`: those of one job and instance are one,
// unless other labels tell them apart. Where there is no job or no instance, counters that are
// scraped together are one target.
func (w *World) findUnscraped(labels []map[string]string, sets []names) {
	pairs, joined := map[int64]int{}, map[int]int{} // by time: a counter; by counter: another of its target
	root := func(i int) int {
		for joined[i] != i {
			i = joined[i]
		}
		return i
	}
	varies := map[string]string{}
	tried := map[[2]int]bool{}
	for i, s := range w.Counters {
		if labels[i] != nil {
			continue
		}
		joined[i] = i
		for _, sample := range s.Samples {
			n, seen := pairs[sample.At]
			if !seen {
				pairs[sample.At] = i
				continue
			}
			o := w.Counters[n]
			known := n == i || tried[[2]int{n, i}]
			tried[[2]int{n, i}] = true
			if known || isPlaced(s) != isPlaced(o) || !together(s.Samples, o.Samples) {
				continue
			}
			joined[root(i)] = root(n)
			if isPlaced(s) {
				differing(varies, o.Labels, s.Labels)
			}
		}
	}
	delete(varies, model.JobLabel)
	delete(varies, model.InstanceLabel)
	apart := map[int]map[string]string{} // the labels in which the counters of a target differ
	for i := range joined {
		if n := root(i); !isPlaced(w.Counters[i]) {
			if apart[n] == nil {
				apart[n] = map[string]string{}
			}
			differing(apart[n], w.Counters[n].Labels, w.Counters[i].Labels)
		}
	}
	for i := range joined {
		not := varies
		if !isPlaced(w.Counters[i]) {
			not = apart[root(i)]
		}
		labels[i] = without(w.Counters[i].Labels, not)
		sets[i] = namesOf(labels[i])
	}
}

// isPlaced reports whether a series says of which job and instance it is.
func isPlaced(s Series) bool {
	return s.Labels[model.JobLabel] != "" && s.Labels[model.InstanceLabel] != ""
}

// differing adds the names of the labels that two series do not share.
func differing(into, a, b map[string]string) {
	for _, labels := range []map[string]string{a, b} {
		for name := range labels {
			if a[name] != b[name] {
				into[name] = ""
			}
		}
	}
}

// together reports whether the series that has fewer samples, while both are there, has most of
// them when the other one has some. Two pods that push once in the same millisecond do not.
func together(a, b []Sample) bool {
	within := func(all []Sample) []Sample {
		return all[find(all, max(a[0].At, b[0].At)):find(all, min(a[len(a)-1].At, b[len(b)-1].At)+1)]
	}
	few, many := within(a), within(b)
	if len(few) > len(many) {
		few, many = many, few
	}
	shared := 0
	for _, s := range few {
		if i := find(many, s.At); i < len(many) && many[i].At == s.At {
			shared++
		}
	}
	return 2*shared > len(few)
}

// contains reports whether labels have all of some others.
func contains(all, some map[string]string) bool {
	for name, v := range some {
		if all[name] != v {
			return false
		}
	}
	return true
}

// without is labels without those of some names.
func without(labels, names map[string]string) map[string]string {
	rest := maps.Clone(labels)
	maps.DeleteFunc(rest, func(name, _ string) bool { _, is := names[name]; return is })
	return rest
}

// prepare sorts what is known of a target by time, and leaves out scrapes of a replica that is
// behind.
func (t *target) prepare() {
	for _, c := range t.counters {
		for _, s := range c.Samples {
			t.scrapes = append(t.scrapes, s.At)
		}
		if c.part {
			if c.whole = t.known[identity{name: c.name, own: c.own}]; c.whole != nil && c.nth == 0 {
				c.whole.good = c
			}
		}
	}
	slices.Sort(t.scrapes)
	t.scrapes = slices.Compact(t.scrapes)
	slices.SortFunc(t.starts, func(a, b Sample) int { return cmp.Compare(a.At, b.At) })
	for i := 1; i < len(t.starts); i++ {
		if t.starts[i].At == t.starts[i-1].At && t.starts[i].Value != t.starts[i-1].Value {
			t.starts = nil // of several processes
		}
	}
	if len(t.starts) > 0 {
		t.findBehind()
	} else {
		t.findBehindByValues()
	}
	gone := func(at int64) bool { return t.behind[at] }
	t.scrapes = slices.DeleteFunc(t.scrapes, gone)
	t.starts = slices.DeleteFunc(t.starts, func(s Sample) bool { return gone(s.At) })
	for _, c := range t.counters {
		for _, s := range c.Samples {
			if gone(s.At) {
				continue
			}
			c.shown = append(c.shown, s.At)
			if usable(s.Value) {
				c.kept = append(c.kept, s)
			}
		}
	}
	t.measure()
}

// measure finds out how often a target is scraped, and how much it counts at most.
func (t *target) measure() {
	recent := t.scrapes
	if len(t.tries) > 1 {
		recent = t.tries
	}
	recent = recent[position(recent, t.world.near()):]
	var gaps []int64
	for i := 1; i < len(recent); i++ {
		gaps = append(gaps, recent[i]-recent[i-1])
	}
	if slices.Sort(gaps); len(gaps) > 0 {
		t.every = gaps[(len(gaps)-1)/2]
	}
	counted := map[span]float64{}
	for _, c := range t.counters {
		if len(c.kept) > 0 && c.kept[0].At == t.scrapes[0] && c.whole == nil {
			t.sum += c.kept[0].Value
		}
		for i := 1; i < len(c.kept); i++ {
			s, events := span{c.kept[i-1].At, c.kept[i].At}, c.kept[i].Value-c.kept[i-1].Value
			if t.lost = t.lost || events < 0; events <= 0 {
				continue
			}
			c.rate = max(c.rate, events/float64(s.to-s.from))
			if c.whole == nil {
				counted[s] += events
			}
		}
	}
	t.steps = len(counted)
	for s, n := range counted {
		t.rate = max(t.rate, n/float64(s.to-s.from))
	}
}

// position is the number of the first of some times that is not before `at`.
func position(times []int64, at int64) int {
	i, _ := slices.BinarySearch(times, at)
	return i
}

// find is the number of the first of some samples that is not before `at`.
func find(samples []Sample, at int64) int {
	i, _ := slices.BinarySearchFunc(samples, at, func(s Sample, at int64) int { return cmp.Compare(s.At, at) })
	return i
}

// before is the newest sample before a time.
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

// at is the sample at a time.
func (c *counter) at(at int64) (Sample, bool) {
	if i := find(c.kept, at); i < len(c.kept) && c.kept[i].At == at {
		return c.kept[i], true
	}
	return Sample{}, false
}

// lastScrape is the last one before a time; ok is false where none is known.
func (t *target) lastScrape(before int64) (at int64, ok bool) {
	i := position(t.scrapes, before)
	if i == 0 {
		return 0, false
	}
	return t.scrapes[i-1], true
}

// absent reports whether a scrape between two times did not show the counter at all, not even with
// a value that cannot be counted with.
func (t *target) absent(c *counter, from, to int64) bool {
	between := func(times []int64) int { return position(times, to) - position(times, from+1) }
	return between(t.scrapes) > between(c.shown)
}

// isStep reports whether the time between two scrapes is a usual one, so that none was left out.
func (t *target) isStep(from, to int64) bool {
	return 2*(to-from) <= 5*t.usualGap()
}

// usualGap is the usual time between two scrapes, in ms; an interval where it is not known.
func (t *target) usualGap() int64 {
	if t.every == 0 {
		return t.world.Interval.Milliseconds()
	}
	return t.every
}

// start is when the process had started that was there at a time, in ms.
func (t *target) start(at int64) (start int64, known bool) {
	i := find(t.starts, at+1)
	if i == 0 || !(t.starts[i-1].Value > 0) {
		return 0, false
	}
	return int64(t.starts[i-1].Value * 1000), true
}

// started is when a process had started that began between two times, in ms; ok is false where none
// did.
func (t *target) started(from, to int64) (at int64, ok bool) {
	at, known := t.start(to)
	before, had := t.start(from)
	const same = sameStart * 1000
	return at, known && (!had || at > before+same) && at > from-same && at <= to+same
}
