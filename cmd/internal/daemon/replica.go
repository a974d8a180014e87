package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/postgres"
)

// correctEvery is how often replicas look for what people excluded from budgets: only the one that
// publishes is told.
const correctEvery = time.Minute

// writers are what writes to the store: the lanes, and who publishes.
type writers struct {
	folding *engine.Engine
	publish func(ctx context.Context) error // until ctx is done
	forget  func()                          // called when another process publishes from now on
	waiting func() map[string]time.Time     // publications that wait for the tracker
}

// role is what a process writes, and what it shows of others. It runs the publisher; the engine runs
// by itself.
type role interface {
	recover(ctx context.Context, w writers) error
	run(ctx context.Context) error
	// publishes reports whether this process holds publishing for sure. It may be called at any
	// time.
	publishes() bool
	// lost is told of a lane that another process has taken over; nil: that ends everything.
	lost() func(lane string, fence int64)
	// problem returns why this process takes no part; nil if it does.
	problem() error
	view
}

// view is what pages show, whichever process knows it.
type view interface {
	statuses(now time.Time) []alert.Status
	details(ctx context.Context, objective string, length time.Duration, most int) ([]alert.Detail, error)
	// about adds what other processes know to why objectives fail and what waits for the tracker.
	about(failing map[string]error, waiting map[string]time.Time)
}

// newRole returns the role of a process in a database: one of several replicas, or the only one
// there is.
func newRole(database Store, interval time.Duration, logger *slog.Logger, registry prometheus.Registerer) role {
	if p, is := database.(*postgres.Store); is {
		return newReplica(p, interval, logger, registry)
	}
	return &alone{store: database.(engine.Acquirer)}
}

// ifHeld returns a function that drops what is old if this process publishes, and else nothing.
func ifHeld(r role, drop func(context.Context, time.Time) error) func(context.Context, time.Time) error {
	return func(ctx context.Context, before time.Time) error {
		if !r.publishes() {
			return nil
		}
		err := drop(ctx, before)
		if errors.Is(err, alert.ErrFenced) && !r.publishes() {
			return nil
		}
		return err
	}
}

// alone writes everything.
type alone struct {
	store engine.Acquirer
	writers
}

func (a *alone) recover(ctx context.Context, w writers) error {
	a.writers = w
	return w.folding.RecoverAll(ctx, a.store)
}

func (a *alone) run(ctx context.Context) error        { return a.publish(ctx) }
func (a *alone) publishes() bool                      { return true }
func (a *alone) lost() func(lane string, fence int64) { return nil }
func (a *alone) problem() error                       { return nil }

func (a *alone) statuses(now time.Time) []alert.Status { return a.folding.Statuses(now) }

func (a *alone) details(ctx context.Context, objective string, length time.Duration, most int) ([]alert.Detail, error) {
	return a.folding.Details(ctx, objective, length, most)
}

func (a *alone) about(map[string]error, map[string]time.Time) {}

// replica writes what its leases allow.
type replica struct {
	database *postgres.Store
	keeper   *lease.Keeper
	logger   *slog.Logger
	name     string
	interval time.Duration
	writers
	*peers

	fence atomic.Int64         // of publishing; 0: it is not this replica's
	start func(f func() error) // runs a function beside the keeper; its error ends the daemon
	stop  func()               // ends the publisher and waits for it
}

func newReplica(database *postgres.Store, interval time.Duration, logger *slog.Logger, registry prometheus.Registerer) *replica {
	host, _ := os.Hostname() // only for people who look at the table
	r := &replica{database: database, interval: interval, logger: logger, name: cmp.Or(host, "postburn") + "-" + rand.Text()[:8], stop: func() {}}
	r.keeper = lease.New(lease.Options{
		Replica: r.name, Table: database.Leases(append(engine.Lanes(), lease.Publishing)...),
		Follow: r.follow, Logger: logger, Registerer: registry,
	})
	return r
}

func (r *replica) recover(ctx context.Context, w writers) error {
	r.writers = w
	r.peers = newPeers(r.database.Peers(r.name, r.logger), w.folding, w.waiting, r.interval)
	r.database.PublishUnder(0)
	return w.folding.Recover(ctx, nil)
}

func (r *replica) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	r.start = func(f func() error) { g.Go(f) }
	g.Go(func() error { return r.keeper.Run(ctx) })
	g.Go(func() error { return r.correct(ctx) })
	g.Go(func() error { return r.serve(ctx) })
	return g.Wait()
}

func (r *replica) publishes() bool {
	return r.keeper.Holds(lease.Lease{Name: lease.Publishing, Fence: r.fence.Load()})
}

func (r *replica) lost() func(lane string, fence int64) {
	return func(lane string, fence int64) { r.keeper.Lost(lease.Lease{Name: lane, Fence: fence}) }
}

func (r *replica) problem() error { return r.keeper.Problem() }

// follow has this replica write what it holds leases for, and nothing else. It returns once that is
// so.
func (r *replica) follow(ctx context.Context, claims lease.Claims) error {
	if fence := claims[lease.Publishing]; fence != r.fence.Load() {
		r.stop()
		r.fence.Store(fence)
		r.database.PublishUnder(fence)
		if fence != 0 {
			r.startPublishing(ctx, fence)
		}
	}
	lanes := alert.Fences{}
	for name, fence := range claims {
		if name != lease.Publishing {
			lanes[name] = fence
		}
	}
	if err := r.writers.folding.Own(ctx, lanes); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (r *replica) startPublishing(ctx context.Context, fence int64) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	r.stop = func() {
		cancel()
		<-done
		r.stop = func() {}
	}
	r.logger.Info("publishing from now on", "fence", fence)
	r.start(func() error {
		defer close(done)
		defer cancel()
		defer r.forget()
		err := r.publish(ctx)
		if errors.Is(err, alert.ErrFenced) {
			r.keeper.Lost(lease.Lease{Name: lease.Publishing, Fence: fence})
			return nil
		}
		return err
	})
}

// correct has the lanes follow what people excluded, until ctx is done.
func (r *replica) correct(ctx context.Context) error {
	ticker := time.NewTicker(correctEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := r.writers.folding.Correct(ctx); err != nil && ctx.Err() == nil {
			r.logger.Warn("budgets don't follow what people exclude; trying again", "err", err)
		}
	}
}
