package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestEngineDetails asks a running engine about an objective in the middle of an outage, after it,
// and while its samples can't be read.
func TestEngineDetails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{faultFrom: time.Now().Add(time.Hour), faultTo: time.Now().Add(80 * time.Minute)}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("checkout"), definition("other")}}
		p.start()
		time.Sleep(70 * time.Minute)
		synctest.Wait()
		during := detail(t, p, "checkout", time.Hour)
		if r := during.Rules[0]; during.State != alert.Burning || r.Nearness() <= 1 || r.Bad == 0 {
			t.Errorf("in the outage: %s, first rule %+v", during.State, r)
		}
		var sum slo.Counts
		for i, c := range during.Course {
			if i > 0 && !c.Start.Equal(during.Course[i-1].End) {
				t.Errorf("a gap before %s", c.Start)
			}
			sum = sum.Add(c.Counts)
		}
		if sum != during.Attained[0].Counts || sum.Bad != 100*9*60 {
			t.Errorf("the course has %v, the last hour %v", sum, during.Attained[0].Counts)
		}
		if n := len(during.Course); n > 60 || !during.Course[n-1].End.Equal(during.Tick) {
			t.Errorf("%d stretches up to %s", n, during.Course[n-1].End)
		}

		time.Sleep(3 * time.Hour)
		synctest.Wait()
		after := detail(t, p, "checkout", 0)
		if last := after.Attained[len(after.Attained)-1]; last.Length != definition("checkout").Objective.Window.Rolling || last.Bad != 120_000 {
			t.Errorf("after the outage the window has %+v", last)
		}
		if unknown, err := p.engine.Details(t.Context(), "unknown", 0, 60); unknown != nil || err != nil {
			t.Errorf("an unknown objective: %v, %v", unknown, err)
		}
		p.kill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.engine.Details(ctx, "checkout", 0, 60); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an engine that does not run answers %v", err)
		}
	})
}

func detail(t *testing.T, p *process, name string, length time.Duration) alert.Detail {
	t.Helper()
	all, err := p.engine.Details(t.Context(), name, length, 60)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d details of %s, %v", len(all), name, err)
	}
	return all[0]
}
