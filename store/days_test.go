package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store"
)

// TestDayKeeper saves what is new every minute, and again what could not be saved.
func TestDayKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex // of what follows
		var fresh, saved []string
		var fails error
		var dropped []time.Duration
		give := func(err error, names ...string) {
			mu.Lock()
			defer mu.Unlock()
			fresh, fails = names, err
		}
		k := store.NewDayKeeper(store.DayOptions{
			Keep: 48 * time.Hour,
			Take: func() (all []alert.Days) {
				mu.Lock()
				defer mu.Unlock()
				for _, name := range fresh {
					all = append(all, alert.Days{ID: slo.ID{SLO: name}})
				}
				fresh = nil
				return all
			},
			Save: func(_ context.Context, all []alert.Days) error {
				mu.Lock()
				defer mu.Unlock()
				if fails != nil {
					return fails
				}
				for _, d := range all {
					saved = append(saved, d.SLO)
				}
				return nil
			},
			Drop: func(_ context.Context, before time.Time) error {
				mu.Lock()
				defer mu.Unlock()
				dropped = append(dropped, before.Sub(start).Round(time.Hour))
				return nil
			},
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		expect := func(wait time.Duration, want ...string) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, saved); diff != "" {
				t.Errorf("saved after %s: %s", time.Since(start), diff)
			}
			saved = nil
		}
		give(nil, "a")
		expect(9 * time.Second)
		expect(2*time.Second, "a")
		give(errors.New("the disk is full"), "b")
		expect(2 * time.Minute)
		give(nil, "c")
		expect(time.Minute, "b", "c")
		var many []string
		for n := range 250 {
			many = append(many, fmt.Sprint(n))
		}
		give(nil, many...)
		expect(time.Minute, many...)
		expect(50 * time.Hour)
		if diff := cmp.Diff([]time.Duration{-48 * time.Hour, -24 * time.Hour, 0}, dropped); diff != "" {
			t.Errorf("dropped days before: %s", diff)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("stopped: %v", err)
		}
		fails, fresh = alert.ErrFenced, []string{"d"}
		if err := k.Run(t.Context()); !errors.Is(err, alert.ErrFenced) {
			t.Errorf("after another process has taken over: %v", err)
		}
	})
}
