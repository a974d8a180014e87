package prom

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// fetchSums asks a counter's sums. Where the server can't answer all that is asked about native histograms, less is asked; where
// histograms have no bucket for the threshold, their others are looked at. It returns the counter that the sums are of.
func (c *Client) fetchSums(ctx context.Context, counter *promql.Counter, ticks slo.Ticks) (*promql.Counter, [][]promql.Point, error) {
	points, err := c.fetch(ctx, counter.SumQuery(ticks.Interval), ticks)
	for simpler := counter.Simpler(); err != nil && simpler != nil; simpler = counter.Simpler() {
		if isGauge(err) {
			return nil, nil, fmt.Errorf("%w: the native histogram is a gauge: it does not count events; give a histogram that is a counter", slo.ErrRefused)
		}
		if !tooNative(err) {
			break
		}
		counter = simpler
		points, err = c.fetch(ctx, counter.SumQuery(ticks.Interval), ticks)
	}
	if err != nil {
		return nil, nil, err
	}
	first, last := len(points), -1
	for i, p := range points {
		if counter.Lacks(p) {
			first, last = min(first, i), i
		}
	}
	if last < 0 {
		return counter, points, nil
	}
	layouts, err := c.fetch(ctx, counter.LayoutQuery(ticks.Interval), between(ticks, first, last))
	if err != nil {
		return nil, nil, err
	}
	if counter, err = counter.Resolve(layouts); err != nil {
		return nil, nil, c.badAnswer(err)
	}
	points, err = c.fetch(ctx, counter.SumQuery(ticks.Interval), ticks)
	return counter, points, err
}

// isGauge reports whether an error is the server's warning that rates of gauges make no sense.
func isGauge(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "native histogram metric is not a counter")
}

// tooNative reports whether a server answered with a warning about native histograms that can't be summed, or does not know them.
func tooNative(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "PromQL warning") ||
		errors.Is(err, slo.ErrRefused) && strings.Contains(err.Error(), "histogram_")
}

// readCondition asks a condition at all the ticks.
func (c *Client) readCondition(ctx context.Context, condition *promql.Condition, found *samples, first, end int) error {
	points, err := c.fetch(ctx, condition.Query(), between(found.ticks, first, end-1))
	if err != nil {
		return err
	}
	for i, p := range points {
		held, err := condition.Samples(found.ticks.At(first+i), p)
		if err != nil {
			return c.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
		}
		for labels, s := range held {
			found.of(labels)[first+i] = s
		}
	}
	return nil
}

// Nearest asks where the threshold of a latency is among the boundaries of its histograms; ok is false where there are none. Its errors
// wrap one of slo's Err values.
func (c *Client) Nearest(ctx context.Context, o slo.Objective, at time.Time) (n promql.Nearest, ok bool, err error) {
	counter, err := promql.NewCounter(o)
	if err != nil {
		return n, false, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.fetch(ctx, counter.BoundaryQuery(), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return n, false, err
	}
	if n, ok, err = counter.Nearest(points[0]); err != nil {
		return n, false, c.badAnswer(err)
	}
	return n, ok, nil
}
