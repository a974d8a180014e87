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
	timeline
	pace
	world    *World
	labels   map[string]string // that all its counters have
	counters []*counter
	known    map[identity]*counter // the same
	resets   spans                 // steps in which all its counters began anew
	falls    spans                 // between two samples of a counter that began anew
	shared   bool                  // it is several processes by turns, so that none of its counters can be counted
	lost     bool                  // a counter has less than in its sample before
	alike    int64                 // when it began to go on from another target, if only their values say so
	doubtful bool                  // only its age says that it does not
}

// targets sorts the world's counters by target, and finds out about each what its counters tell
// together.
func (w *World) targets() []*target {
	all, jobs := w.sortByTarget()
	counted := map[span]float64{}
	for _, t := range all {
		t.prepare()
		clear(counted)
		t.measure(counted)
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

// sortByTarget sorts the world's counters, scrapes and starts by target, and these by job.
func (w *World) sortByTarget() (all []*target, jobs map[string]*job) {
	scraped := newIndex(w.Up)
	labels, sets := make([]map[string]string, len(w.Counters)), make([]names, len(w.Counters))
	for i := range w.Counters {
		labels[i], sets[i] = scraped.of(&w.Counters[i])
	}
	w.findUnscraped(labels, sets)
	byLabels, jobs := map[string]*target{}, map[string]*job{}
	counters := make([]counter, len(w.Counters))
	for i := range w.Counters {
		s := &w.Counters[i]
		p := s.under(sets[i])
		t := byLabels[p.text]
		if t == nil {
			name := labels[i][model.JobLabel]
			if jobs[name] == nil {
				jobs[name] = &job{}
			}
			t = newTarget(w, labels[i], jobs[name])
			byLabels[p.text] = t
			all = append(all, t)
		}
		t.add(&counters[i], i, *s, p.rest)
	}
	for _, s := range w.Up {
		if t := byLabels[s.under(s.names()).text]; t != nil {
			t.addTries(s.Samples)
		}
	}
	w.addStarts(all, byLabels, scraped)
	return all, jobs
}

// addStarts adds the starts of processes to their targets.
func (w *World) addStarts(all []*target, byLabels map[string]*target, scraped index) {
	places := map[place][]*target{} // of those without `up`
	for _, t := range all {
		if len(t.tries) == 0 {
			places[placeOf(t.labels)] = append(places[placeOf(t.labels)], t)
		}
	}
	for _, s := range w.Starts {
		if labels, n := scraped.of(&s); labels != nil {
			if t := byLabels[s.under(n).text]; t != nil {
				t.starts = append(t.starts, s.Samples...)
			}
			continue
		}
		near := all
		if isPlaced(s) { // else look through all of them
			near = places[placeOf(s.Labels)]
		}
		for _, t := range near {
			if len(t.tries) == 0 && contains(t.labels, s.Labels) {
				t.starts = append(t.starts, s.Samples...)
			}
		}
	}
}

func newTarget(w *World, labels map[string]string, j *job) *target {
	t := &target{world: w, labels: labels, known: map[identity]*counter{}}
	t.pace = pace{job: j, tick: w.Interval.Milliseconds()}
	j.targets = append(j.targets, t)
	return t
}

// add makes a series a counter of the target; own is its labels that are not the target's.
func (t *target) add(c *counter, i int, s Series, own slo.Labels) {
	c.Series, c.index = s, i
	c.identity = identity{name: s.Name, part: s.Part, own: own}
	for t.known[c.identity] != nil {
		c.nth++
	}
	t.known[c.identity] = c
	t.counters = append(t.counters, c)
}

// findUnscraped finds the labels of targets without `up`. Counters with one job and instance are
// one target, unless other labels tell them apart. Without a job or instance, counters that are
// scraped together are one target.
func (w *World) findUnscraped(labels []map[string]string, sets []names) {
	pairs, tried := map[int64]int{}, map[[2]int]bool{} // by time: a counter
	joined := make([]int, len(w.Counters))             // another of its target, or itself
	root := func(i int) int {
		for joined[i] != i {
			i = joined[i]
		}
		return i
	}
	varies := map[string]bool{}
	for i, s := range w.Counters {
		joined[i] = i
		if labels[i] != nil || len(s.Samples) == 0 {
			continue
		}
		if n, seen := pairs[s.Samples[0].At]; seen && isPlaced(s) == isPlaced(w.Counters[n]) && sameTimes(s.Samples, w.Counters[n].Samples) {
			joined[i] = root(n) // and so are others that this one is scraped with
			if isPlaced(s) {
				differing(varies, w.Counters[n].Labels, s.Labels)
			}
			continue
		}
		for _, sample := range s.Samples {
			n, seen := pairs[sample.At]
			if !seen {
				pairs[sample.At] = i
				continue
			}
			o := w.Counters[n]
			known := n == i || tried[[2]int{n, i}]
			if known {
				continue
			}
			tried[[2]int{n, i}] = true
			if isPlaced(s) != isPlaced(o) || !together(s.Samples, o.Samples) {
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
	apart := map[int]map[string]bool{} // by counter: the labels in which its target's counters differ
	for i, s := range w.Counters {
		if labels[i] != nil {
			continue
		}
		if n := root(i); isPlaced(s) {
			apart[n] = varies
		} else {
			if apart[n] == nil {
				apart[n] = map[string]bool{}
			}
			differing(apart[n], w.Counters[n].Labels, s.Labels)
		}
	}
	w.without(labels, sets, root, apart)
}

// without sets the target labels of counters that have none yet: their own, without some names that
// their group's root has.
func (w *World) without(labels []map[string]string, sets []names, root func(int) int, apart map[int]map[string]bool) {
	type kind struct {
		root int
		text string
	}
	left, known := map[kind]names{}, map[string]map[string]string{}
	for i := range w.Counters {
		if labels[i] != nil {
			continue
		}
		s, not := &w.Counters[i], apart[root(i)]
		all := s.names()
		k := kind{root(i), all.text}
		if isPlaced(*s) {
			k.root = -1 // all of them lack the same
		}
		if _, is := left[k]; !is {
			left[k] = newNames(slices.DeleteFunc(slices.Clone(all.each), func(name string) bool { return not[name] }))
		}
		sets[i] = left[k]
		p := s.under(sets[i])
		if known[p.text] == nil {
			known[p.text] = maps.Clone(s.Labels)
			maps.DeleteFunc(known[p.text], func(name, _ string) bool { return not[name] })
		}
		labels[i] = known[p.text]
	}
}

// place is a job and an instance.
type place [2]string

func placeOf(labels map[string]string) place {
	return place{labels[model.JobLabel], labels[model.InstanceLabel]}
}

// isPlaced reports whether a series has a job and an instance.
func isPlaced(s Series) bool {
	return s.Labels[model.JobLabel] != "" && s.Labels[model.InstanceLabel] != ""
}

// differing adds the names of labels that two series do not share.
func differing(into map[string]bool, a, b map[string]string) {
	for _, labels := range []map[string]string{a, b} {
		for name := range labels {
			if a[name] != b[name] {
				into[name] = true
			}
		}
	}
}

// together reports whether two series are scraped together: while both are there, most samples of
// the one with fewer are at times of the other's. Two pods that push once in the same millisecond
// do not.
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

// sameTimes reports whether two series have samples at the same times.
func sameTimes(a, b []Sample) bool {
	return slices.EqualFunc(a, b, func(a, b Sample) bool { return a.At == b.At })
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

// prepare sorts a target's data by time, and leaves out scrapes of a replica that is behind.
func (t *target) prepare() {
	slices.Sort(t.scrapes)
	for _, c := range t.counters {
		t.scrapes = addTimes(t.scrapes, c.Samples)
		if c.part {
			if c.whole = t.known[identity{name: c.name, own: c.own}]; c.whole != nil && c.nth == 0 {
				c.whole.good = c
			}
		}
	}
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
	gone := func(s Sample) bool { return t.behind[s.At] }
	t.scrapes = slices.DeleteFunc(t.scrapes, func(at int64) bool { return t.behind[at] })
	t.starts = slices.DeleteFunc(t.starts, gone)
	for _, c := range t.counters {
		c.shown = without(c.Samples, gone)
		c.kept = without(c.shown, func(s Sample) bool { return !usable(s.Value) })
	}
}

// without returns the samples that are not dropped: the same slice if none is.
func without(samples []Sample, drop func(Sample) bool) []Sample {
	if !slices.ContainsFunc(samples, drop) {
		return samples
	}
	return slices.DeleteFunc(slices.Clone(samples), drop)
}

// measure finds how often a target is scraped, and the most that it counts. The map must be empty;
// it adds up in it.
func (t *target) measure(counted map[span]float64) {
	recent := t.scrapes
	if len(t.tries) > 1 {
		recent = t.tries
	}
	t.measureScrapes(recent[position(recent, t.world.near()):])
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
	t.measureEvents(counted)
}
