package prom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

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
			t.add(tally.samples())
		}
	}
}

// fetchSums asks the tasks' sums. Where little was asked and did not suffice, all is; where the
// server can't answer all that is asked about native histograms, less is; where histograms have no
// bucket for the threshold, their others are looked at. Starts are asked with them.
func (a *asker) fetchSums(ctx context.Context, tasks []*task, ticks slo.Ticks, grid grid) (starts *starting) {
	for _, t := range tasks {
		t.begin(ticks, grid)
	}
	starts = askStarts(grid, expectedJobs(tasks, ticks))
	var more []*request
	if len(starts.query.arms) > 0 {
		more = append(more, &starts.request)
	}
	for pending := tasks; len(pending) > 0; more = nil {
		points := a.askEach(ctx, pending, ticks, func(t *task) query {
			if t.counter == t.first.counter {
				return t.first.query
			}
			return t.counter.sumQuery(grid)
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
	lacking, first, last := someOf(working(tasks), func(t *task, i int) bool { return t.counter.lacks(t.points[i]) }, ticks.Len())
	if len(lacking) == 0 {
		return starts
	}
	layouts := a.askEach(ctx, lacking, between(ticks, first, last), func(t *task) query { return t.counter.layoutQuery(ticks.Interval) })
	for _, t := range working(lacking) {
		var err error
		if t.counter, err = t.counter.resolve(layouts[t]); err != nil {
			t.err = a.badAnswer(err)
		}
	}
	lacking = working(lacking)
	points := a.askEach(ctx, lacking, ticks, func(t *task) query { return t.counter.sumQuery(grid) })
	for _, t := range lacking {
		t.points = points[t]
	}
	return starts
}

// begin chooses what is asked first.
func (t *task) begin(ticks slo.Ticks, grid grid) {
	t.first = t.plan.sums.Load()
	if ticks.Len() > 1 {
		t.counter = t.first.counter.with(t.first.counter.to(whole))
		return
	}
	if t.first.grid != grid {
		t.first = t.plan.start(t.first.counter, grid)
	}
	t.counter = t.first.counter
	if t.counter.extent == steady && !t.plan.follows(ticks) {
		t.counter = t.counter.with(t.counter.to(little))
	}
}

// learn has the counter that fits what the last tick showed be asked first at the next.
func (t *task) learn(ticks slo.Ticks, grid grid) {
	points := t.points[len(t.points)-1]
	if ticks.Len() > 1 {
		how := t.first.counter.asking
		if how.large = t.first.counter.isLarge(points); how != t.first.counter.asking {
			t.plan.start(t.first.counter.with(how), t.first.grid)
		}
		return
	}
	next, plain := t.counter.next(points)
	if t.simplified {
		next = t.plan.sums.Load().counter // which may work at another tick
	}
	t.plan.follow(next, plain, ticks.First, grid)
}

// complete makes a task ask all, where less did not suffice.
func (t *task) complete(ticks slo.Ticks, grid grid) bool {
	if t.err != nil || slices.IndexFunc(t.points, func(p []point) bool { return !t.counter.suffices(p) }) < 0 {
		return false
	}
	t.counter = t.counter.with(t.counter.to(whole))
	t.plan.follow(t.counter, false, ticks.First, grid)
	return true
}

// simplify makes a task ask less, where its sums failed because the server can't answer what was
// asked about native histograms.
func (t *task) simplify() bool {
	if t.err == nil {
		return false
	}
	simpler := t.counter.simpler()
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

// someOf are the tasks that something holds for at any of the ticks, by their numbers, and the
// first and the last of these.
func someOf(tasks []*task, holds func(*task, int) bool, ticks int) (some []*task, first, last int) {
	first, last = ticks, -1
	for _, t := range tasks {
		is := false
		for i := range ticks {
			if holds(t, i) {
				is, first, last = true, min(first, i), max(last, i)
			}
		}
		if is {
			some = append(some, t)
		}
	}
	return some, first, last
}

// addSums makes a task's tallies. A tick in which a process of the counter's jobs started is odd.
func (t *task) addSums(ticks slo.Ticks, started [][]point) error {
	t.tallies = make([]*tally, len(t.points))
	for i, p := range t.points {
		jobs := t.counter.jobs(p)
		t.tallies[i] = &tally{counter: t.counter, tick: ticks.At(i), isOdd: slices.ContainsFunc(started[i], func(p point) bool {
			return slices.Contains(jobs, p.Labels[model.JobLabel]) && t.counter.mayHave(p.Labels)
		})}
		if err := t.tallies[i].addSums(p); err != nil {
			return err
		}
	}
	t.points = nil
	return nil
}

// processStart is a gauge of targets: when their process started, in seconds since 1970.
const processStart = "process_start_time_seconds"

// sameStart is by how much the start of a process may differ that is computed anew with each
// scrape.
const sameStart = 2 * time.Second

// startQuery asks for the targets of jobs whose process has another start at the end of the tick
// than at its beginning. It is empty where there are no jobs.
func startQuery(at grid, jobs []string) query {
	if len(jobs) == 0 {
		return query{}
	}
	starts := promql.Text(&parser.VectorSelector{Name: processStart}, anyOf(model.JobLabel, jobs))
	each := func(write writer, _ ...*labels.Matcher) string { return write(starts) }
	return query{arms: []arm{{at.difference(each) + " > " + number(sameStart.Seconds()), processTag}}}
}

// starting is a startQuery, and the jobs that it is about. Other calls learn of a plan's jobs at the
// same time, so what was asked can't be told from the plans later on.
type starting struct {
	request
	jobs []string
}

func askStarts(at grid, jobs []string) *starting {
	return &starting{request: request{query: startQuery(at, jobs)}, jobs: jobs}
}

// startedIn are the targets of the tasks' jobs whose process started anew, by tick. Of the jobs
// that were expected they were asked with the sums. A server that refuses the query knows of none.
func (a *asker) startedIn(
	ctx context.Context, tasks []*task, ticks slo.Ticks, grid grid, asked *starting,
) ([][]point, error) {
	none := make([][]point, ticks.Len())
	jobs := jobsOf(tasks)
	if len(jobs) == 0 {
		return none, nil
	}
	if slices.ContainsFunc(jobs, func(job string) bool { return !slices.Contains(asked.jobs, job) }) {
		asked = askStarts(grid, jobs)
		a.ask(ctx, []*request{&asked.request}, ticks)
	}
	switch {
	case errors.Is(asked.err, slo.ErrRefused) && !errors.Is(asked.err, errUsedUp):
		return none, nil
	case asked.err != nil:
		return nil, asked.err
	}
	return asked.points, nil
}

// jobsOf are the jobs of the tasks' series.
func jobsOf(tasks []*task) (all []string) {
	for _, t := range tasks {
		jobs := t.counter.jobs(t.points...)
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

// jobs are those of the series that an answer to sumQuery is of, at any of the ticks, sorted.
func (c *counter) jobs(ticks ...[]point) []string {
	jobs := map[string]bool{}
	for _, points := range ticks {
		for _, p := range points {
			if _, arm, err := c.arm(p); err == nil && arm == seenArm {
				jobs[p.Labels[model.JobLabel]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(jobs))
}

// mayHave reports whether the counter may have series of a target, by those of its labels that a
// selector speaks of.
func (c *counter) mayHave(target map[string]string) bool {
	for _, g := range c.groups {
		for _, s := range g.selectors {
			fits := true
			for _, m := range s.LabelMatchers {
				v, has := target[m.Name]
				fits = fits && (!has || m.Name == model.MetricNameLabel || m.Matches(v))
			}
			if fits {
				return true
			}
		}
	}
	return false
}
