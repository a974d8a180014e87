package prom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// readCounters asks the sums of all ticks, and the raw samples of odd ones: series began, ended,
// fell, or have no number, or a process started anew.
func (a *asker) readCounters(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	grid := a.grid(ticks)
	starts := a.fetchSums(ctx, tasks, ticks, grid)
	if known := a.grid(ticks); known != grid { // the answer shows the kind of server
		grid = known
		starts = a.fetchSums(ctx, working(tasks), ticks, grid)
	}
	started, err := a.startedIn(ctx, working(tasks), ticks, grid, starts)
	for _, t := range working(tasks) {
		if t.err = err; err != nil {
			continue
		}
		if err := t.addSums(started); err != nil {
			t.err = a.badAnswer(err)
		}
	}
	a.readGoodless(ctx, working(tasks), ticks)
	a.fetchRaw(ctx, working(tasks), ticks)
	for _, t := range working(tasks) {
		for _, tally := range t.tallies {
			t.add(tally.samples())
		}
	}
}

// fetchSums asks the tasks' sums, and process starts with them. It asks all if little was not
// enough, less if the server can't answer all about native histograms, and the other buckets of
// histograms without one for the threshold.
func (a *asker) fetchSums(ctx context.Context, tasks []*task, ticks slo.Ticks, grid grid) (starts *starting) {
	for _, t := range tasks {
		t.begin(ticks, grid)
	}
	starts = askStarts(grid, expectedJobs(tasks))
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
			t.answer(ticks, points[t])
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
	lacking, first, last := someOf(working(tasks), func(t *task, i int) bool { return t.answers[i].lacks() }, ticks.Len())
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
		t.answer(ticks, points[t])
	}
	return starts
}

// rareFor is how long to look further back for rare samples before trying without. Samples are
// rare for a few minutes after a Prometheus was down, too.
const rareFor = 10 * time.Minute

// begin chooses what to ask first.
func (t *task) begin(ticks slo.Ticks, grid grid) {
	t.first = t.plan.sums.Load()
	if ticks.Len() > 1 {
		t.counter = t.first.counter.asks(whole)
		return
	}
	if t.first.grid != grid {
		t.first = t.plan.start(t.first.counter, grid)
	}
	how := t.first.counter.asking
	if how.extent == steady && !t.plan.follows(ticks) {
		how.extent = little
	}
	how.rare = how.rare && ticks.First.Sub(ticks.First.Truncate(rareFor)) >= ticks.Interval
	t.counter = t.first.counter.with(how)
}

// learn chooses what to ask first at the next tick: the counter that fits the last one.
func (t *task) learn(ticks slo.Ticks, grid grid) {
	last := t.answers[len(t.answers)-1]
	if ticks.Len() > 1 {
		how := t.first.counter.asking
		if how.large = last.isLarge(); how != t.first.counter.asking {
			t.plan.start(t.first.counter.with(how), t.first.grid)
		}
		return
	}
	next, plain := last.next()
	if t.simplified {
		next = t.plan.sums.Load().counter // which may work at another tick
	}
	t.plan.follow(next, plain, ticks.First, grid)
}

// complete makes a task ask all, and further back, if less was not enough.
func (t *task) complete(ticks slo.Ticks, grid grid) bool {
	if t.err != nil || !slices.ContainsFunc(t.answers, func(a sumAnswer) bool { return !a.suffices() }) {
		return false
	}
	how := t.counter.asking
	how.extent = whole
	how.rare = how.rare || slices.ContainsFunc(t.answers, func(a sumAnswer) bool { return a.tally.isRare })
	t.counter = t.counter.with(how)
	if ticks.Len() == 1 { // a gap in the past says nothing about the ticks of now
		t.plan.follow(t.counter, false, ticks.First, grid)
	}
	return true
}

// simplify makes a task ask less if its sums failed because the server can't answer about native
// histograms.
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

// someOf returns the tasks for which `holds` is true at any tick number, and the first and the last
// of these ticks.
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

// answer takes the answers to a task's sums.
func (t *task) answer(ticks slo.Ticks, points [][]point) {
	t.answers = make([]sumAnswer, len(points))
	for i, p := range points {
		t.answers[i] = newSumAnswer(t.counter, ticks.At(i), p)
	}
}

// addSums makes a task's tallies. A tick in which a process of the counter's jobs started is odd.
func (t *task) addSums(started [][]point) error {
	t.tallies = make([]*tally, len(t.answers))
	for i, a := range t.answers {
		if a.err != nil {
			return a.err
		}
		jobs := a.jobs()
		t.tallies[i] = a.tally
		a.tally.isOdd = a.tally.isOdd || slices.ContainsFunc(started[i], func(p point) bool {
			return slices.Contains(jobs, p.Labels[model.JobLabel]) && t.counter.mayHave(p.Labels)
		})
	}
	t.answers = nil
	return nil
}

// processStart is a gauge of targets: the start of their process, in seconds since 1970.
const processStart = "process_start_time_seconds"

// sameStart is how far a process's start may vary if it is computed anew with each scrape.
const sameStart = 2 * time.Second

// startQuery asks for the jobs' targets whose process has a later start at the end of the tick than
// at its beginning. It is empty if there are no jobs.
func startQuery(at grid, jobs []string) query {
	if len(jobs) == 0 {
		return query{}
	}
	starts := promql.Text(&parser.VectorSelector{Name: processStart}, anyOf(model.JobLabel, jobs))
	each := func(write writer, _ ...*labels.Matcher) string { return write(starts) }
	return query{arms: []arm{{at.difference(each) + " > " + number(sameStart.Seconds()), processTag}}}
}

// starting is a startQuery and its jobs. Other calls may change a plan's jobs at the same time, so
// the plans can't tell later which jobs it asked about.
type starting struct {
	request
	jobs []string
}

func askStarts(at grid, jobs []string) *starting {
	return &starting{request: request{query: startQuery(at, jobs)}, jobs: jobs}
}

// startedIn returns the targets of the tasks' jobs whose process started anew, by tick. The
// expected jobs were asked with the sums. If the server rejects the query, assume no restarts.
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

// jobsOf returns the jobs of the tasks' series.
func jobsOf(tasks []*task) (all []string) {
	for _, t := range tasks {
		var jobs []string
		for _, a := range t.answers {
			jobs = append(jobs, a.jobs()...)
		}
		slices.Sort(jobs)
		jobs = slices.Compact(jobs)
		t.plan.jobs.Store(&jobs)
		all = append(all, jobs...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expectedJobs returns the jobs that the tasks' series had when they were read last, to ask about
// restarts and the sums in one query.
func expectedJobs(tasks []*task) (all []string) {
	for _, t := range tasks {
		if jobs := t.plan.jobs.Load(); jobs != nil {
			all = append(all, *jobs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// mayHave reports whether the groups may have series of a target, by the labels that their
// selectors match.
func (all groups) mayHave(target map[string]string) bool {
	for _, g := range all {
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
