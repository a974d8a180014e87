package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// commitRequest asks to commit one lane's batches; the error is sent when they are committed or never can be.
type commitRequest struct {
	batches []alert.Batch
	done    chan error
}

// committer writes to the store.
type committer struct {
	store    alert.Store
	lost     func(lane string, fence int64) // nil: losing a lane ends everything
	metrics  *metrics
	health   *health
	requests chan commitRequest
	ended    chan struct{} // closed when run has returned
}

// commit hands a lane's batches to the committer and waits until they are written, or never can be.
func (c *committer) commit(batches []alert.Batch) error {
	r := commitRequest{batches, make(chan error, 1)}
	select {
	case c.requests <- r:
		return <-r.done
	case <-c.ended:
		return context.Canceled
	}
}

// run writes the lanes' batches: all that are ready in one transaction. If it fails, it is tried
// again, unchanged, until it succeeds: nothing is lost while a disk is full.
func (c *committer) run(ctx context.Context) error {
	defer close(c.ended)
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
		if err := c.write(ctx, waiting); err != nil && ctx.Err() == nil {
			return fmt.Errorf("committing: %w", err)
		}
	}
}

// write commits what waits, and answers. It leaves out the lanes that another process has taken
// over. An error means that nothing more can be written.
func (c *committer) write(ctx context.Context, waiting []commitRequest) error {
	for {
		err := c.commitUntilWritten(ctx, waiting)
		var fenced *alert.FencedError
		if c.lost == nil || !errors.As(err, &fenced) {
			for _, r := range waiting {
				r.done <- err
			}
			return err
		}
		waiting = slices.DeleteFunc(waiting, func(r commitRequest) bool {
			of := r.batches[0]
			if !slices.Contains(fenced.Lanes, of.Lane) {
				return false
			}
			c.lost(of.Lane, of.Fence)
			r.done <- err
			return true
		})
		if len(waiting) == 0 {
			return nil
		}
	}
}

// commitUntilWritten returns an error only if trying again can't help.
func (c *committer) commitUntilWritten(ctx context.Context, waiting []commitRequest) error {
	var batches []alert.Batch
	for _, r := range waiting {
		batches = append(batches, r.batches...)
	}
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
