package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// lanes is how many lanes the groups are spread over. It is fixed, so that a group's lane never
// depends on others.
const lanes = 32

// Source returns a reading for each objective, in order, with a sample for every tick.
type Source func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading

// Reach returns the time of the newest sample that Prometheus has of an objective's series; zero if
// none is recent.
type Reach func(ctx context.Context, objective slo.Objective) (time.Time, error)

// Excluded returns the incidents that people took out of budgets, as they are stored.
type Excluded func(ctx context.Context) ([]alert.Incident, error)

// Options of an Engine. Only Reach, Excluded, Committed and Now are optional.
type Options struct {
	Definitions []alert.Definition
	Interval    time.Duration // of the grid
	Delay       time.Duration // how long after its end a tick is sampled
	Source      Source
	Reach       Reach // nil: data count as there as soon as their series are
	Store       alert.Store
	Excluded    Excluded // nil: nobody excludes any
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Committed   func()           // called after incidents are committed; must not block
	Now         func() time.Time // the wall clock; nil: time.Now
}

// Engine runs the lanes: it samples, folds and commits every tick, and resumes at the store's last
// commit.
type Engine struct {
	opts       Options
	clock      clock
	metrics    *metrics
	health     *health
	sampler    *sampler
	background *background
	committer  *committer
	board      *board
	exclusions *exclusions

	together togetherReader
	chaser   chaser
	verifier verifier
	pasts    pastsReader

	reloads   chan reload
	catchUps  *slots // one for each lane that catches up
	recovered []*lane
}

// NewEngine registers the engine's metrics. Recover and Run do the rest.
func NewEngine(opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	e := &Engine{
		opts: opts, clock: clock{opts.Now, opts.Interval, opts.Delay},
		metrics: newMetrics(opts.Registerer), health: newHealth(opts.Logger), background: &background{},
		reloads: make(chan reload), catchUps: newSlots(catchingUp),
	}
	e.sampler = &sampler{
		clock: e.clock, source: opts.Source, reach: opts.Reach, metrics: e.metrics, health: e.health,
		answered: map[string]time.Time{}, silent: map[string]time.Time{},
	}
	e.committer = &committer{store: opts.Store, metrics: e.metrics, health: e.health, requests: make(chan commitRequest)}
	e.board = &board{sampler: e.sampler}
	e.exclusions = &exclusions{read: opts.Excluded}
	chases, pasts := newSlots(chasing), newSlots(readingPasts)
	e.together = togetherReader{e.sampler}
	e.chaser = chaser{e.sampler, e.background, chases}
	e.verifier = verifier{e.sampler, e.background, chases, opts.Logger}
	e.pasts = pastsReader{e.sampler, e.background, pasts, opts.Logger}
	e.sampler.clear()
	e.board.clear()
	for _, d := range opts.Definitions {
		e.board.expect(laneOf(d), d)
	}
	opts.Registerer.MustRegister(statusCollector{e.board})
	return e
}

// background runs functions beside the lanes. They end before the lanes are recovered.
type background struct{ spawn func(func()) }

// run runs f once it gets a slot; not at all if ctx ends first.
func (b *background) run(ctx context.Context, slots chan struct{}, f func()) {
	b.spawn(func() {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			f()
		case <-ctx.Done():
		}
	})
}

// Statuses returns how all objectives stand at `now`, ordered by ID. An objective is blind if its
// samples can't be read, lag behind, or are of the future.
func (e *Engine) Statuses(now time.Time) []alert.Status { return e.board.at(now) }

// Answers returns when each source answered last, by its name, and why the last reading of an
// objective failed, by the objective's name. A source that has not answered yet is not there.
func (e *Engine) Answers() (last map[string]time.Time, failing map[string]error) {
	return e.sampler.answers()
}

// TakeDays returns what is new of objectives' days since it was last called, for a store to keep.
func (e *Engine) TakeDays() []alert.Days { return e.board.diary.take() }

// laneOf returns the lane of a definition's group.
func laneOf(d alert.Definition) string { return laneOfGroup(d.Policy.Group) }

func laneOfGroup(group string) string {
	h := fnv.New32a()
	h.Write([]byte(group))
	return fmt.Sprintf("%02d", h.Sum32()%lanes)
}

// Run samples, folds and commits until ctx is done. It returns an error if the store now belongs to
// another writer. Call Recover first.
func (e *Engine) Run(ctx context.Context) error {
	for {
		next, err := e.runUntilReload(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		e.opts.Definitions = next.definitions
		if err := e.recoverAgain(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		close(next.taken)
	}
}

// runUntilReload runs the lanes until ctx is done or Reload is called.
func (e *Engine) runUntilReload(ctx context.Context) (next reload, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.committer.run(ctx) })
	e.background.spawn = func(f func()) { g.Go(func() error { f(); return nil }) }
	for _, l := range e.recovered {
		g.Go(func() error { return e.runLane(ctx, l) })
	}
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case next = <-e.reloads:
			stop()
		}
		return nil
	})
	return next, g.Wait()
}

// reload asks to watch other definitions.
type reload struct {
	definitions []alert.Definition
	taken       chan struct{} // closed when they are
}

// Reload makes the running engine watch other definitions, as if started with them, and waits until
// it does.
func (e *Engine) Reload(ctx context.Context, definitions []alert.Definition) error {
	r := reload{definitions, make(chan struct{})}
	select {
	case e.reloads <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.taken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Recover makes the engine the store's only writer, loads the lanes of the store and the
// definitions, and gives the lanes their definitions. It asks Prometheus nothing.
func (e *Engine) Recover(ctx context.Context) error {
	fence, names, err := e.opts.Store.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquiring the store: %w", err)
	}
	e.committer.fence, e.recovered = fence, nil
	e.board.clear()
	e.sampler.clear()
	if err := e.exclusions.update(ctx); err != nil {
		return err
	}
	defs, sources := map[string][]alert.Definition{}, map[string]bool{}
	for _, d := range e.opts.Definitions {
		sources[d.Objective.Source] = true
		name := laneOf(d)
		defs[name] = append(defs[name], d)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, s := range []*slots{e.catchUps, e.chaser.slots, e.pasts.slots} {
		s.divide(len(sources))
	}
	for _, name := range names {
		l, err := e.recoverLane(ctx, name)
		if err != nil {
			return err
		}
		e.logChanges(l, defs[name])
		l.redefine(defs[name], e.clock.due(e.opts.Delay))
		e.exclude(l)
		e.board.show(l)
		if len(l.Definitions()) > 0 || l.HasSettled() {
			e.recovered = append(e.recovered, l)
		}
	}
	return nil
}

// recoverAgain recovers a running engine. While the store can't be read or written it tries again,
// as for commits: a reload on a full disk ends nothing.
func (e *Engine) recoverAgain(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := e.Recover(ctx)
		if err == nil {
			e.health.ok("reading the store")
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, alert.ErrFenced) || errors.Is(err, slo.ErrCorrupt) {
			return err
		}
		e.health.failing("reading the store", err)
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// recoverLane loads a lane, on the engine's present grid. One never committed begins at the newest
// tick that is due.
func (e *Engine) recoverLane(ctx context.Context, name string) (*lane, error) {
	rec, err := e.opts.Store.Load(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("loading lane %s: %w", name, err)
	}
	if rec.Cursor.IsZero() {
		return newLane(name, fold.NewLane(e.opts.Interval, e.clock.due(e.opts.Delay))), nil
	}
	l, err := recoverLane(name, rec)
	if err != nil {
		return nil, err
	}
	if was := l.Interval(); was != e.opts.Interval || !l.Cursor().Equal(slo.Floor(l.Cursor(), was)) {
		l.regrid(e.opts.Interval)
		e.opts.Logger.Warn("the interval was changed; histories go on", "lane", name, "from", was, "to", e.opts.Interval)
	}
	e.opts.Logger.Info("resuming", "lane", name, "objectives", len(l.Watches()), "cursor", l.Cursor())
	return l, nil
}

// sleep waits and reports true, or false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
