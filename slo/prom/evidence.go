package prom

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
)

// Traces asks any PromQL that has instant vectors for its values at all ticks. Its errors wrap one of slo's Err values. Unlike Read, it
// leaves the query as it is and does not halve a stretch that is too much.
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

// Bounded is the same client with a number of queries after which it refuses to ask more.
func (c *Client) Bounded(queries int) *Client {
	bounded := *c
	bounded.api = &boundedAPI{API: c.api, most: queries}
	return &bounded
}

// boundedAPI counts queries.
type boundedAPI struct {
	v1.API
	most  int
	asked atomic.Int64
}

// Query implements v1.API.
func (b *boundedAPI) Query(ctx context.Context, query string, at time.Time, opts ...v1.Option) (model.Value, v1.Warnings, error) {
	if err := b.take(); err != nil {
		return nil, nil, err
	}
	return b.API.Query(ctx, query, at, opts...)
}

// QueryRange implements v1.API.
func (b *boundedAPI) QueryRange(ctx context.Context, query string, r v1.Range, opts ...v1.Option) (model.Value, v1.Warnings, error) {
	if err := b.take(); err != nil {
		return nil, nil, err
	}
	return b.API.QueryRange(ctx, query, r, opts...)
}

func (b *boundedAPI) take() error {
	if b.asked.Add(1) > int64(b.most) {
		return fmt.Errorf("%w: at most %d", errUsedUp, b.most)
	}
	return nil
}

// Asked is how many queries a bounded client has sent; 0 of another client.
func (c *Client) Asked() int {
	if bounded, is := c.api.(*boundedAPI); is {
		return min(int(bounded.asked.Load()), max(0, bounded.most))
	}
	return 0
}
