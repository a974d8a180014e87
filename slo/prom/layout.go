package prom

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo/count"
)

// layoutQuery asks for all buckets of histograms without one for the threshold.
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

// resolve takes the answers to layoutQuery, tick by tick. It returns a counter that estimates the
// good events of these histograms from the two buckets around the threshold, and leaves out
// histograms without a bucket above it. A histogram's boundaries at other ticks make no difference:
// its own narrowest ones are taken.
func (c *counter) resolve(answers [][]point) (*counter, error) {
	found := layouts{}
	for _, points := range answers {
		series, groups := map[layoutKey]map[string]float64{}, map[string]group{} // each le with its bound; by tag
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
			groups[g.tag] = g
			if series[key] == nil {
				series[key] = map[string]float64{}
			}
			series[key][le] = v
		}
		for key, les := range series {
			found.addBounds(groups[key.tag], les)
		}
	}
	return c.changed(func(h *histogram, tag string) {
		h.resolved = true
		h.between = slices.SortedFunc(maps.Values(found[tag]), func(a, b pattern) int { return compareBounds(a.Bounds, b.Bounds) })
		h.between = h.between[:min(len(h.between), maxBounds)]
	}), nil
}

// layouts are histograms' boundaries around the threshold, by the tag of their group.
type layouts map[string]map[count.Bounds]pattern

// addBounds finds one histogram's boundaries around the threshold.
func (l layouts) addBounds(g group, les map[string]float64) {
	b, ok := count.Around(g.histogram.threshold, slices.Collect(maps.Values(les)))
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
	if l[g.tag] == nil {
		l[g.tag] = map[count.Bounds]pattern{}
	}
	if have, twice := l[g.tag][b]; !twice || len(p.lowLE)+len(p.highLE) > len(have.lowLE)+len(have.highLE) {
		l[g.tag][b] = p
	}
}

// layoutKey names a histogram: its group, and its labels without le.
type layoutKey struct{ tag, labels string }

// compareBounds puts the narrowest first.
func compareBounds(a, b count.Bounds) int {
	return cmp.Or(cmp.Compare(a.High-a.Low, b.High-b.Low), cmp.Compare(a.Low, b.Low),
		strings.Compare(strconv.FormatBool(a.First), strconv.FormatBool(b.First)))
}
