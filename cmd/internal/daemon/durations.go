package daemon

import (
	"context"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
)

// durationSteps is in how many steps Prometheus is asked how long the events of a time took. With
// more, less is left out of what processes counted that began or ended in it.
const durationSteps = 12

// durations returns a function for web.Data.Durations. It costs Prometheus as much for a month as
// for an hour: what it has counted at the end of each step.
func durations(sources *prom.Sources, interval time.Duration) func(context.Context, slo.Objective, slo.Labels, slo.Span) ([]slo.Quantile, error) {
	return func(ctx context.Context, o slo.Objective, set slo.Labels, in slo.Span) ([]slo.Quantile, error) {
		length := in.End.Sub(in.Start)
		step := max(interval, (length / durationSteps).Truncate(interval))
		n := max(1, int(length/step))
		ticks := slo.Ticks{First: in.End.Add(-time.Duration(n-1) * step), Last: in.End, Interval: step}
		return sources.Of(o.Source).Bounded(2).Quantiles(ctx, o, set, ticks, 0.5, 0.95, 0.99)
	}
}
