package engine

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// lanes is how many lanes the groups are spread over. It is fixed, so that a group's lane never
// depends on the other groups.
const lanes = 32

// Source takes samples: a reading for each objective, in their order, with a sample for every tick.
type Source func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading

// Reach returns the time of the newest sample that Prometheus has of an objective's series; zero if
// it has none that is recent.
type Reach func(ctx context.Context, objective slo.Objective) (time.Time, error)

// Options of an Engine. All but Reach, Committed and Now are required.
type Options struct {
	Definitions []alert.Definition
	Interval    time.Duration // of the grid
	Delay       time.Duration // how long after its end a tick is sampled
	Source      Source
	Reach       Reach // nil: data are taken to be there as soon as their series are
	Store       alert.Store
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Committed   func()           // is called after incidents were committed; it must not block
	Now         func() time.Time // the wall clock; nil: time.Now
}

// Engine runs the lanes: it samples every tick, folds, and commits, and resumes where the store's
// last commit ended.
type Engine struct {
	opts    Options
	fence   int64
	metrics *metrics
	health  *health
	commits chan commitRequest
	reloads chan reload

	catchUps chan struct{} // one for each lane that catches up
	chases   chan struct{} // one for each reading of objectives apart from their lane
	pasts    chan struct{} // one for each reading of a past
	spawn    func(func())  // runs a function beside the lanes, and waits for it before they are recovered

	recovered []*lane

	mu       sync.Mutex
	statuses map[string][]alert.Status // by lane
	failing  map[string]error          // by objective
	answered time.Time                 // when Prometheus answered last, by the wall clock
	pastLeft map[string]time.Duration  // by lane: how much of the past is still to be read, summed over objectives
}

// NewEngine registers the engine's metrics. Recover and Run do the rest.
func NewEngine(opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	e := &Engine{
		opts: opts, metrics: newMetrics(opts.Registerer), health: newHealth(opts.Logger),
		commits: make(chan commitRequest), reloads: make(chan reload),
		catchUps: make(chan struct{}, catchingUp), chases: make(chan struct{}, chasing), pasts: make(chan struct{}, readingPasts),
		statuses: map[string][]alert.Status{}, failing: map[string]error{},
	}
	opts.Registerer.MustRegister(statusCollector{e})
	for _, d := range opts.Definitions {
		lane := laneOf(d)
		e.statuses[lane] = append(e.statuses[lane], alert.Status{Objective: d.Objective, BudgetRemaining: 1, State: alert.Blind})
	}
	return e
}

// laneOf names the lane of a definition's group.
func laneOf(d alert.Definition) string {
	h := fnv.New32a()
	h.Write([]byte(d.Policy.Group))
	return fmt.Sprintf("%02d", h.Sum32()%lanes)
}

// Run samples, folds and commits until ctx is done. It returns an error where the store belongs to
// another writer now. Recover comes first.
func (e *Engine) Run(ctx context.Context) error {
	for {
		next, err := e.runUntilReload(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		e.opts.Definitions = next.definitions
		if err := e.Recover(ctx); err != nil {
			return err
		}
		close(next.taken)
	}
}

// runUntilReload runs the lanes until ctx is done or other definitions are to be watched.
func (e *Engine) runUntilReload(ctx context.Context) (next reload, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.runCommits(ctx) })
	e.spawn = func(f func()) { g.Go(func() error { f(); return nil }) }
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

// reload asks for other definitions to be watched.
type reload struct {
	definitions []alert.Definition
	taken       chan struct{} // is closed when they are
}

// Reload has the running engine watch other definitions, as if it had been started with them, and
// waits until it does.
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

// Recover makes the engine the store's only writer, loads the lanes that the store or the
// definitions know of, and hands the definitions out to them. It asks nothing of Prometheus.
func (e *Engine) Recover(ctx context.Context) error {
	fence, names, err := e.opts.Store.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquiring the store: %w", err)
	}
	e.fence, e.recovered = fence, nil
	e.mu.Lock()
	e.pastLeft = map[string]time.Duration{}
	e.statuses, e.failing = map[string][]alert.Status{}, map[string]error{}
	e.mu.Unlock()
	defs := map[string][]alert.Definition{}
	for _, d := range e.opts.Definitions {
		name := laneOf(d)
		defs[name] = append(defs[name], d)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		l, err := e.recoverLane(ctx, name)
		if err != nil {
			return err
		}
		e.logChanges(l, defs[name])
		l.redefine(defs[name], e.due(e.opts.Delay))
		e.show(l)
		if len(l.Definitions()) > 0 || l.HasSettled() {
			e.recovered = append(e.recovered, l)
		}
	}
	return nil
}

// recoverLane loads a lane, on the grid that the engine has now. One that was never committed
// begins at the newest tick that is due.
func (e *Engine) recoverLane(ctx context.Context, name string) (*lane, error) {
	rec, err := e.opts.Store.Load(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("loading lane %s: %w", name, err)
	}
	if rec.Cursor.IsZero() {
		return newLane(name, fold.NewLane(e.opts.Interval, e.due(e.opts.Delay))), nil
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

// sleep waits and reports true, or false where ctx was done first.
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

// Statuses are how all objectives stand at `now`, ordered by ID. One whose samples can't be had,
// lag behind, or are of a time that has yet to come is blind.
func (e *Engine) Statuses(now time.Time) []alert.Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []alert.Status
	for _, statuses := range e.statuses {
		for _, s := range statuses {
			delay := e.opts.Delay
			if s.Objective.Delay > 0 {
				delay = s.Objective.Delay
			}
			late := now.Sub(s.Tick) - delay - s.Extra - e.opts.Interval
			ahead := s.Tick.After(now) // the clock was set back
			if e.failing[s.Objective.Name] != nil || late > max(3*e.opts.Interval, 10*time.Second) || ahead {
				s.State = alert.Blind
				if s.BlindSince.IsZero() {
					s.BlindSince = s.Tick
				}
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b alert.Status) int {
		return slo.ID{SLO: a.Objective.Name, Labels: a.Labels}.Compare(slo.ID{SLO: b.Objective.Name, Labels: b.Labels})
	})
	return all
}

// leftToRead is how much of the past is still to be read, summed over objectives.
func (e *Engine) leftToRead() (left time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.pastLeft {
		left += d
	}
	return left
}
