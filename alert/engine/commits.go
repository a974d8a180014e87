package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
)

// commitRequest asks to commit batches; the error is sent when they are committed or never can be.
type commitRequest struct {
	batches []alert.Batch
	done    chan error
}

// committer writes to the store.
type committer struct {
	store    alert.Store
	fence    int64
	metrics  *metrics
	health   *health
	requests chan commitRequest
}

// commit hands batches to the committer and waits until they are written.
func (c *committer) commit(ctx context.Context, batches []alert.Batch) error {
	for i := range batches {
		batches[i].Fence = c.fence
	}
	r := commitRequest{batches, make(chan error, 1)}
	select {
	case c.requests <- r:
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

// run writes the lanes' batches: all that are ready in one transaction. If it fails, it is tried
// again, unchanged, until it succeeds: nothing is lost while a disk is full.
func (c *committer) run(ctx context.Context) error {
	for {
		var waiting []commitRequest
		select {
		case <-ctx.Done():
			return nil
		case r := <-c.requests:
			waiting = append(waiting, r)
		}
		for more := true; more; {
			select {
			case r := <-c.requests:
				waiting = append(waiting, r)
			default:
				more = false
			}
		}
		var batches []alert.Batch
		for _, r := range waiting {
			batches = append(batches, r.batches...)
		}
		err := c.commitUntilWritten(ctx, batches)
		for _, r := range waiting {
			r.done <- err
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("committing: %w", err)
		}
	}
}

// commitUntilWritten returns an error only if trying again can't help.
func (c *committer) commitUntilWritten(ctx context.Context, batches []alert.Batch) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		start := time.Now()
		err := c.store.Commit(ctx, batches)
		c.metrics.commitSeconds.Observe(time.Since(start).Seconds())
		if err == nil {
			c.health.ok("writing the store")
			return nil
		}
		if errors.Is(err, alert.ErrFenced) || errors.Is(err, alert.ErrConflict) || ctx.Err() != nil {
			return err
		}
		c.metrics.commitFailures.Inc()
		c.health.failing("writing the store", err)
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}
