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
	"github.com/postburn/postburn/web"
)

// correctEvery is how often replicas look for what people excluded from budgets: only the one that
// publishes is told.
const correctEvery = time.Minute

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

func (r *replica) about(a *web.About) {
	r.tell(a)
	replicas, claims := r.keeper.Part()
	_, publishes := claims[lease.Publishing]
	a.Replica = &web.Replica{Replicas: replicas, Lanes: len(claims), Publishes: publishes}
	if publishes {
		a.Replica.Lanes--
	}
}

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
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := r.writers.folding.Correct(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			r.logger.Warn("budgets don't follow what people exclude; trying again", "err", err)
		}
		failing = err != nil
	}
}
