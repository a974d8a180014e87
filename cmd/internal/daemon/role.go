package daemon

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/store/postgres"
	"github.com/postburn/postburn/web"
)

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
	rights
	view
}

// rights are what a process may write.
type rights interface {
	// publishes reports whether this process holds publishing for sure. It may be called at any
	// time.
	publishes() bool
	// lost is told of a lane that another process has taken over; nil: that ends everything.
	lost() func(lane string, fence int64)
	// problem returns why this process takes no part; nil if it does.
	problem() error
}

// view is what pages show, whichever process knows it.
type view interface {
	statuses(now time.Time) []alert.Status
	details(ctx context.Context, objective string, length time.Duration, most int) ([]alert.Detail, error)
	// about adds what other processes know, and the part that this one takes.
	about(a *web.About)
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
func ifHeld(r rights, drop func(context.Context, time.Time) error) func(context.Context, time.Time) error {
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

func (a *alone) about(*web.About) {}
