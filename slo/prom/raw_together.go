package prom

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// Objectives that are alike are often odd at the same tick, and for some ticks after it: their
// targets are replaced or fail together. Then one query asks for the raw samples of a family's
// objectives, and another for all their targets.

// readTogether reads the raw samples of runs of one tick. Runs that are too much together, or can't
// be asked together, are left for reading alone.
func (a *rawReader) readTogether(ctx context.Context, runs []*run) {
	families := map[[sha256.Size]byte][]*run{}
	samples := 0.0
	for _, r := range runs {
		if f := r.task.first.query.family; f != nil {
			families[f.shape] = append(families[f.shape], r)
			samples += r.raws()
		}
	}
	if samples > float64(a.raws) {
		return
	}
	var read []*run
	for _, r := range runs { // in order, to ask the same each time
		f := r.task.first.query.family
		if f == nil || len(families[f.shape]) < 2 {
			continue
		}
		members := families[f.shape]
		delete(families, f.shape)
		fixed := make([][]equality, len(members))
		for i, m := range members {
			fixed[i] = m.task.first.query.family.fixed
		}
		label, gathered := gather(fixed)
		for _, alike := range gathered {
			owners := map[string][]*run{}
			for _, i := range alike {
				value := fixed[i][label].value
				owners[value] = append(owners[value], members[i])
			}
			if len(owners) > 1 && a.readSeries(ctx, members[alike[0]], f.fixed[label].label, owners) {
				read = slices.AppendSeq(read, slices.Values(slices.Concat(slices.Collect(maps.Values(owners))...)))
			}
		}
	}
	a.readTargets(ctx, read)
}

// readSeries reads the series of runs that differ in one label's value, and reports whether there
// was an answer.
func (a *rawReader) readSeries(ctx context.Context, first *run, label string, owners map[string][]*run) bool {
	all := run{task: &task{counter: first.task.counter.withAny(label, slices.Sorted(maps.Keys(owners)))}, ticks: first.ticks}
	for _, selector := range all.selectors(nil) {
		found, err := a.rawAt(ctx, selector, first.ticks.Last, first.length())
		if err != nil {
			for _, runs := range owners {
				fail(runs, err)
			}
			return false
		}
		for _, s := range found {
			for _, r := range owners[s.Labels[label]] {
				if r.series == nil {
					r.series = make([]count.Series, 0, len(found)/len(owners))
				}
				r.series = append(r.series, s)
			}
		}
	}
	return true
}

// readTargets reads the targets of runs.
func (a *rawReader) readTargets(ctx context.Context, runs []*run) {
	jobs := map[string][]*run{}
	for _, r := range runs {
		for _, job := range jobsIn(r.series) {
			jobs[job] = append(jobs[job], r)
		}
	}
	var found []count.Series
	if len(jobs) > 0 {
		selector := targetSelector([]*labels.Matcher{anyOf(model.JobLabel, slices.Sorted(maps.Keys(jobs)))})
		var err error
		if found, err = a.rawAt(ctx, selector, runs[0].ticks.Last, runs[0].length()); err != nil {
			fail(runs, err)
			return
		}
	}
	for _, s := range found {
		for _, r := range jobs[s.Labels[model.JobLabel]] {
			r.targets = append(r.targets, s)
		}
	}
	for _, r := range runs {
		r.isRead = true
	}
}

// fail drops what was read of runs. If the error would meet all queries now, their tasks have
// failed; else each may be read alone.
func fail(runs []*run, err error) {
	for _, r := range runs {
		if r.series = nil; !divisible(err) {
			r.task.err = err
		}
	}
}

// rawAt asks for the samples of a selector in a length of time up to one.
func (a *rawReader) rawAt(ctx context.Context, selector string, at time.Time, length time.Duration) ([]count.Series, error) {
	return a.raw(ctx, selector+over(length), slo.Ticks{First: at, Last: at, Interval: time.Second})
}
