package web

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counting makes the numbers 1, 2, 3 ..., each in a second.
type counting struct{ n atomic.Int64 }

func (c *counting) next(context.Context) (int64, error) {
	n := c.n.Add(1)
	time.Sleep(time.Second)
	return n, nil
}

func TestMemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memo[string, int64]{fresh: 10 * time.Second, stale: time.Minute, most: 2}
		var c counting
		want := func(what string, want int64) {
			t.Helper()
			if got, err := m.get(t.Context(), "a", c.next); got != want || err != nil {
				t.Errorf("%s: %d, %v, want %d", what, got, err, want)
			}
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { want("asked for at once", 1) })
		}
		all.Wait()
		time.Sleep(8 * time.Second)
		want("while it is fresh", 1)
		time.Sleep(time.Second)
		all.Go(func() { want("made anew", 2) })
		synctest.Wait()
		want("the older one meanwhile", 1)
		all.Wait()
		time.Sleep(2 * time.Minute)
		all.Go(func() { want("made anew", 3) })
		synctest.Wait()
		want("too old to serve meanwhile", 3)
		all.Wait()
		for _, key := range []string{"b", "c", "c"} {
			if _, err := m.get(t.Context(), key, c.next); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.n.Load(); got != 6 || len(m.kept) != 2 {
			t.Errorf("made %d values and kept %d; want 6 and 2, as there is no room for c", got, len(m.kept))
		}
	})
}

func TestMemoOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memo[int, int]{fresh: time.Minute, most: 1}
		failed := errors.New("failed")
		fail := func(context.Context) (int, error) { return 0, failed }
		if _, err := m.get(t.Context(), 1, fail); !errors.Is(err, failed) {
			t.Errorf("got %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_, _ = m.get(t.Context(), 1, func(context.Context) (int, error) { panic("template") })
		}()
		gone, leave := context.WithCancel(t.Context())
		leave()
		slow := func(ctx context.Context) (int, error) { time.Sleep(time.Second); return 7, ctx.Err() }
		if got, err := m.get(gone, 1, slow); got != 7 && !errors.Is(err, context.Canceled) {
			t.Errorf("made for who has left: %d, %v", got, err)
		}
		if got, err := m.get(t.Context(), 1, fail); got != 7 || err != nil {
			t.Errorf("kept after errors: %d, %v", got, err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := m.get(t.Context(), 1, fail); !errors.Is(err, failed) {
			t.Errorf("an old value after an error: %v", err)
		}
	})
}

func TestMemoOfLargeValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		m := memo[string, string]{fresh: time.Second, most: 9, room: 10, size: func(s string) int { return len(s) }}
		want := func(key string, want int) {
			t.Helper()
			got, err := m.get(t.Context(), key, func(context.Context) (string, error) { made++; return key, nil })
			if got != key || err != nil || made != want {
				t.Errorf("%q: got %q, %v, and made %d; want %d", key, got, err, made, want)
			}
		}
		want("12345678", 1)
		want("1234", 2)
		want("1234", 3) // there was no room
		want("12", 4)
		want("12", 4)
		time.Sleep(time.Second)
		want("1234", 5)
		want("1234", 5)
	})
}
