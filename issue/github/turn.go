package github

import (
	"context"
	"time"
)

// turn allows one write at a time. It is free again `every` after a write has ended, and nobody
// holds it while that time passes.
type turn struct {
	free  chan struct{}
	every time.Duration
}

func newTurn(every time.Duration) turn {
	t := turn{make(chan struct{}, 1), every}
	t.free <- struct{}{}
	return t
}

// take waits for the turn. The caller holds it until done is called. Its only error is that of a
// context that ended first.
func (t turn) take(ctx context.Context) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-t.free:
		return func() { time.AfterFunc(t.every, func() { t.free <- struct{}{} }) }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
