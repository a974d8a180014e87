package engine

import (
	"context"
	"time"
)

// alarm ends a lane's sleep. It has room for one value.
type alarm chan struct{}

// ring ends the sleep, or the next one.
func (a alarm) ring() {
	select {
	case a <- struct{}{}:
	default: // it has rung already
	}
}

// sleep waits for a ring, for d at most. ok is false if ctx ended first.
func (a alarm) sleep(ctx context.Context, d time.Duration) (rang, ok bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, false
	case <-a:
		return true, true
	case <-timer.C:
		return false, true
	}
}
