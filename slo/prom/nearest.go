package prom

import (
	"context"
	"fmt"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// Nearest asks where the threshold of a latency is among the boundaries of its histograms; ok is false where there are none. Its errors
// wrap one of slo's Err values.
func (c *Client) Nearest(ctx context.Context, o slo.Objective, at time.Time) (n promql.Nearest, ok bool, err error) {
	counter, err := promql.NewCounter(o)
	if err != nil {
		return n, false, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.askOne(ctx, counter.BoundaryQuery(), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return n, false, err
	}
	if n, ok, err = counter.Nearest(points[0]); err != nil {
		return n, false, c.badAnswer(err)
	}
	return n, ok, nil
}
