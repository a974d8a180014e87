package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// lanes is how many lanes the groups are spread over. It is fixed, so that a group's lane never
// depends on others.
const lanes = 32

// Lanes returns the names of all lanes.
func Lanes() []string {
	all := make([]string, lanes)
	for n := range all {
		all[n] = laneName(uint32(n))
	}
	return all
}

func laneName(n uint32) string { return fmt.Sprintf("%02d", n) }

// laneOf returns the lane of a definition's group.
func laneOf(d alert.Definition) string { return laneOfGroup(d.Policy.Group) }

func laneOfGroup(group string) string {
	h := fnv.New32a()
	h.Write([]byte(group))
	return laneName(h.Sum32() % lanes)
}

// change asks the running engine for other definitions or other lanes.
type change struct {
	definitions *[]alert.Definition // nil: the same
	fences      *alert.Fences       // nil: the same
	taken       chan struct{}       // closed when it is so
}

// Reload makes the running engine watch other definitions, as if started with them, and waits until
// it does.
func (e *Engine) Reload(ctx context.Context, definitions []alert.Definition) error {
	return e.change(ctx, change{definitions: &definitions})
}

// Own makes the running engine run the lanes that it may write, and no others. It waits until lanes
// that are not among them, or have another fence, are at rest, and the new ones are loaded. Once Run
// has ended, all lanes are at rest.
func (e *Engine) Own(ctx context.Context, fences alert.Fences) error {
	return e.change(ctx, change{fences: &fences})
}

func (e *Engine) change(ctx context.Context, c change) error {
	c.taken = make(chan struct{})
	select {
	case e.changes <- c:
	case <-e.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-c.taken:
		return nil
	case <-e.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run samples, folds and commits until ctx is done. It returns an error if what is stored does not
// fit together, or, unless Options.Lost is set, if another process has taken over. Call Recover
// first.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.ended)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.committer.run(ctx) })
	g.Go(func() error { return e.runLanes(ctx) })
	return g.Wait()
}

// runLanes runs the lanes and carries out changes, until ctx is done.
func (e *Engine) runLanes(ctx context.Context) error {
	defer func() { stop(slices.Collect(maps.Values(e.owned))) }()
	for {
		for _, l := range e.owned {
			l.start(ctx, e.runLane)
		}
		select {
		case <-ctx.Done():
			return nil
		case c := <-e.changes:
			if err := e.follow(ctx, c); err != nil || ctx.Err() != nil {
				return err
			}
			close(c.taken)
		}
	}
}

// follow carries out a change. Lanes that it does not touch go on meanwhile.
func (e *Engine) follow(ctx context.Context, c change) error {
	if c.definitions != nil {
		e.keep(func(*lane) bool { return false })
		e.opts.Definitions = *c.definitions
		e.board.watch(e.opts.Definitions)
	}
	if c.fences != nil {
		e.keep(func(l *lane) bool { return (*c.fences)[l.name] == l.fence })
		e.fences = *c.fences
	}
	return e.recoverUntilRead(ctx)
}

// keep stops the other lanes and forgets them.
func (e *Engine) keep(goesOn func(*lane) bool) {
	var ending []*lane
	for _, l := range e.owned {
		if !goesOn(l) {
			ending = append(ending, l)
		}
	}
	stop(ending)
	for _, l := range ending {
		delete(e.owned, l.name)
		e.forget(l)
	}
}

// stop stops lanes, and waits until nothing of them is under way.
func stop(all []*lane) {
	for _, l := range all {
		if l.stop != nil {
			l.stop()
		}
	}
	for _, l := range all {
		l.running.Wait()
	}
}

// forget drops what is known of a lane outside of it.
func (e *Engine) forget(l *lane) {
	e.board.drop(l)
	e.exclusions.drop(l)
	for _, d := range l.Definitions() {
		e.sampler.forget(d.Objective.Name)
	}
}

// Recover loads the lanes that the engine may write, and gives them their definitions. It asks
// Prometheus nothing. Call it before Run.
func (e *Engine) Recover(ctx context.Context, fences alert.Fences) error {
	e.fences = fences
	return e.recover(ctx)
}

// Acquirer is a store that belongs to one process at a time.
type Acquirer interface {
	// Acquire makes the caller the only writer, and returns the fence of all lanes.
	Acquire(ctx context.Context) (fence int64, err error)
}

// RecoverAll takes over a store, and is Recover with all lanes.
func (e *Engine) RecoverAll(ctx context.Context, store Acquirer) error {
	fence, err := store.Acquire(ctx)
	if err != nil {
		return err
	}
	all := alert.Fences{}
	for _, name := range Lanes() {
		all[name] = fence
	}
	return e.Recover(ctx, all)
}

// recover loads the lanes that the engine owns and has not loaded.
func (e *Engine) recover(ctx context.Context) error {
	if err := e.exclusions.update(ctx); err != nil {
		return err
	}
	defs, sources := map[string][]alert.Definition{}, map[string]bool{}
	for _, d := range e.opts.Definitions {
		sources[d.Objective.Source] = true
		name := laneOf(d)
		defs[name] = append(defs[name], d)
	}
	if len(e.owned) == 0 { // no slot is taken
		for _, s := range []*slots{e.catchUps, e.chaser.slots, e.pasts.slots} {
			s.divide(len(sources))
		}
	}
	for _, name := range Lanes() {
		fence, owned := e.fences[name]
		if _, loaded := e.owned[name]; !owned || loaded {
			continue
		}
		l, err := e.recoverLane(ctx, name)
		if err != nil {
			return err
		}
		l.fence, l.journal.writing = fence, e.writing
		e.logChanges(l, defs[name])
		l.redefine(defs[name], e.clock.due(e.opts.Delay))
		e.exclude(l)
		e.board.show(l)
		e.owned[name] = l
	}
	return nil
}

// recoverUntilRead recovers a running engine. While the store can't be read it tries again, as for
// commits: a reload while the database is away ends nothing.
func (e *Engine) recoverUntilRead(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := e.recover(ctx)
		if err == nil {
			e.health.ok("reading the store")
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, slo.ErrCorrupt) {
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
