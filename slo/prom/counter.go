package prom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// readCounters asks the sums of all the ticks, and the raw samples of those in which something odd
// happened: series began, ended, fell, or have no number, or a process started anew.
func (a *asker) readCounters(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	grid := a.grid(ticks)
	starts := a.fetchSums(ctx, tasks, ticks, grid)
	if known := a.grid(ticks); known != grid { // the answer shows what kind of server it is from
		grid = known
		starts = a.fetchSums(ctx, working(tasks), ticks, grid)
	}
	started, err := a.startedIn(ctx, working(tasks), ticks, grid, starts)
	for _, t := range working(tasks) {
		if t.err = err; err != nil {
			continue
		}
		if err := t.addSums(ticks, started); err != nil {
			t.err = a.badAnswer(err)
		}
	}
	a.fetchRaw(ctx, working(tasks), ticks)
	a.readGoodless(ctx, working(tasks), ticks)
	for _, t := range working(tasks) {
		for _, tally := range t.tallies {
			t.add(tally.Samples())
		}
	}
}

// jobsOf are the jobs of the tasks' series.
func jobsOf(tasks []*task) (all []string) {
	for _, t := range tasks {
		jobs := t.counter.Jobs(t.points...)
		t.plan.jobs.Store(&jobs)
		all = append(all, jobs...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expectedJobs are the jobs of the tasks' series at the last tick, to ask about their restarts in
// the same query as about the sums of this one.
func expectedJobs(tasks []*task, ticks slo.Ticks) (all []string) {
	for _, t := range tasks {
		if jobs := t.plan.jobs.Load(); jobs != nil && ticks.Len() == 1 {
			all = append(all, *jobs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// startedIn are the targets of the tasks' jobs whose process started anew, by tick. Of the jobs
// that were expected they were asked with the sums. A server that refuses the query knows of none.
func (a *asker) startedIn(
	ctx context.Context, tasks []*task, ticks slo.Ticks, grid promql.Grid, asked *request,
) ([][]promql.Point, error) {
	none := make([][]promql.Point, ticks.Len())
	expected := expectedJobs(tasks, ticks)
	jobs := jobsOf(tasks)
	if len(jobs) == 0 {
		return none, nil
	}
	if slices.ContainsFunc(jobs, func(job string) bool { return !slices.Contains(expected, job) }) {
		asked = &request{query: promql.StartQuery(grid, jobs)}
		a.ask(ctx, []*request{asked}, ticks)
	}
	switch {
	case errors.Is(asked.err, slo.ErrRefused) && !errors.Is(asked.err, errUsedUp):
		return none, nil
	case asked.err != nil:
		return nil, asked.err
	}
	return asked.points, nil
}

// askEach asks a query about each task and returns the answers, and more requests with them. A task
// whose query fails has failed.
func (a *asker) askEach(
	ctx context.Context, tasks []*task, ticks slo.Ticks, query func(*task) promql.Query, more ...*request,
) map[*task][][]promql.Point {
	requests := make([]*request, len(tasks))
	for i, t := range tasks {
		requests[i] = &request{query: query(t)}
	}
	a.ask(ctx, append(requests, more...), ticks)
	points := map[*task][][]promql.Point{}
	for i, t := range tasks {
		points[t], t.err = requests[i].points, requests[i].err
	}
	return points
}

// fetchSums asks the tasks' sums. Where little was asked and did not suffice, all is; where the
// server can't answer all that is asked about native histograms, less is; where histograms have no
// bucket for the threshold, their others are looked at. Starts are asked with them.
func (a *asker) fetchSums(ctx context.Context, tasks []*task, ticks slo.Ticks, grid promql.Grid) (starts *request) {
	for _, t := range tasks {
		t.begin(ticks, grid)
	}
	starts = &request{query: promql.StartQuery(grid, expectedJobs(tasks, ticks))}
	var more []*request
	if !starts.query.Empty() {
		more = append(more, starts)
	}
	for pending := tasks; len(pending) > 0; more = nil {
		points := a.askEach(ctx, pending, ticks, func(t *task) promql.Query {
			if t.counter == t.first.counter {
				return t.first.query
			}
			return t.counter.SumQuery(grid)
		}, more...)
		var again []*task
		for _, t := range pending {
			t.points = points[t]
			if !t.simplified {
				t.plan.alone.Store(divisible(t.err) && t.err != nil)
			}
			switch {
			case t.complete(ticks, grid), t.simplify():
				again = append(again, t)
			case t.err == nil:
				t.learn(ticks, grid)
			}
		}
		pending = again
	}
	lacking, first, last := lacking(working(tasks), ticks.Len())
	if len(lacking) == 0 {
		return starts
	}
	layouts := a.askEach(ctx, lacking, between(ticks, first, last), func(t *task) promql.Query { return t.counter.LayoutQuery(ticks.Interval) })
	for _, t := range working(lacking) {
		var err error
		if t.counter, err = t.counter.Resolve(layouts[t]); err != nil {
			t.err = a.badAnswer(err)
		}
	}
	lacking = working(lacking)
	points := a.askEach(ctx, lacking, ticks, func(t *task) promql.Query { return t.counter.SumQuery(grid) })
	for _, t := range lacking {
		t.points = points[t]
	}
	return starts
}

// begin chooses what is asked first.
func (t *task) begin(ticks slo.Ticks, grid promql.Grid) {
	t.first = t.plan.sums.Load()
	if ticks.Len() > 1 {
		t.counter = t.first.counter.Whole()
		return
	}
	if t.first.grid != grid {
		t.first = t.plan.start(t.first.counter, grid)
	}
	t.counter = t.first.counter
	if t.counter.IsSteady() && !t.plan.follows(ticks) {
		t.counter = t.counter.Little()
	}
}

// learn has the counter that fits what the last tick showed be asked first at the next.
func (t *task) learn(ticks slo.Ticks, grid promql.Grid) {
	points := t.points[len(t.points)-1]
	if ticks.Len() > 1 {
		if sized := t.first.counter.Sized(points); sized != t.first.counter {
			t.plan.start(sized, t.first.grid)
		}
		return
	}
	next, plain := t.counter.Next(points)
	if t.simplified {
		next = t.plan.sums.Load().counter // which may work at another tick
	}
	t.plan.follow(next, plain, ticks.First, grid)
}

// complete makes a task ask all, where less did not suffice.
func (t *task) complete(ticks slo.Ticks, grid promql.Grid) bool {
	if t.err != nil || slices.IndexFunc(t.points, func(p []promql.Point) bool { return !t.counter.Suffices(p) }) < 0 {
		return false
	}
	t.counter = t.counter.Whole()
	t.plan.follow(t.counter, false, ticks.First, grid)
	return true
}

// simplify makes a task ask less, where its sums failed because the server can't answer what was
// asked about native histograms.
func (t *task) simplify() bool {
	if t.err == nil {
		return false
	}
	simpler := t.counter.Simpler()
	switch {
	case simpler == nil:
		return false
	case isGauge(t.err):
		t.err = fmt.Errorf("%w: the native histogram is a gauge: it does not count events; give a histogram that is a counter", slo.ErrRefused)
		return false
	case !tooNative(t.err):
		return false
	}
	t.counter, t.err, t.simplified = simpler, nil, true
	return true
}

// lacking are the tasks with targets that have no bucket for the threshold, and the numbers of the
// first and the last tick with some.
func lacking(tasks []*task, ticks int) (lacking []*task, first, last int) {
	first, last = ticks, -1
	for _, t := range tasks {
		lacks := false
		for i, p := range t.points {
			if t.counter.Lacks(p) {
				lacks, first, last = true, min(first, i), max(last, i)
			}
		}
		if lacks {
			lacking = append(lacking, t)
		}
	}
	return lacking, first, last
}

// addSums makes a task's tallies.
func (t *task) addSums(ticks slo.Ticks, started [][]promql.Point) error {
	t.tallies = make([]*promql.Tally, len(t.points))
	for i, p := range t.points {
		t.tallies[i] = t.counter.Tally(ticks.At(i), ticks.Interval)
		jobs := t.counter.Jobs(p)
		concerns := func(p promql.Point) bool {
			return slices.Contains(jobs, p.Labels[model.JobLabel]) && t.counter.MayHave(p.Labels)
		}
		if slices.ContainsFunc(started[i], concerns) {
			t.tallies[i].Odd()
		}
		if _, err := t.tallies[i].AddSums(p); err != nil {
			return err
		}
	}
	t.points = nil
	return nil
}

// readGoodless asks about targets that have no counter of good events, where bad ones may be such.
func (a *asker) readGoodless(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	var doubtful []*task
	first, last := ticks.Len(), -1
	for _, t := range tasks {
		doubts := false
		for i, tally := range t.tallies {
			if tally.MayBeGoodless() {
				doubts, first, last = true, min(first, i), max(last, i)
			}
		}
		if doubts {
			doubtful = append(doubtful, t)
		}
	}
	if len(doubtful) == 0 {
		return
	}
	points := a.askEach(ctx, doubtful, between(ticks, first, last), func(t *task) promql.Query { return t.counter.GoodlessQuery(a.grid(ticks)) })
	for _, t := range working(doubtful) {
		for i, found := range points[t] {
			if tally := t.tallies[first+i]; t.err == nil && tally.MayBeGoodless() {
				if err := tally.AddGoodless(found); err != nil {
					t.err = a.badAnswer(err)
				}
			}
		}
	}
}

// isGauge reports whether an error is the server's warning that rates of gauges make no sense.
func isGauge(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "native histogram metric is not a counter")
}

// tooNative reports whether a server answered with a warning about native histograms that can't be
// summed, or does not know them.
func tooNative(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "PromQL warning") ||
		errors.Is(err, slo.ErrRefused) && strings.Contains(err.Error(), "histogram_")
}
