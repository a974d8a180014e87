package prom

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// readPast looks for the past of counters that were not there in the look-back, and puts it into
// their worlds, which are by the number of the tick.
func (a *rawReader) readPast(ctx context.Context, r *run, whole *world, worlds map[int]*world) error {
	from := r.near(0)
	var begun map[slo.Labels]int64
	var fresh []int
	var targets []map[string]string
	for i, w := range worlds {
		if len(w.Fresh()) == 0 {
			continue
		}
		if begun == nil {
			begun = begins(cut(r.series, from, r.ticks.Last))
		}
		if w.anyBegan(begun, r.near(i)) {
			worlds[i] = whole.at(w.Tick, w.Interval, from) // it was there earlier in the run
		}
		fresh, targets = append(fresh, i), append(targets, worlds[i].freshTargets()...)
	}
	had, err := a.hadPast(ctx, r, targets)
	if err != nil || len(had) == 0 {
		return err
	}
	var past []*world
	for _, i := range fresh {
		if len(targetsOf(had, worlds[i].freshTargets())) > 0 {
			past = append(past, worlds[i])
		}
	}
	if len(past) == 0 {
		return nil
	}
	series, ofTargets, err := a.pastOf(ctx, r, targetsOf(had, targets), from, past)
	if err != nil {
		return err
	}
	whole = newWorld(r.task.counter, joinRaw(series, cut(r.series, from, r.ticks.Last)), joinRaw(ofTargets, cut(r.targets, from, r.ticks.Last)))
	for _, i := range fresh {
		worlds[i] = whole.at(worlds[i].Tick, r.ticks.Interval, time.Time{})
	}
	return nil
}

// hadPast returns which of the fresh counters, and maybe others, were there in the time before a
// run.
func (a *rawReader) hadPast(ctx context.Context, r *run, fresh []map[string]string) ([]point, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	at := r.near(0)
	where := slices.Concat(r.where, narrowed(fresh))
	points, err := a.askOne(ctx, r.task.counter.pastQuery(where, count.Longest), slo.Ticks{First: at, Last: at, Interval: time.Second})
	if err != nil {
		return nil, err
	}
	return points[0], nil
}

// pastQuery asks which of some counters had a value in a length of time.
func (c *counter) pastQuery(where []*labels.Matcher, back time.Duration) query {
	var arms []arm
	for _, g := range c.groups {
		if g.histogram == nil || g.role == total {
			arms = append(arms, tagged(g.each(lastOver(back), where...), g.tag, pastArm))
		}
	}
	return query{arms: arms}
}

// narrowed returns matchers of labels' values in some series, if the values are few.
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

// targetsOf matches the targets of the fresh counters that had a past; it is empty if none had.
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

// pastOf reads the samples of all counters of some targets up to a time: as far back as any fresh
// one was there, in as few steps as are fine enough.
func (a *rawReader) pastOf(
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
		for _, selector := range r.selectors(where) {
			found, err := a.raw(ctx, write(selector), ticks)
			if err != nil {
				return nil, nil, err
			}
			series = append(series, found...)
		}
		begun := begins(series)
		isLacking := func(w *world) bool { return !w.anyBegan(begun, until) }
		if look.back < count.Longest && slices.ContainsFunc(fresh, isLacking) {
			continue
		}
		targets, err = a.raw(ctx, write(targetSelector(where)), ticks)
		return series, targets, err
	}
	return nil, nil, nil
}

// begins returns when the first sample of each counter is, in milliseconds since 1970, by its
// labels.
func begins(series []count.Series) map[slo.Labels]int64 {
	begun := make(map[slo.Labels]int64, len(series))
	for _, s := range series {
		labels, first := s.Labels, int64(math.MaxInt64)
		if _, is := labels[model.BucketLabel]; is {
			labels = maps.Clone(labels)
			delete(labels, model.BucketLabel)
		}
		if len(s.Samples) > 0 {
			first = s.Samples[0].At
		}
		if len(s.Native) > 0 {
			first = min(first, s.Native[0].At)
		}
		key := slo.NewLabels(labels)
		if known, is := begun[key]; !is || first < known {
			begun[key] = first
		}
	}
	return begun
}

// anyBegan reports whether any of the fresh counters had begun by a time.
func (w *world) anyBegan(begun map[slo.Labels]int64, by time.Time) bool {
	return slices.ContainsFunc(w.freshTargets(), func(f map[string]string) bool {
		at, is := begun[slo.NewLabels(f)]
		return is && at <= by.UnixMilli()
	})
}
