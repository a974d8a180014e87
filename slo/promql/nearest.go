package promql

import (
	"fmt"
	"math"
	"strconv"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo/count"
)

// Nearest is where a threshold is among the boundaries of a histogram, in the histogram's unit.
type Nearest struct {
	Exact     bool    // it is a boundary, or no event is near it
	Low, High float64 // else those next to it: 0 and infinity where there are none
}

// BoundaryQuery asks for the boundaries of all the histograms of a latency.
func (c *Counter) BoundaryQuery() Query {
	var arms []arm
	for _, g := range c.groups {
		if g.histogram != nil && g.role == total {
			arms = append(arms, tagged("group by (le) ("+g.histogram.part("_bucket", as(""))+")", g.tag, layoutArm))
			if g.histogram.native != askNone {
				arms = append(arms, tagged(joined(g.selectors, as("")), g.tag, shapeArm))
			}
		}
	}
	return newQuery(arms...)
}

// Nearest looks for the threshold in the answer to BoundaryQuery; ok is false where there is no histogram.
func (c *Counter) Nearest(points []Point) (n Nearest, ok bool, err error) {
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
			return Nearest{}, false, fmt.Errorf("%w: not a histogram", ErrAnswer)
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
