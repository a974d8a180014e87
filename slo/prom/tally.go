package prom

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// tally makes the samples of one tick: from the sums if nothing odd happened in it, else from the
// raw samples of its series.
type tally struct {
	counter  *counter
	tick     time.Time
	sets     map[slo.Labels]*set
	isOdd    bool // count it by raw samples
	isRare   bool // series have values, but no samples as far back as they were looked for
	series   int  // how many the counter has in the tick
	goodless map[slo.Labels]*goodless
}

// set is what was counted of one label set of group_by.
type set struct {
	seen    bool                  // the total has a series with a value
	now     counts                // in the tick
	late    map[time.Time]*counts // in longer stretches up to the tick, by when they begin
	caveats []slo.Caveat

	leftOut, unsure slo.Caveat // histograms that can't be counted, and estimated events
	natives         int        // targets with native histograms
	unsureNative    bool       // some of their events are estimated
}

// counts are the events of a stretch, by role. Part is the good or the bad ones.
type counts struct{ total, part float64 }

// addSums takes the answer to sumQuery, and notes if something odd happened in the tick, so that it
// has to be counted by raw samples. It returns an error that wraps errAnswer if the points do not
// fit the query.
func (t *tally) addSums(points []point) error {
	all := numbers{}
	for _, p := range points {
		g, arm, err := t.counter.arm(p)
		switch {
		case err != nil:
			return err
		case !usable(p.Value):
			return fmt.Errorf("%w: %v series or events", errAnswer, p.Value)
		case p.Buckets != nil && arm != shapeArm:
			return fmt.Errorf("%w: a native histogram where a number was asked for", errAnswer)
		}
		if err := t.addSum(all, g, arm, p); err != nil {
			return err
		}
	}
	for _, n := range all {
		t.isOdd = t.isOdd || n.plain != max(n.seen, n.now, n.before) || n.now != n.before
		t.isRare = t.isRare || n.plain > n.seen && t.counter.looksBack()
		t.series += int(max(n.seen, n.now, n.before))
	}
	return nil
}

// numbers are the numbers of series, by a group's tag and the label set.
type numbers map[numberKey]*tallied

type numberKey struct {
	tag    string
	labels slo.Labels
}

// tallied counts series: with a plain difference, at any time in the tick, and at either end of it.
type tallied struct{ plain, seen, now, before float64 }

func (all numbers) of(tag string, labels slo.Labels) *tallied {
	key := numberKey{tag, labels}
	if all[key] == nil {
		all[key] = &tallied{}
	}
	return all[key]
}

// addSum takes one value of the answer.
func (t *tally) addSum(all numbers, g group, arm string, p point) error {
	labels := t.counter.labelSet(p.Labels)
	s := t.set(labels)
	switch arm {
	case sumArm:
		s.add(time.Time{}, g, p.Value)
	case packedArm:
		n, sum := unpack(p.Value)
		if n < 1 {
			return fmt.Errorf("%w: a sum of no series", errAnswer)
		}
		t.addPlain(all, g, p.Labels, labels, n, sum)
	case wholeArm:
		t.addPlain(all, g, p.Labels, labels, 0, p.Value)
	case plainArm:
		t.addPlain(all, g, p.Labels, labels, p.Value, 0)
	case seenArm:
		series, falls := unpackFalls(p.Value)
		switch {
		case g.histogram == nil:
			all.of(g.tag, labels).seen += series
		case t.counter.asksLittle(): // else some of them are left out
			all.of(g.tag, labels).seen += series
			all.of(g.twin(), labels).seen += series
		}
		t.isOdd = t.isOdd || falls > 0
	case nowArm:
		all.of(g.tag, labels).now = p.Value
	case beforeArm:
		all.of(g.tag, labels).before = p.Value
	case lackArm, leftArm, amongArm, unsureArm, nativeArm, shapeArm:
		if g.histogram == nil {
			return fmt.Errorf("%w: arm %q of a counter", errAnswer, arm)
		}
		s.addLeft(g.histogram, arm, p)
	default:
		return fmt.Errorf("%w: unknown arm %q", errAnswer, arm)
	}
	return nil
}

// addPlain adds n series of a label set with a plain difference, and their sum.
func (t *tally) addPlain(all numbers, g group, series map[string]string, labels slo.Labels, n, sum float64) {
	s := t.set(labels)
	s.add(time.Time{}, g, sum)
	for _, part := range t.counter.partsOf(g, series) {
		s.add(time.Time{}, part, sum)
	}
	all.of(g.tag, labels).plain += n
	if g.histogram != nil && !t.counter.asksLittle() { // the sum has series with a plain difference in both roles
		all.of(g.twin(), labels).plain += n
	}
	s.seen = s.seen || g.role == total
}

// samples returns the tick's normalized samples by label set; a set without data is left out.
func (t *tally) samples() map[slo.Labels]slo.Sample {
	samples := map[slo.Labels]slo.Sample{}
	for labels, s := range t.sets {
		t.leaveOutGoodless(labels, s)
		s.caveats = slo.MergeCaveats(s.caveats, s.lessExact())
		if s.seen || len(s.caveats) > 0 {
			samples[labels] = t.sample(s)
		}
	}
	return samples
}

// sample adds up a label set. If good or bad events are series of the total, or of one histogram,
// they are scraped together, so there can't be more of them. If they are other metrics, a call that
// began in this tick may end in the next: their numbers stay as they are, so that they add up.
func (t *tally) sample(s *set) slo.Sample {
	sample := slo.Sample{Tick: t.tick, Blind: !s.seen, Caveats: s.caveats}
	sample.Counts = t.counter.events(s.now)
	for _, from := range slices.SortedFunc(maps.Keys(s.late), time.Time.Compare) {
		if events := t.counter.events(*s.late[from]); events != (slo.Counts{}) {
			sample.Late = append(sample.Late, slo.Late{From: from, To: t.tick, Counts: events})
		}
	}
	sample.Normalize()
	return sample
}

// events returns what counts say of all and bad events.
func (c *counter) events(n counts) slo.Counts {
	events := slo.Counts{Total: n.total, Bad: n.part}
	if c.part == good {
		events.Bad = n.total - n.part
	}
	if c.together() {
		events.Bad = min(max(events.Bad, 0), events.Total)
	}
	return events
}

func newSet() *set {
	return &set{leftOut: slo.Caveat{Kind: slo.NoBucket}, unsure: slo.Caveat{Kind: slo.Interpolated}}
}

func (t *tally) set(labels slo.Labels) *set {
	if t.sets == nil {
		t.sets = map[slo.Labels]*set{}
	}
	s := t.sets[labels]
	if s == nil {
		s = newSet()
		t.sets[labels] = s
	}
	return s
}

// add counts a group's events in the stretch from a time to the tick; in the tick alone if the time
// is zero.
func (into *set) add(from time.Time, g group, events float64) {
	c := &into.now
	if !from.IsZero() {
		if into.late == nil {
			into.late = map[time.Time]*counts{}
		}
		if c = into.late[from]; c == nil {
			c = &counts{}
			into.late[from] = c
		}
	}
	if g.minus {
		events = -events
	}
	if g.role == total {
		c.total += events
	} else {
		c.part += events
	}
}

// addLeft takes the arms about targets that are less than exact.
func (into *set) addLeft(h *histogram, arm string, p point) {
	switch arm {
	case lackArm:
		into.leftOut.Count += int(p.Value)
	case leftArm:
		into.leftOut.Events += p.Value
	case amongArm:
		into.unsure.Count += int(p.Value)
	case unsureArm:
		into.unsure.Events += p.Value
	case nativeArm:
		into.natives += int(p.Value)
		// If no shape was asked for, nobody knows if the threshold is a boundary.
		into.unsureNative = into.unsureNative || h.native != askAll
	case shapeArm:
		into.addShape(h, p.Buckets)
		into.unsureNative = into.unsureNative || p.Buckets == nil // old servers sum histograms to numbers
	}
}

// addShape takes the sum of native histograms' differences: how many events are in the bucket
// around the threshold. Events above the last boundary can't be told to be good or bad, and are
// left out.
func (into *set) addShape(h *histogram, buckets []count.Bucket) {
	for _, b := range buckets {
		inside := b.Lower < h.threshold && h.threshold < b.Upper && !count.Same(b.Lower, h.threshold) && !count.Same(b.Upper, h.threshold)
		if !inside || !(b.Count > 0) {
			continue
		}
		if math.IsInf(b.Upper, 1) {
			into.add(time.Time{}, group{role: total, minus: true}, b.Count)
			into.leftOut.Events += b.Count
			into.leftOut.Count = max(into.leftOut.Count, 1)
			continue
		}
		into.unsure.Events += b.Count
		into.unsureNative = true
	}
}

// lessExact returns the caveats of a label set's histograms.
func (into *set) lessExact() (caveats []slo.Caveat) {
	unsure := into.unsure
	if into.unsureNative {
		unsure.Count += into.natives
	}
	for _, c := range []slo.Caveat{into.leftOut, unsure} {
		if c.Count > 0 || c.Events > 0 {
			caveats = append(caveats, c)
		}
	}
	return caveats
}

// arm finds a point's group, and its arm of the query.
func (all groups) arm(p point) (group, string, error) {
	tag := p.Tag
	if i := strings.LastIndexByte(tag, '/'); i > 0 {
		for _, g := range all {
			if g.tag == tag[:i] {
				return g, tag[i+1:], nil
			}
		}
	}
	return group{}, "", fmt.Errorf("%w: a value without the mark of its part", errAnswer)
}

// labelSet returns the labels of a series that group_by names.
func (c *counter) labelSet(labels map[string]string) slo.Labels {
	return slo.PickLabels(labels, c.groupBy)
}
