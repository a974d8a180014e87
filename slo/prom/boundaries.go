package prom

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// Boundaries returns the boundaries of a latency's histograms at a time, in their unit, lowest
// first: the thresholds at which nothing has to be estimated. Those of native histograms are where
// there are events. Its errors wrap one of slo's Err values.
func (c *Client) Boundaries(ctx context.Context, o slo.Objective, at time.Time) ([]float64, error) {
	counter, err := newCounter(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.askOne(ctx, boundaryQuery(counter), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, p := range points[0] {
		if le, err := strconv.ParseFloat(p.Labels[model.BucketLabel], 64); err == nil {
			all = append(all, le)
		}
		for _, b := range p.Buckets {
			all = append(all, b.Lower, b.Upper)
		}
	}
	all = slices.DeleteFunc(all, func(x float64) bool { return !(x > 0) || math.IsInf(x, 1) })
	slices.Sort(all)
	return slices.CompactFunc(all, count.Same), nil
}
