package prom

import (
	"context"
	"fmt"
	"slices"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// exclude marks the samples of ticks in which work is planned. Objectives that share a condition
// share its queries. Where a condition can't be read there are no samples: nobody knows then
// whether they may open an incident.
func (a *asker) exclude(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	asked := map[string]*request{}
	var requests []*request
	for _, t := range working(tasks) {
		if t.plan.exclusion == nil {
			continue
		}
		text := t.plan.exclusion.Text()
		if asked[text] == nil {
			asked[text] = &request{query: t.plan.exclusion.Query()}
			requests = append(requests, asked[text])
		}
	}
	grid, perStep := ticks.Fine()
	for batch := range slices.Chunk(requests, a.together(grid)) {
		a.askSteps(ctx, batch, grid)
	}
	for _, t := range working(tasks) {
		if t.plan.exclusion == nil {
			continue
		}
		answer := asked[t.plan.exclusion.Text()]
		if answer.err != nil {
			t.err = fmt.Errorf("reading exclude: %w", answer.err)
		} else if err := t.mark(answer.points, perStep); err != nil {
			t.err = a.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
		}
	}
}

// mark marks the steps in which a task's exclusion holds at all ticks. The points are those of the
// ticks.
func (t *task) mark(points [][]promql.Point, perStep int) error {
	for labels, series := range t.series {
		for i := range series {
			series[i].Excluded = true
			for _, at := range points[i*perStep : (i+1)*perStep] {
				holds, err := t.plan.exclusion.Holds(at, labels)
				if err != nil {
					return err
				}
				series[i].Excluded = series[i].Excluded && holds
			}
		}
	}
	return nil
}

// askSteps asks several requests in one query for any number of ticks, in as many pieces as it
// takes.
func (a *asker) askSteps(ctx context.Context, requests []*request, ticks slo.Ticks) {
	for stretch := range steps(ticks) {
		parts := make([]*request, len(requests))
		for i, r := range requests {
			parts[i] = &request{query: r.query}
		}
		a.ask(ctx, parts, stretch)
		for i, r := range requests {
			r.points = append(r.points, parts[i].points...)
			if r.err == nil {
				r.err = parts[i].err
			}
		}
	}
}
