package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

// TestFill starts with many objectives, and catches up after hours: their ticks do not wait for the
// past, few answers are asked for, and none is large.
func TestFill(t *testing.T) {
	for _, tc := range []struct {
		name                string
		objectives, regions int   // of each objective; 0: it is not grouped
		window              int64 // days
		reads               int64 // that read the past of an objective, at most ...
		ticks               int64 // ... and of how many ticks
		catchUp             int64 // reads that catch up; a read has 1,000 ticks, or 40,000 samples
	}{
		{"objectives", atLength(15, 45), 0, 30, 60, 20_000, 1},
		{"more objectives than there are samples in a tick's read", atLength(100, 400), 0, 5, 30, 12_000, int64(atLength(2, 8))},
		{"label sets", 1, atLength(100, 300), 5, 250, 12_000, int64(atLength(2, 6))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{regions: map[string]slo.Span{}}
				for i := range tc.regions {
					s.regions[fmt.Sprintf("r%03d", i)] = slo.Span{Start: time.Now().Add(-40 * day), End: time.Now().Add(day)}
				}
				p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
				for i := range tc.objectives {
					def := definition(fmt.Sprintf("objective-%03d", i))
					def.Objective.Window.Rolling = time.Duration(tc.window) * day
					if tc.regions > 0 {
						def.Objective.GroupBy = []string{"region"}
					}
					p.defs = append(p.defs, def)
				}
				p.start()
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				var unread time.Duration
				for _, status := range p.engine.Statuses(time.Now()) {
					unread += status.Unread
				}
				if unread > 0 {
					t.Errorf("%s of the past are still to be read", unread)
				}
				if got := s.reads.Load() / int64(tc.objectives); got > tc.reads {
					t.Errorf("%d reads of an objective, want at most %d", got, tc.reads)
				}
				if got := s.asked.Load() / int64(tc.objectives*max(1, tc.regions)); got > tc.ticks {
					t.Errorf("%d samples of each, want at most %d", got, tc.ticks)
				}
				p.kill()
				time.Sleep(6 * time.Hour)
				s.reads.Store(0)
				p.start()
				synctest.Wait()
				if got := s.reads.Load(); got != tc.catchUp {
					t.Errorf("%d reads catch up, want %d", got, tc.catchUp)
				}
				for _, state := range p.states() {
					if state != alert.OK {
						t.Errorf("an objective is %s after that, want ok", state)
					}
				}
				if got := s.largest.Load(); got > 40_000 {
					t.Errorf("an answer had %d samples", got)
				}
				p.kill()
			})
		})
	}
}

// TestFewCatchUpTogether has many lanes that are hours behind, and a full disk: only few take
// memory at a time.
func TestFewCatchUpTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
		for i := range 60 {
			def := definition(fmt.Sprintf("objective-%02d", i))
			def.Policy.Group, def.Objective.Window.Rolling = def.Objective.Name, 5*day
			p.defs = append(p.defs, def)
		}
		p.start()
		time.Sleep(time.Minute)
		started := time.Now()
		p.kill()
		time.Sleep(6 * time.Hour)
		var read atomic.Int64 // stretches of many ticks
		p.source = func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
			if ticks.Len() > 50 && ticks.Each == 0 && ticks.First.After(started.Add(-2*time.Minute)) {
				read.Add(1)
			}
			return s.read(ctx, objectives, ticks)
		}
		disk := &fullDisk{}
		disk.full.Store(true)
		p.wrap = func(store alert.Store) alert.Store { disk.Store = store; return disk }
		p.start()
		time.Sleep(time.Hour)
		if got := read.Load(); got != 4 {
			t.Errorf("%d lanes catch up while nothing can be committed, want 4", got)
		}
		disk.full.Store(false)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for name, state := range p.states() {
			if state != alert.OK {
				t.Errorf("%s is %s, want ok", name, state)
			}
		}
		p.kill()
	})
}

// TestSlowQueries has an objective with a query too slow for many ticks at a time, beside a fast
// one: both are filled, both catch up, and an outage meanwhile is found.
func TestSlowQueries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{faultFrom: time.Now().Add(3 * time.Hour), faultTo: time.Now().Add(200 * time.Minute)}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("large"), definition("small")}}
		p.source = func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
			readings := s.read(ctx, objectives, ticks)
			for i, o := range objectives {
				if o.Name == "large" && ticks.Len() > 60 && ticks.First.After(time.Now().Add(-121*time.Hour)) { // earlier ticks are backfilled
					time.Sleep(30 * time.Second)
					readings[i] = slo.Reading{Err: fmt.Errorf("%w: context deadline exceeded", slo.ErrUnreachable)}
				}
			}
			return readings
		}
		p.start()
		time.Sleep(90 * time.Minute)
		p.kill()
		time.Sleep(6 * time.Hour)
		p.start()
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		for name, state := range p.states() {
			if state != alert.OK {
				t.Errorf("%s is %s, want ok", name, state)
			}
		}
		got := p.incidents()
		p.kill()
		if len(got) != 1 || len(got[0].Windows) != 2 {
			for _, i := range got {
				for _, w := range i.Windows {
					t.Logf("%s %s %s: %s to %s, detected %s, %v bad", i.ID, w.ID(), w.Kind, w.Onset, w.Ended, w.Detected, w.Bad)
				}
			}
			t.Fatalf("want one incident of two windows, got %d incidents", len(got))
		}
		for _, w := range got[0].Windows {
			if !w.Onset.Equal(s.faultFrom) || !w.Ended.Equal(s.faultTo) || w.Bad != 120_000 || len(withoutEstimate(w.Caveats)) > 0 {
				t.Errorf("%s: %s to %s, %v bad, caveats %v", w.ID(), w.Onset, w.Ended, w.Bad, w.Caveats)
			}
		}
		if _, err := engine.Replay(t.Context(), p.source, p.defs, interval, time.Now().Add(-2*day), time.Now().Add(-time.Hour), nil); err != nil {
			t.Error(err)
		}
	})
}
