package prom

import (
	"context"
	"fmt"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// readConditions asks conditions at all the ticks.
func (a *asker) readConditions(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	points := a.askEach(ctx, tasks, ticks, func(t *task) promql.Query { return t.plan.held })
	for _, t := range tasks {
		t.plan.alone.Store(divisible(t.err) && t.err != nil)
		for i, p := range points[t] {
			held, err := t.plan.condition.Samples(ticks.At(i), p)
			if err != nil {
				t.err = a.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
				break
			}
			t.add(held)
		}
	}
}
