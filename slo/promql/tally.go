package promql

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
)

// ErrAnswer means that an answer is not one to the query that was asked.
var ErrAnswer = errors.New("the values do not fit the query")

// Point is the value of one series at one tick, as a query answered it.
type Point struct {
	Tag     string            // which arm of the query it is of
	Labels  map[string]string // of the series
	Value   float64
	Buckets []Bucket // of a native histogram, which has no value; nil: it is a number
}

// Tally counts one tick: it is given the answers to the counter's queries, in turn, and makes samples of them. A later query needs to
// be asked only where the answers before say so.
type Tally struct {
	counter  *Counter
	tick     time.Time
	interval time.Duration
	sets     map[slo.Labels]*set
	odd      map[string]*series
	isOdd    bool
	past     past
	goodless map[slo.Labels]*goodless
	suspects suspects
}

// set is what was counted of one label set of group_by.
type set struct {
	seen      bool // the total has a series with a value
	stretches map[time.Time]*counts
	caveats   []slo.Caveat
	noted     map[string]bool // series that have a caveat already: one in two roles has it once

	leftOut, unsure slo.Caveat // histograms that can't be counted, and events that were estimated
	natives         int        // targets with native histograms
	unsureNative    bool       // events of theirs were estimated
}

// counts are the events of a stretch, by role. Part is the good or the bad ones.
type counts struct{ total, part float64 }

// series is one that has no non-negative difference over the tick.
type series struct {
	group             group
	labels            map[string]string
	now, before, last value
}

// value is a series' value, where it has one.
type value struct {
	v  float64
	ok bool
}

// usable reports whether the value may be counted with.
func (v value) usable() bool { return v.v >= 0 && !math.IsInf(v.v, 1) }

// targetKey names a target by the labels that Prometheus gives it.
type targetKey struct{ job, instance string }

// past is what is known of the time before the tick.
type past struct {
	values   map[string]value        // by series: the last value
	times    map[string]time.Time    // by series: when that was
	usable   map[string]value        // by series that have a number again: the last one that they had at a tick
	usableAt map[string]time.Time    // when that was
	up       map[targetKey]bool      // whether a target was up one interval ago
	reached  map[targetKey]time.Time // when it was last up
	process  map[targetKey]time.Time // when its process started
}

// Tally begins to count a tick.
func (c *Counter) Tally(tick time.Time, interval time.Duration) *Tally {
	return &Tally{counter: c, tick: tick, interval: interval}
}

// AddSums takes the answer to SumQuery, and reports whether OddQuery has to be asked. It returns an error that wraps ErrAnswer where the points
// do not fit the query.
func (t *Tally) AddSums(points []Point) (odd bool, err error) {
	type arms struct {
		plain             float64 // series with a plain difference
		seen, now, before float64 // those at any time in the tick, and at either end of it
	}
	numbers := map[string]*arms{}
	of := func(tag string, labels slo.Labels) *arms {
		key := tag + string(labels)
		if numbers[key] == nil {
			numbers[key] = &arms{}
		}
		return numbers[key]
	}
	for _, p := range points {
		g, arm, err := t.counter.arm(p)
		if err != nil {
			return false, err
		}
		if v := (value{p.Value, true}); !v.usable() {
			return false, fmt.Errorf("%w: %v series or events", ErrAnswer, p.Value)
		}
		if p.Buckets != nil && arm != shapeArm {
			return false, fmt.Errorf("%w: a native histogram where a number was asked for", ErrAnswer)
		}
		labels := t.counter.labelSet(p.Labels)
		s := t.set(labels)
		switch arm {
		case sumArm:
			s.add(time.Time{}, g.role, p.Value)
		case packedArm:
			n, sum := unpack(p.Value)
			if n < 1 {
				return false, fmt.Errorf("%w: a sum of no series", ErrAnswer)
			}
			s.add(time.Time{}, g.role, sum)
			for _, part := range t.counter.partsOf(g, p.Labels) {
				s.add(time.Time{}, part.role, sum)
			}
			of(g.tag, labels).plain += n
			if g.histogram != nil && !t.counter.asksLittle() { // the sum is of those that have a plain difference in both roles
				of(g.twin(), labels).plain += n
			}
			s.seen = s.seen || g.role == total
		case seenArm:
			series, falls := unpackFalls(p.Value)
			switch {
			case g.histogram == nil:
				of(g.tag, labels).seen += series
			case t.counter.asksLittle(): // else some of them are left out
				of(g.tag, labels).seen += series
				of(g.twin(), labels).seen += series
			}
			t.isOdd = t.isOdd || falls > 0
		case nowArm:
			of(g.tag, labels).now = p.Value
		case beforeArm:
			of(g.tag, labels).before = p.Value
		case lackArm, leftArm, amongArm, unsureArm, nativeArm, shapeArm:
			if g.histogram == nil {
				return false, fmt.Errorf("%w: arm %q of a counter", ErrAnswer, arm)
			}
			s.addLeft(g.histogram, arm, p)
		default:
			return false, fmt.Errorf("%w: unknown arm %q", ErrAnswer, arm)
		}
	}
	for _, n := range numbers {
		t.isOdd = t.isOdd || n.plain != max(n.seen, n.now, n.before) || n.now != n.before
	}
	return t.isOdd, nil
}

// AddOdd takes the answer to OddQuery, and returns the query that has to be asked about the past; it is empty where no series was born.
func (t *Tally) AddOdd(points []Point) (next Query, err error) {
	t.odd = map[string]*series{}
	for _, p := range points {
		g, arm, err := t.counter.arm(p)
		if err != nil {
			return Query{}, err
		}
		key := seriesKey(g, p.Labels)
		if arm == fellArm {
			t.suspects.add(key, p.Labels)
			continue
		}
		s := t.odd[key]
		if s == nil {
			s = &series{group: g, labels: p.Labels}
			t.odd[key] = s
		}
		switch arm {
		case nowArm:
			s.now = value{p.Value, true}
		case beforeArm:
			s.before = value{p.Value, true}
		case lastArm:
			s.last = value{p.Value, true}
		default:
			return Query{}, fmt.Errorf("%w: unknown arm %q", ErrAnswer, arm)
		}
	}
	return t.pastQuery(), nil
}

// pastQuery asks for the past of the series that were born, or have a number again, if any.
func (t *Tally) pastQuery() Query {
	born, again, jobs, instances := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range t.odd {
		var fast *series
		if s.group.histogram != nil {
			if fast = t.odd[s.twin()]; s.group.role != total || fast == nil {
				continue // both roles of a histogram are asked together, and what has no good events is left out
			}
		}
		into := born
		if v := s.end(); s.isAgain() || fast != nil && fast.isAgain() {
			into = again
		} else if s.before.ok || !v.ok || !v.usable() {
			continue
		}
		into[s.group.tag] = true
		if fast != nil {
			into[fast.group.tag] = true
		}
		jobs[s.labels[model.JobLabel]] = true
		instances[s.labels[model.InstanceLabel]] = true
	}
	if len(born)+len(again) == 0 {
		return Query{}
	}
	return t.counter.pastQuery(t.grid(), born, again, at(slices.Sorted(maps.Keys(jobs)), slices.Sorted(maps.Keys(instances))))
}

func (t *Tally) grid() Grid {
	return GridOf(slo.Ticks{First: t.tick, Last: t.tick, Interval: t.interval})
}

// AddPast takes the answer to the query that AddOdd returned.
func (t *Tally) AddPast(points []Point) error {
	t.past = past{
		values: map[string]value{}, times: map[string]time.Time{}, usable: map[string]value{}, usableAt: map[string]time.Time{},
		up: map[targetKey]bool{}, reached: map[targetKey]time.Time{}, process: map[targetKey]time.Time{},
	}
	for _, p := range points {
		target := targetOf(p.Labels)
		switch p.Tag {
		case targetTag:
			t.past.up[target] = true
		case reachedTag:
			if at, ok := timeOf(p.Value); ok && at.After(t.past.reached[target]) {
				t.past.reached[target] = at
			}
		case processTag:
			// Of two processes of a target the older decides: it is the one that may have counted before.
			if at, ok := timeOf(p.Value); ok && (t.past.process[target].IsZero() || at.Before(t.past.process[target])) {
				t.past.process[target] = at
			}
		default:
			g, arm, err := t.counter.arm(p)
			if err != nil {
				return err
			}
			switch key := seriesKey(g, p.Labels); arm {
			case pastArm:
				t.past.values[key] = value{p.Value, true}
			case timeArm:
				t.past.times[key], _ = timeOf(p.Value)
			case usableArm:
				t.past.usable[key] = value{p.Value, true}
			case usableTimeArm:
				t.past.usableAt[key], _ = timeOf(p.Value)
			default:
				return fmt.Errorf("%w: unknown arm %q", ErrAnswer, arm)
			}
		}
	}
	return nil
}

// Samples are the tick's samples by label set; one that has no data is not there. They are normalized.
func (t *Tally) Samples() map[slo.Labels]slo.Sample {
	// The total comes first, so that the caveat of a series that is in both roles is that of the total.
	order := func(a, b string) int { return -strings.Compare(a, b) }
	for _, key := range slices.SortedFunc(maps.Keys(t.odd), order) {
		if s := t.odd[key]; s.group.histogram == nil {
			t.classify(key, s)
		} else if s.group.role == total {
			t.classifyHistogram(key, s, t.odd[s.twin()])
		}
	}
	t.countHidden()
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

// sample adds up a label set. Bad events are the total without the good ones: fewer than none where these were seen earlier.
func (t *Tally) sample(s *set) slo.Sample {
	sample := slo.Sample{Tick: t.tick, Blind: !s.seen, Caveats: s.caveats}
	for _, from := range slices.SortedFunc(maps.Keys(s.stretches), time.Time.Compare) {
		c := s.stretches[from]
		events := slo.Counts{Total: c.total, Bad: c.part}
		if t.counter.part == good {
			events.Bad = c.total - c.part
		}
		if from.IsZero() {
			sample.Counts = events
		} else if events != (slo.Counts{}) {
			sample.Late = append(sample.Late, slo.Late{From: from, To: t.tick, Counts: events})
		}
	}
	sample.Normalize()
	return sample
}

func (t *Tally) set(labels slo.Labels) *set {
	if t.sets == nil {
		t.sets = map[slo.Labels]*set{}
	}
	s := t.sets[labels]
	if s == nil {
		s = &set{
			stretches: map[time.Time]*counts{}, noted: map[string]bool{},
			leftOut: slo.Caveat{Kind: slo.NoBucket}, unsure: slo.Caveat{Kind: slo.Interpolated},
		}
		t.sets[labels] = s
	}
	return s
}

// add counts events of a stretch from a time to the tick; of the tick alone where the time is zero.
func (into *set) add(from time.Time, r role, events float64) {
	c := into.stretches[from]
	if c == nil {
		c = &counts{}
		into.stretches[from] = c
	}
	if r == total {
		c.total += events
	} else {
		c.part += events
	}
}

// arm finds the group and the arm of a query that a point is of.
func (c *Counter) arm(p Point) (group, string, error) {
	tag := p.Tag
	if i := strings.LastIndexByte(tag, '/'); i > 0 {
		for _, g := range c.groups {
			if g.tag == tag[:i] {
				return g, tag[i+1:], nil
			}
		}
	}
	return group{}, "", fmt.Errorf("%w: a value without the mark of its part", ErrAnswer)
}

// labelSet is the part of a series' labels that group_by names.
func (c *Counter) labelSet(labels map[string]string) slo.Labels { return labelSet(c.groupBy, labels) }

func labelSet(groupBy []string, labels map[string]string) slo.Labels {
	kept := map[string]string{}
	for _, name := range groupBy {
		if v := labels[name]; v != "" {
			kept[name] = v
		}
	}
	return slo.NewLabels(kept)
}

// seriesKey tells series apart in all queries, some of which drop the metric's name; a group has only one.
func seriesKey(g group, labels map[string]string) string { return g.tag + identity(labels) }

func identity(labels map[string]string) string {
	own := maps.Clone(labels)
	delete(own, model.MetricNameLabel)
	return string(slo.NewLabels(own))
}

func targetOf(labels map[string]string) targetKey {
	return targetKey{labels[model.JobLabel], labels[model.InstanceLabel]}
}

// timeOf is a point in time given in seconds since 1970, to the second before: history is no finer than that.
func timeOf(seconds float64) (time.Time, bool) {
	if !(seconds > 0 && seconds < 1e11) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}
