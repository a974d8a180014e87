package prom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// readCounters asks the sums of all the ticks; for those between the first and the last that need it the odd series; of series that were
// born the past; and of those that may have been reset what they were inside the tick.
func (a *asker) readCounters(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	a.fetchSums(ctx, tasks, ticks)
	if tasks = working(tasks); len(tasks) == 0 {
		return
	}
	restarts, err := a.restarted(ctx, jobsOf(tasks), ticks)
	if err != nil {
		for _, t := range tasks {
			t.err = err
		}
		return
	}
	var odd []*task
	first, last := ticks.Len(), -1
	for _, t := range tasks {
		from, to, err := t.addSums(ticks, restarts)
		if err != nil {
			t.err = a.badAnswer(err)
		} else if to >= 0 {
			odd = append(odd, t)
			first, last = min(first, from), max(last, to)
		}
	}
	if len(odd) > 0 {
		stretch := between(ticks, first, last)
		points := a.askEach(ctx, odd, stretch, func(t *task) promql.Query { return t.counter.OddQuery(promql.GridOf(ticks)) })
		a.readPasts(ctx, a.addOdd(working(odd), points, first), ticks)
	}
	a.readGoodless(ctx, working(tasks), ticks)
	a.readFine(ctx, working(tasks))
	for _, t := range working(tasks) {
		for _, tally := range t.tallies {
			t.add(tally.Samples())
		}
	}
}

// jobsOf are the jobs of the tasks' series.
func jobsOf(tasks []*task) (all []string) {
	for _, t := range tasks {
		jobs := t.counter.Jobs(t.points)
		t.plan.jobs.Store(&jobs)
		all = append(all, jobs...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expectedJobs are the jobs of the tasks' series at the last tick, to ask about their restarts in the same query as about the sums of this one.
func expectedJobs(tasks []*task, ticks slo.Ticks) (all []string) {
	for _, t := range tasks {
		if jobs := t.plan.jobs.Load(); jobs != nil && ticks.Len() == 1 {
			all = append(all, *jobs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// askEach asks a query about each task and returns the answers, and more requests with them. A task whose query fails has failed.
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

// fetchSums asks the tasks' sums. Where little was asked and did not suffice, all is; where the server can't answer all that is asked about
// native histograms, less is; where histograms have no bucket for the threshold, their others are looked at.
func (a *asker) fetchSums(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	for _, t := range tasks {
		t.begin(ticks)
	}
	starts := a.starts.claim(ticks, expectedJobs(tasks, ticks))
	var more []*request
	if starts.request != nil {
		more = append(more, starts.request)
	}
	for pending := tasks; len(pending) > 0; more = nil {
		points := a.askEach(ctx, pending, ticks, func(t *task) promql.Query {
			if t.counter == t.first.counter {
				return t.first.query
			}
			return t.counter.SumQuery(promql.GridOf(ticks))
		}, more...)
		if len(more) > 0 {
			a.settle(ctx, starts)
		}
		var again []*task
		for _, t := range pending {
			t.points = points[t]
			if !t.simplified {
				t.plan.alone.Store(divisible(t.err) && t.err != nil)
			}
			switch {
			case t.complete(ticks), t.simplify():
				again = append(again, t)
			case t.err == nil && ticks.Len() == 1:
				next, plain := t.counter.Next(t.points[0])
				if t.simplified {
					next = t.plan.sums.Load().counter // which may work at another tick
				}
				t.plan.follow(next, plain, ticks.First, promql.GridOf(ticks))
			}
		}
		pending = again
	}
	lacking, first, last := lacking(working(tasks), ticks.Len())
	if len(lacking) == 0 {
		return
	}
	layouts := a.askEach(ctx, lacking, between(ticks, first, last), func(t *task) promql.Query { return t.counter.LayoutQuery(ticks.Interval) })
	for _, t := range working(lacking) {
		var err error
		if t.counter, err = t.counter.Resolve(layouts[t]); err != nil {
			t.err = a.badAnswer(err)
		}
	}
	lacking = working(lacking)
	points := a.askEach(ctx, lacking, ticks, func(t *task) promql.Query { return t.counter.SumQuery(promql.GridOf(ticks)) })
	for _, t := range lacking {
		t.points = points[t]
	}
}

// begin chooses what is asked first.
func (t *task) begin(ticks slo.Ticks) {
	t.first = t.plan.sums.Load()
	if ticks.Len() > 1 {
		t.counter = t.first.counter.Many()
		return
	}
	if grid := promql.GridOf(ticks); t.first.grid != grid {
		t.first = t.plan.start(t.first.counter, grid)
	}
	t.counter = t.first.counter
	if t.counter.IsSteady() && !t.plan.follows(ticks) {
		t.counter = t.counter.Little()
	}
}

// complete makes a task ask all, where less did not suffice.
func (t *task) complete(ticks slo.Ticks) bool {
	if t.err != nil || slices.IndexFunc(t.points, func(p []promql.Point) bool { return !t.counter.Suffices(p) }) < 0 {
		return false
	}
	t.counter = t.counter.Whole()
	t.plan.follow(t.counter, false, ticks.First, promql.GridOf(ticks))
	return true
}

// simplify makes a task ask less, where its sums failed because the server can't answer what was asked about native histograms.
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

// lacking are the tasks with targets that have no bucket for the threshold, and the numbers of the first and the last tick with some.
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

// addSums makes a task's tallies. It returns the numbers of the first and the last tick that need the odd series; -1 is the last where none
// does.
func (t *task) addSums(ticks slo.Ticks, restarts [][]promql.Point) (first, last int, err error) {
	t.tallies, t.odd = make([]*promql.Tally, len(t.points)), make([]bool, len(t.points))
	first, last = len(t.points), -1
	for i, p := range t.points {
		t.tallies[i] = t.counter.Tally(ticks.At(i), ticks.Interval)
		t.tallies[i].AddRestarts(restarts[i])
		if t.odd[i], err = t.tallies[i].AddSums(p); err != nil {
			return 0, -1, err
		}
		if t.odd[i] {
			first, last = min(first, i), i
		}
	}
	t.points = nil
	return first, last, nil
}

// more is what has to be asked about one tick of some tasks.
type more struct {
	tasks    []*task
	requests []*request
}

func (m *more) add(t *task, query promql.Query) {
	m.tasks = append(m.tasks, t)
	m.requests = append(m.requests, &request{query: query})
}

// addOdd gives the tallies their odd series: points from the tick `first` on. It returns the pasts to be asked, by tick.
func (a *asker) addOdd(tasks []*task, points map[*task][][]promql.Point, first int) map[int]*more {
	born := map[int]*more{}
	for _, t := range tasks {
		for i, found := range points[t] {
			if !t.odd[first+i] {
				continue
			}
			query, err := t.tallies[first+i].AddOdd(found)
			if err != nil {
				t.err = a.badAnswer(err)
				break
			}
			if query.Empty() {
				continue
			}
			if born[first+i] == nil {
				born[first+i] = &more{}
			}
			born[first+i].add(t, query)
		}
	}
	return born
}

// readPasts asks, tick by tick, for the past of series that were born.
func (a *asker) readPasts(ctx context.Context, born map[int]*more, ticks slo.Ticks) {
	a.readMore(ctx, born, func(tick int) slo.Ticks { return between(ticks, tick, tick) }, func(t *task, tick int, points [][]promql.Point) error {
		return t.tallies[tick].AddPast(points[0])
	})
}

// readFine follows, tick by tick, the series that may have been reset.
func (a *asker) readFine(ctx context.Context, tasks []*task) {
	suspects, fine := map[int]*more{}, map[int]slo.Ticks{}
	for _, t := range tasks {
		for i, tally := range t.tallies {
			if query := tally.FineQuery(); !query.Empty() {
				if suspects[i] == nil {
					suspects[i], fine[i] = &more{}, tally.FineTicks()
				}
				suspects[i].add(t, query)
			}
		}
	}
	a.readMore(ctx, suspects, func(tick int) slo.Ticks { return fine[tick] }, func(t *task, tick int, points [][]promql.Point) error {
		return t.tallies[tick].AddFine(points)
	})
}

// readMore asks more about some ticks, and gives the tasks the answers.
func (a *asker) readMore(
	ctx context.Context, byTick map[int]*more, at func(tick int) slo.Ticks, add func(t *task, tick int, points [][]promql.Point) error,
) {
	var group errgroup.Group
	group.SetLimit(cap(a.slots))
	for tick, m := range byTick {
		group.Go(func() error {
			a.ask(ctx, m.requests, at(tick))
			return nil
		})
	}
	_ = group.Wait() // errors are in the requests
	for tick, m := range byTick {
		for i, r := range m.requests {
			t := m.tasks[i]
			if r.err != nil {
				t.err = r.err
			} else if err := add(t, tick, r.points); err != nil {
				t.err = a.badAnswer(err)
			}
		}
	}
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
	points := a.askEach(ctx, doubtful, between(ticks, first, last), func(t *task) promql.Query { return t.counter.GoodlessQuery(promql.GridOf(ticks)) })
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

// tooNative reports whether a server answered with a warning about native histograms that can't be summed, or does not know them.
func tooNative(err error) bool {
	return errors.Is(err, slo.ErrIncomplete) && strings.Contains(err.Error(), "PromQL warning") ||
		errors.Is(err, slo.ErrRefused) && strings.Contains(err.Error(), "histogram_")
}
