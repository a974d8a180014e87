package github

import (
	"context"
	"time"
)

// turn lets one write happen at a time. It is free again some time after a write has ended, so that nobody holds it while waiting for
// that time to pass.
type turn struct {
	free  chan struct{}
	every time.Duration
}

func newTurn(every time.Duration) turn {
	t := turn{make(chan struct{}, 1), every}
	t.free <- struct{}{}
	return t
}

// take waits until it is free. The write may last until done is called.
func (t turn) take(ctx context.Context) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, notSent{err}
	}
	select {
	case <-t.free:
		return func() { time.AfterFunc(t.every, func() { t.free <- struct{}{} }) }, nil
	case <-ctx.Done():
		return nil, notSent{ctx.Err()}
	}
}
