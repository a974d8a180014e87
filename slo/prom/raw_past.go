package prom

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
	"github.com/postburn/postburn/slo/promql"
)

// readPast looks for the past of counters that were not there in the look-back, and puts it into
// their worlds, by the numbers of the ticks.
func (a *asker) readPast(ctx context.Context, r *run, fresh map[int]*promql.World) error {
	if len(fresh) == 0 {
		return nil
	}
	from := near(r.ticks.First, r.ticks.Interval)
	for i, w := range fresh {
		if w.AnyIn(cut(r.series, from, near(r.ticks.At(i), r.ticks.Interval))) {
			fresh[i] = r.worldSince(from, i, nil, nil) // it was there earlier in the run
		}
	}
	had, err := a.hadPast(ctx, r, fresh)
	if err != nil || len(had) == 0 {
		return err
	}
	var targets []map[string]string
	var past []*promql.World
	for _, w := range fresh {
		if of := w.FreshTargets(); len(promql.Targets(had, of)) > 0 {
			past, targets = append(past, w), append(targets, of...)
		}
	}
	if len(past) == 0 {
		return nil
	}
	series, ofTargets, err := a.pastOf(ctx, r, promql.Targets(had, targets), from, past)
	if err != nil {
		return err
	}
	for i := range fresh {
		fresh[i] = r.worldSince(from, i, series, ofTargets)
	}
	return nil
}

// hadPast are those counters that were there in the time before a run.
func (a *asker) hadPast(ctx context.Context, r *run, fresh map[int]*promql.World) ([]promql.Point, error) {
	var all []map[string]string
	for _, w := range fresh {
		all = append(all, w.FreshTargets()...)
	}
	at := near(r.ticks.First, r.ticks.Interval)
	points, err := a.askOne(ctx, r.task.counter.PastQuery(all, count.Longest), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return nil, err
	}
	return points[0], nil
}

// pastOf reads the samples of all counters of some targets up to a time: as far back as any of the
// fresh ones was there, in the fewest steps that are fine enough.
func (a *asker) pastOf(
	ctx context.Context, r *run, where promql.Where, until time.Time, fresh []*promql.World,
) (series, targets []promql.Raw, err error) {
	for _, look := range []struct{ back, step time.Duration }{{time.Hour, 0}, {6 * time.Hour, 75 * time.Second}, {count.Longest, 5 * time.Minute}} {
		ticks := slo.Ticks{First: until, Last: until, Interval: time.Second}
		write := func(selector string) string { return promql.Range(selector, look.back) }
		if look.step > 0 {
			last := until.Truncate(look.step)
			ticks = slo.Ticks{First: last.Add(-look.back), Last: last, Interval: look.step}
			write = func(selector string) string { return selector }
		}
		series = nil
		for _, selector := range r.task.counter.RawSelectors(where, r.allBuckets) {
			found, err := a.raw(ctx, write(selector), ticks)
			if err != nil {
				return nil, nil, err
			}
			series = append(series, found...)
		}
		isLacking := func(w *promql.World) bool { return !w.AnyIn(series) }
		if look.back < count.Longest && slices.ContainsFunc(fresh, isLacking) {
			continue
		}
		targets, err = a.raw(ctx, write(promql.TargetSelector(where)), ticks)
		return series, targets, err
	}
	return nil, nil, nil
}
