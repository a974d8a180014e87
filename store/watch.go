package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
)

// A lost, full or read-only store is noticed within probeEvery. A scan reads the whole store, so it
// gets only a share of the time. A damaged store of usual size is noticed within a minute.
const (
	probeEvery = 10 * time.Second
	scanEvery  = 30 * time.Second
	scanShare  = 20 // a scan that took 2 s is repeated after 40 s
)

// WatchOptions configure a Watcher. Probe is required. Probe and Scan return an *Error if the store
// itself has a problem.
type WatchOptions struct {
	Probe      func(ctx context.Context) error // whether commits can be found again; cheap
	Scan       func(ctx context.Context) error // whether anything is damaged; may take long; nil: its server looks itself
	Restored   func() int                      // how often a lost store was put back; nil: never
	Logger     *slog.Logger                    // nil: none
	Registerer prometheus.Registerer           // nil: none
}

// Watcher notices when something is wrong with a store in use, even if nothing is written to it. It
// logs each problem once when it begins and once when it is over.
type Watcher struct {
	WatchOptions
	metrics  *watchMetrics
	logged   Problem // last logged; empty: all is well
	restored int     // how many restorations were logged

	mu              sync.Mutex
	probed, scanned error // results of the last Probe and Scan
}

// NewWatcher makes a Watcher that does nothing before Run.
func NewWatcher(o WatchOptions) *Watcher {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Restored == nil {
		o.Restored = func() int { return 0 }
	}
	return &Watcher{WatchOptions: o, metrics: newWatchMetrics(o.Registerer)}
}

// Problem returns what is wrong with the store now, in words for people; nil if nothing is.
func (w *Watcher) Problem() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.probed != nil {
		return w.probed
	}
	return w.scanned
}

// Run watches until ctx is done. It returns an error only if another process has taken over the
// store.
func (w *Watcher) Run(ctx context.Context) error {
	var nextScan time.Time
	for wait := time.Duration(0); sleep(ctx, wait); wait = probeEvery {
		err := w.Probe(ctx)
		if errors.Is(err, alert.ErrFenced) {
			return fmt.Errorf("watching the store: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		w.note(&w.probed, err)
		w.report()
		begun := time.Now()
		if w.Scan == nil || begun.Before(nextScan) {
			continue
		}
		if err = w.Scan(ctx); ctx.Err() != nil {
			return nil
		}
		w.note(&w.scanned, err)
		w.report()
		nextScan = begun.Add(max(scanEvery, scanShare*time.Since(begun)))
	}
	return nil
}

// note stores and counts a result.
func (w *Watcher) note(found *error, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *found = err; err != nil {
		w.metrics.errors.WithLabelValues(string(problemOf(err))).Inc()
	}
}

// report logs what changed, and updates the metrics.
func (w *Watcher) report() {
	if n := w.Restored(); n > w.restored {
		w.metrics.restored.Add(float64(n - w.restored))
		w.restored = n
		w.Logger.Warn("the store's file had been removed, and was put back with all that was committed")
	}
	err := w.Problem()
	if err == nil {
		w.metrics.healthy.Set(1)
		if w.logged != "" {
			w.Logger.Info("nothing is wrong with the store any more", "problem", string(w.logged))
		}
		w.logged = ""
		return
	}
	w.metrics.healthy.Set(0)
	if p := problemOf(err); p != w.logged {
		w.logged = p
		w.Logger.Error("something is wrong with the store", "problem", string(p), "err", err)
	}
}

// problemOf returns an error's problem.
func problemOf(err error) Problem {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem
	}
	return Other
}
