package prom

import (
	"context"
	"errors"
	"fmt"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// exclude marks the samples of ticks in which work is planned. Objectives that share a condition share its queries. Where a condition
// can't be read there are no samples: nobody knows then whether they may open an incident.
func (c *Client) exclude(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks, readings []slo.Reading) {
	type answer struct {
		points [][]promql.Point
		err    error
	}
	answers := map[string]answer{}
	for i, o := range objectives {
		if o.Exclude == "" || readings[i].Err != nil {
			continue
		}
		exclusion, err := promql.NewExclusion(o)
		if err != nil {
			readings[i] = slo.Reading{Err: c.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))}
			continue
		}
		found, asked := answers[exclusion.Query()]
		if !asked {
			found.points, found.err = c.fetchSteps(ctx, exclusion.Query(), ticks)
			answers[exclusion.Query()] = found
		}
		if err := found.err; err != nil {
			readings[i] = slo.Reading{Err: fmt.Errorf("reading exclude: %w", err)}
		} else if err := markExcluded(exclusion, found.points, readings[i]); err != nil {
			readings[i] = slo.Reading{Err: c.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))}
		}
	}
}

func markExcluded(e *promql.Exclusion, points [][]promql.Point, r slo.Reading) error {
	for _, series := range r.Series {
		for t := range series.Samples {
			holds, err := e.Holds(points[t], series.Labels)
			if err != nil {
				return err
			}
			series.Samples[t].Excluded = holds
		}
	}
	return nil
}

// fetchSteps asks a query for any number of ticks, in as many pieces as it takes.
func (c *Client) fetchSteps(ctx context.Context, query string, ticks slo.Ticks) (points [][]promql.Point, err error) {
	n := ticks.Len()
	if n <= maxSteps {
		answer, err := c.do(ctx, query, ticks)
		if err == nil {
			points, err = decodeAll(answer, ticks)
			if err != nil {
				return nil, c.failed(err)
			}
			return points, nil
		}
		if !errors.Is(err, errTooMuch) || n < 2 {
			return nil, err
		}
	}
	for _, part := range []slo.Ticks{between(ticks, 0, n/2-1), between(ticks, n/2, n-1)} {
		more, err := c.fetchSteps(ctx, query, part)
		if err != nil {
			return nil, err
		}
		points = append(points, more...)
	}
	return points, nil
}
