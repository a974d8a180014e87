package prom

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// readPast looks for the past of counters that were not there in the look-back, and puts it into
// their worlds, by the numbers of the ticks.
func (a *asker) readPast(ctx context.Context, r *run, whole *world, fresh map[int]*world) error {
	if len(fresh) == 0 {
		return nil
	}
	from := r.near(0)
	for i, w := range fresh {
		if w.anyIn(cut(r.series, from, r.near(i))) {
			fresh[i] = whole.at(w.Tick, w.Interval, from) // it was there earlier in the run
		}
	}
	had, err := a.hadPast(ctx, r, fresh)
	if err != nil || len(had) == 0 {
		return err
	}
	var targets []map[string]string
	var past []*world
	for _, w := range fresh {
		if of := w.freshTargets(); len(targetsOf(had, of)) > 0 {
			past, targets = append(past, w), append(targets, of...)
		}
	}
	if len(past) == 0 {
		return nil
	}
	series, ofTargets, err := a.pastOf(ctx, r, targetsOf(had, targets), from, past)
	if err != nil {
		return err
	}
	whole = r.task.counter.world(joinRaw(series, cut(r.series, from, r.ticks.Last)), joinRaw(ofTargets, cut(r.targets, from, r.ticks.Last)))
	for i, w := range fresh {
		fresh[i] = whole.at(w.Tick, w.Interval, time.Time{})
	}
	return nil
}

// hadPast are those counters that were there in the time before a run.
func (a *asker) hadPast(ctx context.Context, r *run, fresh map[int]*world) ([]point, error) {
	var all []map[string]string
	for _, w := range fresh {
		all = append(all, w.freshTargets()...)
	}
	at := r.near(0)
	points, err := a.askOne(ctx, r.task.counter.pastQuery(all, count.Longest), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return nil, err
	}
	return points[0], nil
}

// pastQuery asks which of some counters had a value in a length of time.
func (c *counter) pastQuery(fresh []map[string]string, back time.Duration) query {
	narrow := narrowed(fresh)
	var arms []arm
	for _, g := range c.groups {
		if g.histogram == nil || g.role == total {
			arms = append(arms, tagged(g.each(lastOver(back), narrow...), g.tag, pastArm))
		}
	}
	return query{arms: arms}
}

// narrowed are matchers of the values that labels have in some series, where these are few.
func narrowed(series []map[string]string) (matchers []*labels.Matcher) {
	const most = 100
	values := map[string]map[string]bool{}
	for _, s := range series {
		for name := range s {
			values[name] = map[string]bool{}
		}
	}
	for name, seen := range values {
		for _, s := range series {
			seen[s[name]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) <= most {
			matchers = append(matchers, anyOf(name, slices.Sorted(maps.Keys(values[name]))))
		}
	}
	return matchers
}

// targetsOf matches the targets of those fresh counters that had a past; it is empty where there
// are none.
func targetsOf(had []point, fresh []map[string]string) []*labels.Matcher {
	before := map[string]bool{}
	for _, p := range had {
		before[identity(p.Labels)] = true
	}
	jobs, instances := map[string]bool{}, map[string]bool{}
	for _, f := range fresh {
		if before[identity(f)] {
			jobs[f[model.JobLabel]], instances[f[model.InstanceLabel]] = true, true
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	return ofTargets(slices.Sorted(maps.Keys(jobs)), slices.Sorted(maps.Keys(instances)))
}

// pastOf reads the samples of all counters of some targets up to a time: as far back as any of the
// fresh ones was there, in the fewest steps that are fine enough.
func (a *asker) pastOf(
	ctx context.Context, r *run, where []*labels.Matcher, until time.Time, fresh []*world,
) (series, targets []count.Series, err error) {
	for _, look := range []struct{ back, step time.Duration }{{time.Hour, 0}, {6 * time.Hour, 75 * time.Second}, {count.Longest, 5 * time.Minute}} {
		ticks := slo.Ticks{First: until, Last: until, Interval: time.Second}
		write := func(selector string) string { return selector + over(look.back) }
		if look.step > 0 {
			last := until.Truncate(look.step)
			ticks = slo.Ticks{First: last.Add(-look.back), Last: last, Interval: look.step}
			write = func(selector string) string { return selector }
		}
		series = nil
		for _, selector := range r.task.counter.rawSelectors(where, r.allBuckets) {
			found, err := a.raw(ctx, write(selector), ticks)
			if err != nil {
				return nil, nil, err
			}
			series = append(series, found...)
		}
		isLacking := func(w *world) bool { return !w.anyIn(series) }
		if look.back < count.Longest && slices.ContainsFunc(fresh, isLacking) {
			continue
		}
		targets, err = a.raw(ctx, write(targetSelector(where)), ticks)
		return series, targets, err
	}
	return nil, nil, nil
}

// anyIn reports whether any of the fresh counters is among some series, by its labels.
func (w *world) anyIn(series []count.Series) bool {
	there := map[slo.Labels]bool{}
	for _, s := range series {
		own := maps.Clone(s.Labels)
		delete(own, model.BucketLabel)
		there[slo.NewLabels(own)] = true
	}
	return slices.ContainsFunc(w.freshTargets(), func(f map[string]string) bool { return there[slo.NewLabels(f)] })
}
