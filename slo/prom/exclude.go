package prom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/postburn/postburn/slo"
)

const excludeTag = "exclude"

// exclude marks the samples of ticks with planned work. Objectives that share a condition share its
// queries. If a condition can't be read there are no samples: nobody knows whether they may open an
// incident.
func (a *asker) exclude(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	asked := map[string]*request{}
	var requests []*request
	for _, t := range working(tasks) {
		if text := t.plan.exclude; text != "" && asked[text] == nil {
			asked[text] = &request{query: query{arms: []arm{{text, excludeTag}}}}
			requests = append(requests, asked[text])
		}
	}
	fine, perStep := ticks.Fine()
	for batch := range slices.Chunk(requests, a.together(fine)) {
		a.askSteps(ctx, batch, fine)
	}
	for _, t := range working(tasks) {
		answer := asked[t.plan.exclude]
		if answer == nil {
			continue
		}
		if answer.err != nil {
			t.err = fmt.Errorf("reading exclude: %w", answer.err)
		} else if err := t.mark(answer.points, perStep); err != nil {
			t.err = a.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
		}
	}
}

// mark marks the steps with planned work at all their ticks. points has the ticks' points.
func (t *task) mark(points [][]point, perStep int) error {
	for labels, series := range t.series {
		for i := range series {
			series[i].Excluded = true
			for _, at := range points[i*perStep : (i+1)*perStep] {
				planned, err := isPlanned(at, t.plan.groupBy, labels)
				if err != nil {
					return err
				}
				series[i].Excluded = series[i].Excluded && planned
			}
		}
	}
	return nil
}

// isPlanned reports whether one tick's answer plans work for a label set of an objective. A value
// applies to all label sets that have its labels; labels that it lacks may be anything. No value,
// or NaN, is no planned work. A value that is neither true nor false is an error.
func isPlanned(points []point, groupBy []string, set slo.Labels) (planned bool, err error) {
	wanted := set.Map()
	for _, p := range points {
		switch {
		case p.Buckets != nil:
			return false, errors.New("exclude: a native histogram is neither true nor false: compare a number, as in maintenance_mode == 1")
		case math.IsNaN(p.Value) || p.Value == 0:
			continue
		case p.Value != 1:
			return false, fmt.Errorf("exclude: the value %v is neither 0 nor 1: compare it, as in maintenance_mode == 1", p.Value)
		}
		planned = planned || !slices.ContainsFunc(groupBy, func(name string) bool {
			return p.Labels[name] != "" && p.Labels[name] != wanted[name]
		})
	}
	return planned, nil
}
