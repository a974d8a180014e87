package prom

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// Nearest places a threshold among a histogram's boundaries, in the histogram's unit.
type Nearest struct {
	Exact     bool       // it is a boundary, or no event is near it
	Low, High float64    // else the ones next to it: 0 and infinity if there are none
	Of        slo.Labels // whose these are, if it is a boundary of other histograms; empty: of all
}

// Nearest places a latency's threshold among its histograms' boundaries: those of the first
// histogram without it, if some have it. ok is false if there are no boundaries. It asks at most
// two queries. Its errors wrap one of slo's Err values.
func (c *Client) Nearest(ctx context.Context, o slo.Objective, at time.Time) (n Nearest, ok bool, err error) {
	counter, err := newCounter(o)
	if err != nil {
		return n, false, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	now := slo.Ticks{First: at, Last: at, Interval: time.Second}
	points, err := c.askOne(ctx, boundaryQuery(counter), now)
	if err != nil {
		return n, false, err
	}
	if n, ok, err = counter.nearest(points[0]); err != nil {
		return n, false, c.badAnswer(err)
	}
	if !n.Exact {
		return n, ok, nil
	}
	if points, err = c.askOne(ctx, counter.lackingQuery(), now); err != nil {
		return n, false, err
	}
	if first := firstHistogram(points[0]); len(first) > 0 {
		if n, _, err = counter.nearest(first); err != nil {
			return n, false, c.badAnswer(err)
		}
		n.Of = slo.Labels(identity(withoutBoundary(first[0].Labels)))
	}
	return n, ok, nil
}

// lackingQuery asks for the boundaries of histograms that do not have the threshold among theirs.
func (c *counter) lackingQuery() query {
	var arms []arm
	for _, g := range c.groups {
		if g.histogram != nil && g.role == total {
			now := as("")
			buckets := "((" + g.histogram.part("_bucket", now) + ") unless ignoring (le) (" +
				g.histogram.part("_bucket", now, bound(g.histogram.exact)) + ") unless ignoring (le) (" + joined(g.selectors, now) + "))"
			arms = append(arms, tagged(buckets, g.tag, layoutArm))
		}
	}
	return query{arms: arms}
}

// firstHistogram returns the buckets of the histogram that is first by its labels.
func firstHistogram(buckets []point) (first []point) {
	least := ""
	for _, p := range buckets {
		own := identity(withoutBoundary(p.Labels))
		if first == nil || own < least {
			first, least = nil, own
		}
		if own == least {
			first = append(first, p)
		}
	}
	return first
}

func withoutBoundary(set map[string]string) map[string]string {
	own := maps.Clone(set)
	delete(own, model.BucketLabel)
	return own
}

// boundaryQuery asks for the boundaries of all of a latency's histograms.
func boundaryQuery(c *counter) query {
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

// nearest looks for the threshold in the answer to boundaryQuery; ok is false if there is no
// histogram.
func (c *counter) nearest(points []point) (n Nearest, ok bool, err error) {
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
