package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Source returns a reading for each objective, in order, with a sample for every tick.
type Source func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading

// Reach returns the time of the newest sample that Prometheus has of an objective's series; zero if
// none is recent.
type Reach func(ctx context.Context, objective slo.Objective) (time.Time, error)

// Excluded returns the incidents that people took out of budgets, as they are stored.
type Excluded func(ctx context.Context) ([]alert.Incident, error)

// Options of an Engine. Only Reach, Excluded, Committed, Lost and Now are
// optional.
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
	Committed   func() // called after incidents are committed; must not block
	// Lost is told of each lane that another process has taken over; it must not block. The lane
	// ends, and others go on. If it is nil, losing any lane ends Run.
	Lost func(lane string, fence int64)
	Now  func() time.Time // the wall clock; nil: time.Now
}

// Engine runs the lanes: it samples, folds and commits every tick, and resumes at the store's last
// commit.
type Engine struct {
	opts       Options
	clock      clock
	metrics    *metrics
	health     *health
	sampler    *sampler
	committer  *committer
	board      *board
	exclusions *exclusions

	together togetherReader
	chaser   chaser
	verifier verifier
	pasts    pastsReader

	changes  chan change
	ended    chan struct{}       // closed when Run has returned
	catchUps *slots              // one for each lane that catches up
	writing  *semaphore.Weighted // see journal

	fences alert.Fences     // the lanes it may write
	owned  map[string]*lane // those of them that are loaded
}

// NewEngine registers the engine's metrics. Recover and Run do the rest.
func NewEngine(opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	e := &Engine{
		opts: opts, clock: clock{opts.Now, opts.Interval, opts.Delay},
		metrics: newMetrics(opts.Registerer), health: newHealth(opts.Logger),
		changes: make(chan change), ended: make(chan struct{}), catchUps: newSlots(catchingUp), owned: map[string]*lane{},
		writing: semaphore.NewWeighted(mostHistories),
	}
	e.sampler = &sampler{
		clock: e.clock, source: opts.Source, reach: opts.Reach, metrics: e.metrics, health: e.health,
		failing: map[string]error{}, answered: map[string]time.Time{}, silent: map[string]time.Time{},
	}
	e.committer = &committer{
		store: opts.Store, lost: opts.Lost, metrics: e.metrics, health: e.health,
		requests: make(chan commitRequest), ended: make(chan struct{}),
	}
	e.board = &board{sampler: e.sampler}
	e.exclusions = &exclusions{read: opts.Excluded}
	chases, pasts := newSlots(chasing), newSlots(readingPasts)
	e.together = togetherReader{e.sampler}
	e.chaser = chaser{e.sampler, chases}
	e.verifier = verifier{e.sampler, chases, opts.Logger}
	e.pasts = pastsReader{e.sampler, pasts, opts.Logger}
	e.board.watch(opts.Definitions)
	opts.Registerer.MustRegister(statusCollector{e.board})
	return e
}

// Statuses returns how all objectives stand at `now`, ordered by ID: those of other processes as
// Hear was told last. An objective is blind if its samples can't be read, lag behind, or are of the
// future.
func (e *Engine) Statuses(now time.Time) []alert.Status { return e.board.all(now) }

// OwnStatuses is Statuses of the objectives that this process samples.
func (e *Engine) OwnStatuses(now time.Time) []alert.Status { return e.board.own(now) }

// Hear takes in how the objectives stand that other processes sample. Those that none speaks of
// stand as before.
func (e *Engine) Hear(statuses []alert.Status) { e.board.hear(statuses) }

// Answers returns when each source answered last, by its name, and why the last reading of an
// objective failed, by the objective's name. A source that has not answered yet is not there.
func (e *Engine) Answers() (last map[string]time.Time, failing map[string]error) {
	return e.sampler.answers()
}

// TakeDays returns what is new of objectives' days since it was last called, for a store to keep.
func (e *Engine) TakeDays() []alert.Days { return e.board.diary.take() }
