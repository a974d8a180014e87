package prom

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/postburn/postburn/slo"
)

// Traces asks any PromQL with instant vectors for its values at all ticks. Its errors wrap one of
// slo's Err values. Unlike Read, it does not change the query, nor halve a stretch that is too
// much.
func (c *Client) Traces(ctx context.Context, query string, ticks slo.Ticks) ([]slo.Trace, error) {
	points, err := c.fetch(ctx, query, ticks)
	if err != nil {
		return nil, err
	}
	traces := []slo.Trace{}
	at := map[slo.Labels]int{}
	for tick, found := range points {
		for _, p := range found {
			if p.Buckets != nil {
				return nil, c.failed(fmt.Errorf("%w: a native histogram where a number was asked for", slo.ErrBadAnswer))
			}
			key := slo.NewLabels(p.Labels)
			i, seen := at[key]
			if !seen {
				i = len(traces)
				at[key] = i
				traces = append(traces, slo.Trace{Labels: p.Labels, Values: nothing(len(points))})
			}
			traces[i].Values[tick] = p.Value
		}
	}
	return traces, nil
}

func nothing(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// Bounded returns the same client, but it refuses to ask more than so many queries.
func (c *Client) Bounded(queries int) *Client {
	q := *c.querier
	q.most, q.asked = queries, new(atomic.Int64)
	bounded := *c
	bounded.querier = &q
	return &bounded
}

// Asked returns how many queries a bounded client has sent; 0 for another client.
func (c *Client) Asked() int {
	if c.asked == nil {
		return 0
	}
	return min(int(c.asked.Load()), max(0, c.most))
}
