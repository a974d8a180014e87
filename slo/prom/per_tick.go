package prom

import (
	"context"
	"fmt"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// readPerTick reads what is measured once a tick, at all ticks of the grid.
func (a *asker) readPerTick(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	grid, _ := ticks.Fine()
	for stretch := range steps(grid) {
		left := working(tasks)
		if len(left) == 0 {
			return
		}
		points := a.askEach(ctx, left, stretch, func(t *task) promql.Query { return t.plan.asked })
		for t, found := range points {
			t.plan.alone.Store(divisible(t.err) && t.err != nil)
			for i, p := range found {
				samples, err := t.plan.perTick.Samples(stretch.At(i), p)
				if err != nil {
					t.err = a.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
					break
				}
				t.fold(stretch.At(i), samples)
			}
		}
	}
}
