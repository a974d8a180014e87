package count

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/common/model"
)

// link finds targets whose process was scraped under other labels until a short while ago, and
// counters with a label more or less than before. They go on from the old ones.
func link(all []*target) {
	var began []*target
	for _, t := range all {
		if len(t.scrapes) == 0 {
			continue
		}
		if 2*(t.scrapes[0]-t.world.near()) > 3*t.every {
			began = append(began, t)
		}
		t.linkCounters()
	}
	if len(began) == 0 {
		return
	}
	slices.SortStableFunc(began, func(a, b *target) int { return cmp.Compare(a.scrapes[0], b.scrapes[0]) })
	p := newPast(all, began[len(began)-1].scrapes[0])
	taken, linked := map[*target]bool{}, map[*target]bool{}
	for _, candidates := range []func(*target) []*target{p.atPlace, p.like} {
		for _, t := range began {
			if linked[t] {
				continue
			}
			if o := t.predecessor(candidates(t), taken); o != nil {
				taken[o], linked[t] = true, true
				t.doubtful = false
				t.inherit(o)
			}
		}
	}
}

// past is the targets that a new one may go on from.
type past struct {
	places   map[[2]string][]*target // by job and instance
	starts   map[int64][]*target     // by the second in which the process started
	counters map[identity][]ended    // by what they counted last, ascending
}

type ended struct {
	value  float64
	target *target
}

// newPast returns the targets that ended before a time.
func newPast(all []*target, before int64) past {
	p := past{map[[2]string][]*target{}, map[int64][]*target{}, map[identity][]ended{}}
	for _, t := range all {
		if len(t.scrapes) == 0 || t.end() >= before {
			continue
		}
		p.places[t.place()] = append(p.places[t.place()], t)
		if start, known := t.start(t.end()); known {
			p.starts[start/1000] = append(p.starts[start/1000], t)
		}
		for _, c := range t.counters {
			if s, has := c.at(t.end()); has {
				p.counters[c.identity] = append(p.counters[c.identity], ended{s.Value, t})
			}
		}
	}
	for _, all := range p.counters {
		slices.SortFunc(all, func(a, b ended) int { return cmp.Compare(a.value, b.value) })
	}
	return p
}

func (t *target) place() [2]string {
	return [2]string{t.labels[model.JobLabel], t.labels[model.InstanceLabel]}
}

// isAt reports whether a target has the job and instance of another one, or a label more or less if
// it has neither.
func (t *target) isAt(o *target) bool {
	if t.place() == ([2]string{}) {
		return isExtended(t.labels, o.labels)
	}
	return t.place() == o.place()
}

// most bounds the targets searched for one that another goes on from.
const most = 200

func (p past) atPlace(t *target) []*target {
	found := p.places[t.place()]
	return found[:min(len(found), most)]
}

// like returns the targets that started when t did, and those that had a little less of what t has
// most of.
func (p past) like(t *target) (found []*target) {
	if start, known := t.start(t.scrapes[0]); known {
		for second := start/1000 - sameStart; second <= start/1000+sameStart; second++ {
			started := p.starts[second]
			found = append(found, started[:min(len(started), most-len(found))]...)
		}
	}
	var all []ended
	largest := -1.0
	for _, c := range t.counters {
		if s, has := c.at(t.scrapes[0]); has && s.Value > largest && len(p.counters[c.identity]) > 0 {
			all, largest = p.counters[c.identity], s.Value
		}
	}
	end, _ := slices.BinarySearchFunc(all, largest, func(e ended, v float64) int {
		if e.value <= v {
			return -1
		}
		return 1
	})
	for _, e := range all[max(end-most, 0):end] {
		found = append(found, e.target)
	}
	return found
}

// predecessor returns the target that t goes on from; nil if there is none. Of several it takes the
// one with the nearest values.
func (t *target) predecessor(candidates []*target, taken map[*target]bool) (found *target) {
	nearest := math.Inf(1)
	for _, o := range candidates {
		if o == t || taken[o] || o.end() >= t.scrapes[0] {
			continue
		}
		if apart, is := t.goesOnFrom(o); is && apart < nearest {
			found, nearest = o, apart
		}
	}
	return found
}

// goesOnFrom reports whether t has the process of another target, which ended, and how far apart
// their values are. It does if it started at the same time and no counter of it fell. If neither
// says when it started, or the exporter restarted and any other target of its job had counted less
// since, all old counters must be there and go on.
//
// A process so young that this may be its first scrape is taken for a new one: pods are replaced by
// others, and start together, more often than a young one gets another instance label. If it does,
// a few scrapes' worth of events count twice. If nothing of its job was scraped twice, no process
// is known to be older than that. If the other target may still be scraped in this tick, t must
// grow no more than usual from there.
func (t *target) goesOnFrom(o *target) (apart float64, is bool) {
	begun := t.scrapes[0]
	start, known := t.start(begun)
	was, wasKnown := o.start(o.end())
	samePlace, apartBy := t.isAt(o), max(start-was, was-start)
	sameProcess := known && wasKnown && apartBy <= sameStart*1000
	if known != wasKnown {
		return 0, false
	}
	shared, sum := false, 0.0
	for _, before := range o.counters {
		p, had := before.at(o.end())
		if !had || before.whole != nil {
			continue
		}
		now, has := Sample{}, false
		if c := t.known[before.identity]; c != nil {
			now, has = c.at(begun)
		}
		switch {
		case !has && sameProcess:
			continue
		case !has, now.Value < p.Value && !sameProcess, fell(p.Value, now.Value):
			return 0, false
		}
		shared = true
		sum += p.Value
		apart += math.Abs(now.Value - p.Value)
	}
	isOver := 2*(t.world.end()-o.end()) > 3*o.usualGap()
	if sameProcess {
		every := cmp.Or(o.every, o.job.every)
		isOld := begun-start > 2*cmp.Or(every, o.usualGap())
		t.doubtful = t.doubtful || shared && isOld && every == 0
		isOld = isOld && every > 0
		return apart, shared && (samePlace || isOld || isOver || apartBy == 0)
	}
	isOld := sum > 3*o.usualStep()
	if known {
		isOld = sum > 10*slices.Max(append(o.job.rates, 0))*float64(begun-start)
	}
	isNear := apart <= 2*o.rate*float64(begun-o.end()) || isOver && o.believable(apart, begun-o.end())
	isNear = isNear && sum > 0
	t.doubtful = t.doubtful || isNear && known && !isOld
	return apart, isNear && (samePlace && !known || isOld)
}

// inherit gives this target what is known of another one.
func (t *target) inherit(o *target) {
	if _, known := t.start(t.end()); !known && !t.isAt(o) {
		t.alike = t.scrapes[0]
	}
	t.scrapes = slices.Concat(o.scrapes, t.scrapes)
	t.starts = slices.Concat(o.starts, t.starts)
	t.pace.inherit(o.pace)
	t.lost = t.lost || o.lost
	for _, c := range t.counters {
		if before := o.known[c.identity]; before != nil {
			t.goOn(c, before)
		}
	}
}

// goOn makes a counter go on from one with other labels.
func (t *target) goOn(c, before *counter) {
	c.kept = slices.Concat(before.kept, c.kept)
	c.shown = slices.Concat(before.shown, c.shown)
	if n := len(before.kept); n > 0 && n < len(c.kept) {
		t.lost = t.lost || c.kept[n].Value < c.kept[n-1].Value
	}
}

// linkCounters finds counters that a target shows in the tick for the first time, in place of
// others which have a label less or more, and go on from there. Of several they take the one with
// the nearest value.
func (t *target) linkCounters() {
	type alike struct {
		name string
		part bool
		nth  int
		end  int64
	}
	gone, taken := map[alike][]*counter{}, map[*counter]bool{}
	value := func(c *counter) float64 { return c.kept[len(c.kept)-1].Value }
	for _, c := range t.counters {
		if n := len(c.kept); n > 0 && value(c) > 0 && c.kept[n-1].At < t.end() {
			k := alike{c.name, c.part, c.nth, c.kept[n-1].At}
			gone[k] = append(gone[k], c)
		}
	}
	for _, c := range t.counters {
		if len(gone) == 0 || len(c.kept) == 0 || c.kept[0].At <= t.world.begin() {
			continue
		}
		now := c.kept[0]
		last, _ := t.lastScrape(now.At)
		var found *counter
		for _, o := range gone[alike{c.name, c.part, c.nth, last}] {
			if v := value(o); v <= now.Value && (found == nil || v > value(found)) && !taken[o] && isExtended(o.Labels, c.Labels) {
				found = o
			}
		}
		if found != nil && t.believable(now.Value-value(found), now.At-last) {
			taken[found] = true
			t.goOn(c, found)
		}
	}
}

// isExtended reports whether one of two label sets has all of the other's, and more.
func isExtended(a, b map[string]string) bool {
	return len(a) != len(b) && (contains(a, b) || contains(b, a))
}
