package promql

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// Bucket is one of a native histogram.
type Bucket = count.Bucket

// Lacks reports whether some targets' histograms have no bucket for the threshold, by one tick's
// answer to SumQuery. Then the counter has to be resolved, and SumQuery be asked again.
func (c *Counter) Lacks(points []Point) bool {
	numbers := map[string]float64{}
	for _, p := range points {
		g, arm, err := c.arm(p)
		if err != nil || g.histogram == nil || g.histogram.resolved || (arm != nowArm && arm != beforeArm) {
			continue
		}
		_, number, _ := strings.Cut(g.tag, "/")
		key := number + arm + string(c.labelSet(p.Labels))
		if g.role == total {
			numbers[key] += p.Value
		} else {
			numbers[key] -= p.Value
		}
	}
	for _, n := range numbers {
		if n > 0 {
			return true
		}
	}
	return false
}

// LayoutQuery asks for all buckets of the histograms that have none for the threshold.
func (c *Counter) LayoutQuery(interval time.Duration) Query {
	var arms []arm
	for _, g := range c.groups {
		if g.histogram == nil || g.role != total {
			continue
		}
		for _, at := range []writer{as(""), as(offset(interval))} {
			buckets := "((" + g.histogram.part("_bucket", at) + ") unless ignoring (le) (" + g.histogram.good(at) + "))"
			arms = append(arms, tagged(buckets, g.tag, layoutArm))
		}
	}
	return newQuery(arms...)
}

// Resolve makes a counter that estimates the good events of the histograms in the answers to
// LayoutQuery, tick by tick, from the two buckets around the threshold, and leaves those out that
// have none above it. Which boundaries a histogram has at other ticks makes no difference: its own
// narrowest ones are taken.
func (c *Counter) Resolve(answers [][]Point) (*Counter, error) {
	found := map[string]map[count.Bounds]pattern{}
	for _, points := range answers {
		series := map[layoutKey]map[string]float64{} // each le, and what it means
		for _, p := range points {
			g, arm, err := c.arm(p)
			le, has := p.Labels[model.BucketLabel]
			v, parseErr := strconv.ParseFloat(le, 64)
			if p.Labels[vmrangeLabel] != "" {
				return nil, fmt.Errorf("%w: %s", ErrUnsupported, vmrangeText)
			}
			if err != nil || arm != layoutArm || !has {
				return nil, fmt.Errorf("%w: not a bucket", ErrAnswer)
			}
			if parseErr != nil || math.IsInf(v, 0) || math.IsNaN(v) {
				continue
			}
			own := maps.Clone(p.Labels)
			delete(own, model.BucketLabel)
			key := layoutKey{g.tag, identity(own)}
			if series[key] == nil {
				series[key] = map[string]float64{}
			}
			series[key][le] = v
		}
		for key, les := range series {
			if found[key.tag] == nil {
				found[key.tag] = map[count.Bounds]pattern{}
			}
			c.addBounds(found[key.tag], key.tag, les)
		}
	}
	return c.with(func(h *histogram, tag string) {
		h.resolved = true
		h.between = slices.SortedFunc(maps.Values(found[tag]), func(a, b pattern) int { return compareBounds(a.Bounds, b.Bounds) })
		h.between = h.between[:min(len(h.between), maxBounds)]
	}), nil
}

// layoutKey names a histogram: its group, and its labels without le.
type layoutKey struct{ tag, labels string }

// addBounds finds the boundaries around the threshold of one histogram.
func (c *Counter) addBounds(found map[count.Bounds]pattern, tag string, les map[string]float64) {
	i := slices.IndexFunc(c.groups, func(g group) bool { return g.tag == tag })
	b, ok := count.Around(c.groups[i].histogram.threshold, slices.Collect(maps.Values(les)))
	if !ok {
		return
	}
	spelt := func(v float64) (ways []string) {
		for le, is := range les {
			if is == v {
				ways = append(ways, le)
			}
		}
		return ways
	}
	p := pattern{Bounds: b, highLE: spellings(b.High, spelt(b.High)...)}
	if !b.First {
		p.lowLE = spellings(b.Low, spelt(b.Low)...)
	}
	if have, twice := found[b]; !twice || len(p.lowLE)+len(p.highLE) > len(have.lowLE)+len(have.highLE) {
		found[b] = p
	}
}

// Simpler is a counter that asks less of the server: after the first step no sums of native
// histograms, which mixed ones have not, after the second no native histograms at all, which old
// servers don't know. It is nil where there is nothing left to leave out.
func (c *Counter) Simpler() *Counter {
	for _, g := range c.groups {
		if g.histogram == nil || g.histogram.native == askNone {
			return nil
		}
	}
	return c.with(func(h *histogram, _ string) { h.native++ })
}

// with is a counter whose histograms are changed. Both roles of a metric share one.
func (c *Counter) with(change func(h *histogram, tag string)) *Counter {
	other := *c
	other.groups = slices.Clone(c.groups)
	changed := map[*histogram]*histogram{}
	for i, g := range other.groups {
		if g.histogram == nil {
			continue
		}
		if changed[g.histogram] == nil {
			h := *g.histogram
			_, number, _ := strings.Cut(g.tag, "/")
			change(&h, string(total)+"/"+number)
			changed[g.histogram] = &h
		}
		other.groups[i].histogram = changed[g.histogram]
	}
	return &other
}

// addShape looks at the sum of native histograms' differences: how many of the events are in the
// bucket that the threshold is inside of. Those above the last boundary can't be told to be good or
// bad and are left out.
func (into *set) addShape(h *histogram, buckets []Bucket) {
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

// addLeft takes the arms that say which targets are less than exact.
func (into *set) addLeft(h *histogram, arm string, p Point) {
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
		// Where no shape was asked for, it is not known on which boundaries the threshold is.
		into.unsureNative = into.unsureNative || h.native != askAll
	case shapeArm:
		into.addShape(h, p.Buckets)
		into.unsureNative = into.unsureNative || p.Buckets == nil // old servers sum histograms to numbers
	}
}

// lessExact are the caveats of a label set's histograms.
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
