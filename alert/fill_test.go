package alert_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestFill starts with many objectives, and catches up after hours: few answers are asked for, and none is large.
func TestFill(t *testing.T) {
	for _, tc := range []struct {
		name                string
		objectives, regions int   // of each objective; 0: it is not grouped
		fill, samples       int64 // reads and samples that fill the past: ...
		catchUp             int64 // ... and reads that catch up
	}{
		// The last 6 hours of the 3 days are 728 ticks, with what makes them begin on the grid of 5 minutes of the others, which are 792. Tick
		// by tick all were 8,648. Catching up 6 hours is 720 ticks; a read has 10,000 samples, or 50 ticks.
		{"objectives", 45, 0, 3 * (2 + 2), 45 * (792 + 728), 4},
		{"more objectives than there are samples in a tick's read", 400, 0, 20 * (2 + 2), 400 * (792 + 728), 15},
		{"label sets", 1, 300, 1 + 16 + 15, 300 * (1 + 792 + 728), 15},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{regions: map[string]slo.Span{}}
				for i := range tc.regions {
					s.regions[fmt.Sprintf("r%03d", i)] = slo.Span{Start: time.Now().Add(-10 * day), End: time.Now().Add(day)}
				}
				p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
				for i := range tc.objectives {
					def := definition(fmt.Sprintf("objective-%03d", i))
					if tc.regions > 0 {
						def.Objective.GroupBy = []string{"region"}
					}
					p.defs = append(p.defs, def)
				}
				p.start()
				synctest.Wait()
				if got := s.reads.Load(); got != tc.fill {
					t.Errorf("%d reads fill the past, want %d", got, tc.fill)
				}
				if got := s.asked.Load(); got != tc.samples {
					t.Errorf("%d samples fill the past, want %d", got, tc.samples)
				}
				time.Sleep(time.Minute)
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
				if got := s.largest.Load(); got > 50*400 {
					t.Errorf("an answer had %d samples", got)
				}
				p.kill()
			})
		})
	}
}
