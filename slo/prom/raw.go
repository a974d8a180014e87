package prom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

const (
	// maxRaw is about how many raw samples to ask for at a time, with a scrape every 15 s.
	maxRaw = 200_000
	// maxRuns bounds the stretches in memory at a time.
	maxRuns = 3
	// longRun is how long a run of very many series may be, in time that needs samples. The
	// look-back of a shorter one is more of it; a longer one has more ticks in memory.
	longRun = 5 * count.Lookback
	// usualScrape is how often targets are scraped, to guess the number of samples.
	usualScrape = 15 * time.Second
)

// run is a stretch of one task's ticks that asks for raw samples together: its first and last tick
// are odd.
type run struct {
	task            *task
	ticks           slo.Ticks
	first           int               // the number of the first tick
	most            int               // series in a tick, about
	where           []*labels.Matcher // the targets; nil: all
	isOne           bool              // it is of one target, and can't be divided by targets
	series, targets []count.Series
	allBuckets      bool // of histograms: some lack one for the threshold
	isRead          bool // its samples were read together with other runs'
}

// rawReader reads the raw samples of one batch's odd ticks.
type rawReader struct {
	*asker
	mu    sync.Mutex
	known map[rawKey]*rawAnswer // many objectives of a batch have the same targets; nil: nothing is kept
}

// fetchRaw reads the raw samples of odd ticks.
func (a *asker) fetchRaw(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	r := &rawReader{asker: a}
	if len(tasks) > 1 { // the stretches of one task have nothing in common, and would only be kept
		r.known = map[rawKey]*rawAnswer{}
	}
	r.read(ctx, tasks, ticks)
}

// read reads the raw samples of all odd ticks of some tasks.
func (a *rawReader) read(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	var runs []*run
	for _, t := range tasks {
		runs = append(runs, t.runs(ticks, float64(a.raws))...)
	}
	if ticks.Len() == 1 {
		a.readTogether(ctx, runs)
		runs = slices.DeleteFunc(runs, func(r *run) bool { return r.task.err != nil })
	}
	var group errgroup.Group
	group.SetLimit(maxRuns)
	errs := make([]error, len(runs))
	for i, r := range runs {
		group.Go(func() error {
			errs[i] = a.readRun(ctx, r)
			return nil
		})
	}
	_ = group.Wait() // errors are in errs
	for i, r := range runs {
		r.task.err = cmp.Or(r.task.err, errs[i])
	}
}

// runs returns the stretches of odd ticks. It joins near ones: reading what is between them takes
// no more than the look-back of the next. It joins others if there are few samples: a query less is
// worth some useless ones.
func (t *task) runs(ticks slo.Ticks, most float64) (runs []*run) {
	var current *run
	for i, tally := range t.tallies {
		if !tally.isOdd {
			continue
		}
		tally.dropSums()
		if current != nil {
			longer := *current
			longer.ticks, longer.most = between(ticks, current.first, i), max(current.most, tally.series)
			isNear := ticks.At(i).Sub(current.ticks.Last) <= ticks.Interval+count.Lookback
			if raw := longer.raws(); raw <= most/4 || isNear && (raw <= most || longer.length() <= longRun) {
				*current = longer
				continue
			}
		}
		current = &run{task: t, first: i, ticks: between(ticks, i, i), most: tally.series}
		runs = append(runs, current)
	}
	return runs
}

// readRun reads the raw samples of a stretch, and counts its odd ticks. If that is too much at a
// time, it asks for halves, and for some targets.
func (a *rawReader) readRun(ctx context.Context, r *run) error {
	if r.raws() > float64(a.raws) && !r.isOne {
		return a.readPieces(ctx, r, int(float64(a.raws)/r.scrapes()))
	}
	err := a.fetchRun(ctx, r)
	n := r.ticks.Len()
	switch {
	case !errors.Is(err, errTooMuch):
		return err
	case n > 1:
		return a.readRuns(ctx, []*run{r.part(0, n/2-1), r.part(n/2, n-1)})
	case !r.isOne:
		return a.readPieces(ctx, r, r.most/2)
	}
	return err
}

// readRuns reads runs in order.
func (a *rawReader) readRuns(ctx context.Context, runs []*run) error {
	for _, r := range runs {
		if err := a.readRun(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// part returns a run of the ticks from one number to another.
func (r *run) part(first, last int) *run {
	p := &run{task: r.task, first: r.first + first, ticks: between(r.ticks, first, last)}
	p.most, p.where, p.isOne, p.allBuckets = r.most, r.where, r.isOne, r.allBuckets
	return p
}

// scrapes returns about how many samples each series has in a run.
func (r *run) scrapes() float64 { return float64(r.length()) / float64(usualScrape) }

// raws returns about how many samples a run has.
func (r *run) raws() float64 { return r.scrapes() * float64(r.most) }

// length returns how far back a run needs samples.
func (r *run) length() time.Duration {
	return r.ticks.Last.Sub(r.ticks.First) + r.ticks.Interval + count.Lookback
}

// readPieces counts the ticks of very many series, some targets at a time: of about so many series.
func (a *rawReader) readPieces(ctx context.Context, r *run, most int) error {
	last := r.ticks.Len() - 1
	points, err := a.askOne(ctx, r.instanceQuery(), between(r.ticks, last, last))
	if err != nil {
		return err
	}
	return a.readRuns(ctx, r.pieces(points[0], most))
}

// instanceQuery asks how many series with a value since the run's samples begin each target has.
func (r *run) instanceQuery() query {
	var arms []arm
	for _, g := range r.task.counter.groups {
		if g.within == nil && (g.histogram == nil || g.role == total) {
			by := byLabels([]string{model.InstanceLabel, model.JobLabel})
			arms = append(arms, tagged("count"+by+"("+g.each(lastOver(r.length()), r.where...)+")", g.tag, pastArm))
		}
	}
	return query{arms: arms}
}

// pieces divides a run by the targets in the answer to instanceQuery: each piece has at most about
// so many series. It is some whole jobs, or some instances of one job.
func (r *run) pieces(points []point, most int) (pieces []*run) {
	jobs := map[string]map[string]int{} // series by instance
	for _, p := range points {
		t := targetOf(p.Labels)
		if jobs[t.job] == nil {
			jobs[t.job] = map[string]int{}
		}
		jobs[t.job][t.instance] += int(p.Value)
	}
	add := func(series int, isOne bool, where ...*labels.Matcher) {
		p := r.part(0, r.ticks.Len()-1)
		p.most, p.isOne, p.where = series, isOne, where
		pieces = append(pieces, p)
	}
	ofJob := func(job string) (n int) {
		for _, series := range jobs[job] {
			n += series
		}
		return n
	}
	for _, some := range filled(slices.Sorted(maps.Keys(jobs)), most, ofJob) {
		if hasInstances := len(r.where) > 1; some.size <= most && !hasInstances {
			add(some.size, false, anyOf(model.JobLabel, some.names))
			continue
		}
		instances := jobs[some.names[0]]
		for _, few := range filled(slices.Sorted(maps.Keys(instances)), most, func(i string) int { return instances[i] }) {
			add(few.size, len(few.names) == 1, ofTargets(some.names, few.names)...)
		}
	}
	return pieces
}

// pile is some names, and how much they have together.
type pile struct {
	names []string
	size  int
}

// filled puts names into piles in order, of at most so much. A name that has more is alone.
func filled(names []string, most int, size func(string) int) (piles []pile) {
	for _, name := range names {
		n := size(name)
		if len(piles) == 0 || piles[len(piles)-1].size+n > most {
			piles = append(piles, pile{})
		}
		last := &piles[len(piles)-1]
		last.names, last.size = append(last.names, name), last.size+n
	}
	return piles
}

// fetchRun reads and counts a stretch, once one of the few slots in memory is free.
func (a *rawReader) fetchRun(ctx context.Context, r *run) (err error) {
	select {
	case a.runs <- struct{}{}:
		defer func() { <-a.runs }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	if !r.isRead {
		if err := a.rawSeries(ctx, r); err != nil {
			return err
		}
	}
	if r.lacksBuckets() {
		r.allBuckets = true
		if err := a.rawSeries(ctx, r); err != nil {
			return err
		}
	}
	if jobs := jobsIn(r.series); len(jobs) > 0 && !r.isRead {
		selector := targetSelector(append([]*labels.Matcher{anyOf(model.JobLabel, jobs)}, r.where...))
		if r.targets, err = a.get(ctx, selector, r.ticks.Last, r.length()); err != nil {
			return err
		}
	}
	if len(r.selectors(r.where)) > 1 {
		r.series = distinct(r.series)
	}
	whole := newWorld(r.task.counter, r.series, r.targets)
	worlds := map[int]*world{} // by the number of the tick
	for i := range r.ticks.Len() {
		if tick := r.ticks.At(i); r.task.tallies[r.first+i].isOdd && anyIn(r.series, tick.Add(-r.ticks.Interval), tick) {
			worlds[i] = whole.at(tick, r.ticks.Interval, r.near(i))
		}
	}
	if err := a.readPast(ctx, r, whole, worlds); err != nil {
		return err
	}
	for i, w := range worlds {
		r.task.tallies[r.first+i].addRaw(w)
	}
	return nil
}

// rawSeries reads the samples of the task's own series.
func (a *rawReader) rawSeries(ctx context.Context, r *run) error {
	r.series = nil
	for _, selector := range r.selectors(r.where) {
		found, err := a.get(ctx, selector, r.ticks.Last, r.length())
		if err != nil {
			return err
		}
		r.series = append(r.series, found...)
	}
	return nil
}

// near returns from when on all samples are needed to count the i-th tick.
func (r *run) near(i int) time.Time { return r.ticks.At(i).Add(-r.ticks.Interval - count.Lookback) }

// jobsIn returns the jobs of series, sorted.
func jobsIn(series []count.Series) []string {
	jobs := map[string]bool{}
	for _, s := range series {
		if job := s.Labels[model.JobLabel]; job != "" {
			jobs[job] = true
		}
	}
	return slices.Sorted(maps.Keys(jobs))
}
