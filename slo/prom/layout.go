package prom

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// lacks reports whether some targets' histograms have no bucket for the threshold, by one tick's
// answer to sumQuery. Then the counter has to be resolved, and sumQuery be asked again.
func (c *counter) lacks(points []point) bool {
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

// layoutQuery asks for all buckets of the histograms that have none for the threshold.
func (c *counter) layoutQuery(interval time.Duration) query {
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
	return query{arms: arms}
}

// Histograms of VictoriaMetrics' own kind, which its client libraries make, and which it makes of
// native histograms that it receives, have buckets without cumulative counts. Their label is
// vmrange, like "4.084e-01...4.642e-01", and their boundaries come and go with the events.
// https://docs.victoriametrics.com/victoriametrics/keyconcepts/#histogram
const (
	vmrangeLabel = "vmrange"
	vmrangeText  = "the histogram is of VictoriaMetrics' own kind, with buckets by vmrange: give one with buckets by le"
)

// resolve makes a counter that estimates the good events of the histograms in the answers to
// layoutQuery, tick by tick, from the two buckets around the threshold, and leaves those out that
// have none above it. Which boundaries a histogram has at other ticks makes no difference: its own
// narrowest ones are taken.
func (c *counter) resolve(answers [][]point) (*counter, error) {
	found := map[string]map[count.Bounds]pattern{}
	for _, points := range answers {
		series := map[layoutKey]map[string]float64{} // each le, and what it means
		for _, p := range points {
			g, arm, err := c.arm(p)
			le, has := p.Labels[model.BucketLabel]
			v, parseErr := strconv.ParseFloat(le, 64)
			if p.Labels[vmrangeLabel] != "" {
				return nil, fmt.Errorf("%w: %s", errUnsupported, vmrangeText)
			}
			if err != nil || arm != layoutArm || !has {
				return nil, fmt.Errorf("%w: not a bucket", errAnswer)
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
	return c.changed(func(h *histogram, tag string) {
		h.resolved = true
		h.between = slices.SortedFunc(maps.Values(found[tag]), func(a, b pattern) int { return compareBounds(a.Bounds, b.Bounds) })
		h.between = h.between[:min(len(h.between), maxBounds)]
	}), nil
}

// layoutKey names a histogram: its group, and its labels without le.
type layoutKey struct{ tag, labels string }

// addBounds finds the boundaries around the threshold of one histogram.
func (c *counter) addBounds(found map[count.Bounds]pattern, tag string, les map[string]float64) {
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

// compareBounds puts the narrowest first.
func compareBounds(a, b count.Bounds) int {
	return cmp.Or(cmp.Compare(a.High-a.Low, b.High-b.Low), cmp.Compare(a.Low, b.Low),
		strings.Compare(strconv.FormatBool(a.First), strconv.FormatBool(b.First)))
}

// spellings is a pattern that all ways match in which a bucket's bound is written in its `le`: 0.5,
// .5, 0.50, 5e-1, 500e-3. It is anchored as all patterns in selectors are. Ways that were found go
// in as they are.
func spellings(bound float64, found ...string) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(bound, 'e', -1, 64), "e")
	digits := strings.TrimRight(strings.Replace(mantissa, ".", "", 1), "0")
	point, _ := strconv.Atoi(exponent)
	point++ // bound is 0.digits times ten to the power of point
	ways := []string{positional(digits, point)}
	for _, e := range exponents(digits, point) {
		power := `\+?0*` + strconv.Itoa(e)
		if e < 0 {
			power = `-0*` + strconv.Itoa(-e)
		}
		ways = append(ways, positional(digits, point-e)+"[eE]"+power)
	}
	pattern := regexp.MustCompile("^(?:" + strings.Join(ways, "|") + ")$")
	for _, way := range slices.Sorted(slices.Values(found)) {
		if !pattern.MatchString(way) {
			ways = append(ways, regexp.QuoteMeta(way))
		}
	}
	return strings.Join(ways, "|")
}

// exponents are those with which a number is written: with one digit before the point, with none
// behind it, and in steps of three.
func exponents(digits string, point int) []int {
	steps := int(math.Floor(float64(point-1)/3)) * 3
	all := []int{point - 1, point - len(digits), steps}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(e int) bool { return e == 0 })
}

// positional is a pattern of 0.digits times ten to the power of point, written without an exponent.
func positional(digits string, point int) string {
	switch {
	case digits == "":
		return `0*\.?0+`
	case point <= 0:
		return `\+?0*\.` + strings.Repeat("0", -point) + digits + "0*"
	case point >= len(digits):
		return `\+?0*` + digits + strings.Repeat("0", point-len(digits)) + `(?:\.0*)?`
	}
	return `\+?0*` + digits[:point] + `\.` + digits[point:] + "0*"
}

// Nearest is where a threshold is among the boundaries of a histogram, in the histogram's unit.
type Nearest struct {
	Exact     bool    // it is a boundary, or no event is near it
	Low, High float64 // else those next to it: 0 and infinity where there are none
}

// Nearest asks where the threshold of a latency is among the boundaries of its histograms; ok is
// false where there are none. Its errors wrap one of slo's Err values.
func (c *Client) Nearest(ctx context.Context, o slo.Objective, at time.Time) (n Nearest, ok bool, err error) {
	counter, err := newCounter(o)
	if err != nil {
		return n, false, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.askOne(ctx, counter.boundaryQuery(), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return n, false, err
	}
	if n, ok, err = counter.Nearest(points[0]); err != nil {
		return n, false, c.badAnswer(err)
	}
	return n, ok, nil
}

// boundaryQuery asks for the boundaries of all the histograms of a latency.
func (c *counter) boundaryQuery() query {
	var arms []arm
	for _, g := range c.groups {
		if g.histogram != nil && g.role == total {
			arms = append(arms, tagged("group by (le) ("+g.histogram.part("_bucket", as(""))+")", g.tag, layoutArm))
			if g.histogram.native != askNone {
				arms = append(arms, tagged(joined(g.selectors, as("")), g.tag, shapeArm))
			}
		}
	}
	return query{arms: arms}
}

// Nearest looks for the threshold in the answer to boundaryQuery; ok is false where there is no
// histogram.
func (c *counter) Nearest(points []point) (n Nearest, ok bool, err error) {
	n.High = math.Inf(1)
	near := func(h *histogram, boundary float64) {
		switch {
		case count.Same(boundary, h.threshold):
			n.Exact = true
		case boundary < h.threshold:
			n.Low = max(n.Low, boundary)
		default:
			n.High = min(n.High, boundary)
		}
	}
	for _, p := range points {
		g, arm, err := c.arm(p)
		if err != nil || g.histogram == nil {
			return Nearest{}, false, fmt.Errorf("%w: not a histogram", errAnswer)
		}
		if arm == layoutArm {
			boundary, err := strconv.ParseFloat(p.Labels[model.BucketLabel], 64)
			if err == nil && !math.IsNaN(boundary) {
				near(g.histogram, boundary)
				ok = true
			}
			continue
		}
		inside := false
		for _, b := range p.Buckets {
			if b.Lower <= g.histogram.threshold && g.histogram.threshold <= b.Upper {
				inside = true
				near(g.histogram, b.Lower)
				near(g.histogram, b.Upper)
			}
		}
		ok = ok || p.Buckets != nil
		n.Exact = n.Exact || p.Buckets != nil && !inside
	}
	return n, ok, nil
}
