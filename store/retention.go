package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
)

const (
	// firstRun gives a starting daemon time to catch up. Runs come every hour, so that each has
	// little to drop.
	firstRun = time.Minute
	runEvery = time.Hour
	// batch is how many incidents are dropped in one transaction, and between is how long ticks
	// then have the database to themselves.
	batch   = 100
	between = 100 * time.Millisecond
)

// Dropper removes at most `most` incidents that ended before a time, and returns how many: fewer
// than `most` if no more are left. It keeps incidents with something unfinished. It returns
// alert.ErrFenced if another process has taken over the store.
type Dropper func(ctx context.Context, endedBefore time.Time, most int) (dropped int, err error)

// Options configure a Retention. Drop is required.
type Options struct {
	Keep       time.Duration // how long to keep incidents after their end; 0: for ever
	Drop       Dropper
	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// Retention drops incidents that ended long ago.
type Retention struct {
	Options
	metrics *metrics
}

// NewRetention makes a Retention that does nothing before Run.
func NewRetention(o Options) *Retention {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Retention{o, newMetrics(o.Registerer)}
}

// Run drops old incidents every hour until ctx is done. It returns an error only if another process
// has taken over the store.
func (r *Retention) Run(ctx context.Context) error {
	if r.Keep <= 0 {
		<-ctx.Done()
		return nil
	}
	for wait := firstRun; sleep(ctx, wait); wait = runEvery {
		before := time.Now().Add(-r.Keep)
		n, err := r.drop(ctx, before)
		if n > 0 {
			r.Logger.Info("dropped old incidents", "incidents", n, "ended_before", before.UTC())
		}
		switch {
		case errors.Is(err, alert.ErrFenced):
			return fmt.Errorf("dropping old incidents: %w", err)
		case err != nil && ctx.Err() == nil:
			r.metrics.failures.Inc()
			r.Logger.Warn("old incidents stay for now", "err", err)
		}
	}
	return nil
}

// drop removes all incidents that ended before a time, in small batches, and returns how many.
func (r *Retention) drop(ctx context.Context, before time.Time) (all int, err error) {
	for {
		n, err := r.Drop(ctx, before, batch)
		all += n
		r.metrics.dropped.Add(float64(n))
		if err != nil || n < batch || !sleep(ctx, between) {
			return all, err
		}
	}
}

// sleep reports whether it slept that long; it wakes up when ctx is done.
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
