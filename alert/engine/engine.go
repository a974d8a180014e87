package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// lanes is how many lanes the groups are spread over. It is fixed, so that a group's lane never depends on the other groups.
const lanes = 32

// Source takes samples: a reading for each objective, in their order, with a sample for every tick.
type Source func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading

// Options of an Engine. All but Committed and Now are required.
type Options struct {
	Definitions []alert.Definition
	Interval    time.Duration // of the grid
	Delay       time.Duration // how long after its end a tick is sampled
	Source      Source
	Store       alert.Store
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Committed   func()           // is called after incidents were committed; it must not block
	Now         func() time.Time // the wall clock; nil: time.Now
}

// Engine runs the lanes: it samples every tick, folds, and commits, and resumes where the store's last commit ended.
type Engine struct {
	opts    Options
	fence   int64
	metrics *metrics
	health  *health
	commits chan commitRequest
	reloads chan reload
	pieces  chan *piece

	fills    chan struct{} // one for each lane that reads a past
	catchUps chan struct{} // one for each lane that catches up

	recovered []*Lane

	mu       sync.Mutex
	statuses map[string][]alert.Status // by lane
	failing  map[string]error          // by objective
	pastLeft map[string]time.Duration  // by lane: how much of the past is still to be read, summed over objectives
}

// NewEngine registers the engine's metrics. Recover and Run do the rest.
func NewEngine(opts Options) *Engine {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	e := &Engine{
		opts: opts, metrics: newMetrics(opts.Registerer), health: newHealth(opts.Logger),
		commits: make(chan commitRequest), reloads: make(chan reload), fills: make(chan struct{}, filling), catchUps: make(chan struct{}, catchingUp),
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

// Run samples, folds and commits until ctx is done. It returns an error where the store belongs to another writer now. Recover
// comes first.
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
	g.Go(func() error { return e.runBackfill(ctx) })
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

// Reload has the running engine watch other definitions, as if it had been started with them, and waits until it does.
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

// Recover makes the engine the store's only writer, loads the lanes that the store or the definitions know of, and hands the
// definitions out to them. It asks nothing of Prometheus.
func (e *Engine) Recover(ctx context.Context) error {
	fence, names, err := e.opts.Store.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquiring the store: %w", err)
	}
	e.fence, e.recovered = fence, nil
	e.mu.Lock()
	e.pieces = make(chan *piece, lanes)
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
		l.Redefine(defs[name], e.opts.Interval, e.due(e.opts.Now(), defs[name], 0))
		e.show(l)
		if len(l.defs) > 0 || len(l.retired) > 0 {
			e.recovered = append(e.recovered, l)
		}
	}
	return nil
}

func (e *Engine) recoverLane(ctx context.Context, name string) (*Lane, error) {
	rec, err := e.opts.Store.Load(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("loading lane %s: %w", name, err)
	}
	if rec.Cursor.IsZero() {
		return NewLane(name, e.opts.Interval, time.Time{}), nil
	}
	l, err := Recover(name, rec)
	if err != nil {
		return nil, err
	}
	e.opts.Logger.Info("resuming", "lane", name, "objectives", len(l.watches), "cursor", l.cursor)
	return l, nil
}

// due is the newest tick that may be sampled, if data comes `extra` later than the delay allows for.
func (e *Engine) due(now time.Time, defs []alert.Definition, extra time.Duration) time.Time {
	return now.Add(-e.delay(defs) - extra).Truncate(e.opts.Interval).UTC()
}

// delay is the longest of the definitions' delays: a lane's objectives advance together.
func (e *Engine) delay(defs []alert.Definition) time.Duration {
	longest := time.Duration(-1)
	for _, d := range defs {
		if d.Objective.Delay > 0 {
			longest = max(longest, d.Objective.Delay)
		} else {
			longest = max(longest, e.opts.Delay)
		}
	}
	if longest < 0 {
		return e.opts.Delay
	}
	return longest
}

// commitRequest asks for batches to be committed; the error is sent when they are, or can never be.
type commitRequest struct {
	batches []alert.Batch
	done    chan error
}

// commit hands batches to the committer and waits until they are written.
func (e *Engine) commit(ctx context.Context, batches []alert.Batch) error {
	for i := range batches {
		batches[i].Fence = e.fence
	}
	r := commitRequest{batches, make(chan error, 1)}
	select {
	case e.commits <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runCommits writes what the lanes hand over: all that is ready in one transaction. One that fails is tried again, unchanged, until it
// succeeds: nothing is lost while a disk is full.
func (e *Engine) runCommits(ctx context.Context) error {
	for {
		var waiting []commitRequest
		select {
		case <-ctx.Done():
			return nil
		case r := <-e.commits:
			waiting = append(waiting, r)
		}
		for more := true; more; {
			select {
			case r := <-e.commits:
				waiting = append(waiting, r)
			default:
				more = false
			}
		}
		var batches []alert.Batch
		for _, r := range waiting {
			batches = append(batches, r.batches...)
		}
		err := e.commitUntilWritten(ctx, batches)
		for _, r := range waiting {
			r.done <- err
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("committing: %w", err)
		}
	}
}

// commitUntilWritten returns an error only where trying again can't help.
func (e *Engine) commitUntilWritten(ctx context.Context, batches []alert.Batch) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		start := time.Now()
		err := e.opts.Store.Commit(ctx, batches)
		e.metrics.commitSeconds.Observe(time.Since(start).Seconds())
		if err == nil {
			e.health.ok("writing the store")
			return nil
		}
		if errors.Is(err, alert.ErrFenced) || errors.Is(err, alert.ErrConflict) || ctx.Err() != nil {
			return err
		}
		e.metrics.commitFailures.Inc()
		e.health.failing("writing the store", err)
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
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

// Statuses are how all objectives stand at `now`, ordered by ID. One whose samples can't be had, lag behind, or are of a time that has
// yet to come is blind.
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
