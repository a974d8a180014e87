package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
)

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

// runCommits writes what the lanes hand over: all that is ready in one transaction. One that fails
// is tried again, unchanged, until it succeeds: nothing is lost while a disk is full.
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
