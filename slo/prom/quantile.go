package prom

import (
	"context"
	"errors"
	"fmt"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// Quantiles asks how long the events of a latency objective took, of one label set of its group_by: all those in (First - Interval,
// Last]. It costs one query, or two at a server that knows no native histograms. There are none where there are no events, or where they
// can't be told. Its errors wrap one of slo's Err values.
func (c *Client) Quantiles(ctx context.Context, o slo.Objective, set slo.Labels, ticks slo.Ticks, shares ...float64) ([]slo.Quantile, error) {
	durations, err := promql.NewDurations(o, set)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.askOne(ctx, durations.Query(ticks.Interval), ticks)
	if err != nil && errors.Is(err, slo.ErrRefused) && tooNative(err) {
		durations = durations.Classic()
		points, err = c.askOne(ctx, durations.Query(ticks.Interval), ticks)
	}
	if err != nil {
		return nil, err
	}
	found, err := durations.Quantiles(points, shares...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	return found, nil
}
