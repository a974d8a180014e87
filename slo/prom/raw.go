package prom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

const (
	// maxRaw is about how many raw samples are asked for at a time, where a scrape comes every 15
	// s.
	maxRaw = 200_000
	// maxRuns is how many stretches are in memory at the same time.
	maxRuns = 3
	// usualScrape is how often targets are scraped, to guess how many samples that is.
	usualScrape = 15 * time.Second
)

// run is a stretch of ticks of one task whose raw samples are asked for together: the first and the
// last of them are odd.
type run struct {
	task            *task
	ticks           slo.Ticks
	first           int               // the number of the first tick
	where           []*labels.Matcher // the targets; nil: all
	series, targets []count.Series
	allBuckets      bool // of histograms: some have none for the threshold
}

// fetchRaw reads the raw samples of the ticks in which something odd happened.
func (a *asker) fetchRaw(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	var runs []*run
	for _, t := range tasks {
		runs = append(runs, t.runs(ticks, float64(a.raws))...)
	}
	shared := &rawAnswers{}
	if len(tasks) > 1 { // the stretches of one task have nothing in common, and would only be kept
		shared.known = map[rawKey]*rawAnswer{}
	}
	var group errgroup.Group
	group.SetLimit(maxRuns)
	errs := make([]error, len(runs))
	for i, r := range runs {
		group.Go(func() error {
			errs[i] = a.readRun(ctx, r, shared)
			return nil
		})
	}
	_ = group.Wait() // errors are in errs
	for i, r := range runs {
		r.task.err = cmp.Or(r.task.err, errs[i])
	}
}

// runs are the stretches of odd ticks. Where they are near each other, reading what is between them
// takes no more than reading the look-back of the next; where there are few samples, one query less
// is worth reading some for nothing.
func (t *task) runs(ticks slo.Ticks, most float64) (runs []*run) {
	var current *run
	for i, tally := range t.tallies {
		if !tally.isOdd {
			continue
		}
		if current != nil {
			longer := run{ticks: between(ticks, current.first, i)}
			isNear := ticks.At(i).Sub(current.ticks.Last) <= ticks.Interval+count.Lookback
			if raw := longer.scrapes() * float64(tally.series); raw <= most/4 || isNear && raw <= most {
				current.ticks = longer.ticks
				continue
			}
		}
		current = &run{task: t, first: i, ticks: between(ticks, i, i)}
		runs = append(runs, current)
	}
	return runs
}

// readRun reads the raw samples of a stretch, and counts its odd ticks. What is too much at a time
// is asked for in halves, and of one tick by targets.
func (a *asker) readRun(ctx context.Context, r *run, shared *rawAnswers) error {
	n := r.ticks.Len()
	isLarge := r.scrapes()*float64(r.task.tallies[r.first].series) > float64(4*a.raws)
	if n == 1 && isLarge && r.where == nil {
		return a.readPieces(ctx, r, shared)
	}
	err := a.fetchRun(ctx, r, shared)
	switch {
	case !errors.Is(err, errTooMuch):
		return err
	case n == 1 && r.where == nil:
		return a.readPieces(ctx, r, shared)
	case n == 1:
		return err
	}
	for _, half := range []*run{
		{task: r.task, first: r.first, ticks: between(r.ticks, 0, n/2-1)},
		{task: r.task, first: r.first + n/2, ticks: between(r.ticks, n/2, n-1)},
	} {
		if err := a.readRun(ctx, half, shared); err != nil {
			return err
		}
	}
	return nil
}

// scrapes is about how many samples each series has in a run.
func (r *run) scrapes() float64 { return float64(r.length()) / float64(usualScrape) }

// length is how far back the samples of a run are needed.
func (r *run) length() time.Duration {
	return r.ticks.Last.Sub(r.ticks.First) + r.ticks.Interval + count.Lookback
}

// readPieces counts one tick of very many series, some targets at a time.
func (a *asker) readPieces(ctx context.Context, r *run, shared *rawAnswers) error {
	points, err := a.askOne(ctx, r.task.counter.instanceQuery(r.ticks.Interval+count.Lookback), r.ticks)
	if err != nil {
		return err
	}
	for _, where := range pieces(points[0], int(float64(a.raws)/r.scrapes())) {
		piece := &run{task: r.task, first: r.first, ticks: r.ticks, where: where, allBuckets: r.allBuckets}
		if err := a.readRun(ctx, piece, shared); err != nil {
			return err
		}
	}
	return nil
}

// instanceQuery asks how many series each target has that had a value in a length of time.
func (c *counter) instanceQuery(back time.Duration) query {
	var arms []arm
	for _, g := range c.groups {
		if g.within == nil && (g.histogram == nil || g.role == total) {
			by := byLabels([]string{model.InstanceLabel, model.JobLabel})
			arms = append(arms, tagged("count"+by+"("+g.each(lastOver(back))+")", g.tag, pastArm))
		}
	}
	return query{arms: arms}
}

// pieces sorts the targets in the answer to instanceQuery so that those of one piece have about so
// many series, at most.
func pieces(points []point, most int) (pieces [][]*labels.Matcher) {
	series := map[targetKey]int{}
	for _, p := range points {
		series[targetOf(p.Labels)] += int(p.Value)
	}
	order := func(a, b targetKey) int {
		return cmp.Or(strings.Compare(a.job, b.job), strings.Compare(a.instance, b.instance))
	}
	var instances []string
	job, n := "", 0
	end := func() {
		if len(instances) > 0 {
			pieces = append(pieces, ofTargets([]string{job}, instances))
		}
		instances, n = nil, 0
	}
	for _, t := range slices.SortedFunc(maps.Keys(series), order) {
		if t.job != job || n+series[t] > most {
			end()
		}
		job, instances, n = t.job, append(instances, t.instance), n+series[t]
	}
	end()
	return pieces
}

// fetchRun reads and counts a stretch, as one of the few that may be in memory.
func (a *asker) fetchRun(ctx context.Context, r *run, shared *rawAnswers) (err error) {
	select {
	case a.runs <- struct{}{}:
		defer func() { <-a.runs }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	if err := a.rawSeries(ctx, r, shared); err != nil {
		return err
	}
	if r.task.counter.lacksBuckets(r.series) {
		r.allBuckets = true
		if err := a.rawSeries(ctx, r, shared); err != nil {
			return err
		}
	}
	if jobs := jobsIn(r.series); len(jobs) > 0 {
		selector := targetSelector(append([]*labels.Matcher{anyOf(model.JobLabel, jobs)}, r.where...))
		if r.targets, err = shared.get(ctx, a, selector, r.ticks.Last, r.length()); err != nil {
			return err
		}
	}
	whole := r.task.counter.world(r.series, r.targets)
	worlds, fresh := make([]*world, r.ticks.Len()), map[int]*world{}
	for i := range worlds {
		if tick := r.ticks.At(i); r.task.tallies[r.first+i].isOdd && anyIn(r.series, tick.Add(-r.ticks.Interval), tick) {
			worlds[i] = whole.at(tick, r.ticks.Interval, r.near(i))
			if len(worlds[i].Fresh()) > 0 {
				fresh[i] = worlds[i]
			}
		}
	}
	if err := a.readPast(ctx, r, whole, fresh); err != nil {
		return err
	}
	for i, w := range worlds {
		if past := fresh[i]; past != nil {
			w = past
		}
		if w != nil {
			r.task.tallies[r.first+i].addRaw(w)
		}
	}
	return nil
}

// rawSeries reads the samples of the task's own series.
func (a *asker) rawSeries(ctx context.Context, r *run, shared *rawAnswers) error {
	r.series = nil
	for _, selector := range r.task.counter.rawSelectors(r.where, r.allBuckets) {
		found, err := shared.get(ctx, a, selector, r.ticks.Last, r.length())
		if err != nil {
			return err
		}
		r.series = append(r.series, found...)
	}
	return nil
}

// near is from when on all samples are needed to count the i-th tick.
func (r *run) near(i int) time.Time { return r.ticks.At(i).Add(-r.ticks.Interval - count.Lookback) }

// jobsIn are the jobs of series, sorted.
func jobsIn(series []count.Series) []string {
	jobs := map[string]bool{}
	for _, s := range series {
		if job := s.Labels[model.JobLabel]; job != "" {
			jobs[job] = true
		}
	}
	return slices.Sorted(maps.Keys(jobs))
}
