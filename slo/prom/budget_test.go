package prom

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/slo"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(8 << 20)
		first, second, third := b.lease(t.Context(), nil), b.lease(t.Context(), nil), b.lease(t.Context(), nil)
		for _, l := range []*lease{first, second, third} {
			if err := l.take(smallAnswer); err != nil {
				t.Fatalf("a small answer: %v", err)
			}
		}
		if err := first.take(1); err != nil {
			t.Fatalf("a large answer: %v", err)
		}
		got := make(chan error, 1)
		go func() { got <- second.take(1) }()
		synctest.Wait()
		select {
		case err := <-got:
			t.Fatalf("a second large answer did not wait: %v", err)
		default:
		}
		first.release()
		if err := <-got; err != nil {
			t.Fatalf("a second large answer, after the first: %v", err)
		}
		err := second.take(8 << 20)
		if !errors.Is(err, errTooMuch) || !errors.Is(err, slo.ErrBadAnswer) {
			t.Errorf("more than an answer may have: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		impatient := b.lease(ctx, nil)
		if err := impatient.take(smallAnswer + 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while another one is large: %v", err)
		}
		impatient.release()
		second.release()
		if err := third.take(1); err != nil {
			t.Errorf("after all others: %v", err)
		}
	})
}
