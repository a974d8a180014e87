package engine_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// intervalChange is a change of the interval.
type intervalChange struct {
	name    string
	from    time.Duration
	to      time.Duration
	stopped float64 // minutes after the start
	down    float64
	killed  bool // every few minutes after that
}

// TestIntervalChanged starts a process with another interval on a store with an open window and a
// half-spent budget.
func TestIntervalChanged(t *testing.T) {
	for _, tc := range []intervalChange{
		{"30s to 1m", 30 * time.Second, time.Minute, 70, 0, false},
		{"30s to 1m, off its grid", 30 * time.Second, time.Minute, 70.5, 0, false},
		{"1m to 30s", time.Minute, 30 * time.Second, 70, 0, false},
		{"30s to 20s", 30 * time.Second, 20 * time.Second, 70, 0, false},
		{"30s to 20s, off its grid", 30 * time.Second, 20 * time.Second, 70.5, 0, false},
		{"30s to 7s", 30 * time.Second, 7 * time.Second, 70.5, 0, false},
		{"7s to 30s", 7 * time.Second, 30 * time.Second, 70.5, 0, false},
		{"30s to 1m, killed", 30 * time.Second, time.Minute, 70.5, 0, true},
		{"30s to 20s, killed", 30 * time.Second, 20 * time.Second, 70.5, 0, true},
		{"30s to 1m, down for ten minutes", 30 * time.Second, time.Minute, 70.5, 10, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, tc.run)
		})
	}
}

func (tc intervalChange) run(t *testing.T) {
	begin := time.Now()
	fault := span(begin, 60, 80)
	s := &scene{roles: map[string]*role{"checkout": {faults: []slo.Span{span(begin, -10000, -9995), span(begin, 10.4, 20.6), fault}}}}
	p := newScene(t, s, "checkout")
	p.every = tc.from
	started := theNow()
	p.start()
	time.Sleep(minutes(tc.stopped))
	synctest.Wait()
	open := p.incidents()
	before := p.engine.Statuses(time.Now())[0]
	p.kill()
	if len(open) != 2 || !open[0].IsOpen() {
		t.Fatalf("want an incident that is over and one that goes on, got\n%s", describe(open))
	}
	time.Sleep(minutes(tc.down))
	p.every = tc.to
	p.start()
	after := p.engine.Statuses(time.Now())[0]
	most := 50 * max(tc.from, tc.to).Seconds() // events of a tick
	if math.Abs(after.Window.Bad-before.Window.Bad) > most || math.Abs(after.Window.Total-before.Window.Total) > 2*most {
		t.Errorf("the budget has %v, it had %v", after.Window, before.Window)
	}
	p.live(minutes(120), tc.killed)
	got := p.incidents()
	end := p.engine.Statuses(time.Now())[0]
	want := p.replayed(started)
	p.kill()
	if len(got) == 2 {
		if diff := cmp.Diff(open[1], got[1], cmpopts.EquateComparable(slo.Decimal{})); diff != "" {
			t.Errorf("the incident that was over (-before +after):\n%s", diff)
		}
	}
	if len(got) != 2 || len(got[0].Windows) != 1 || got[0].IsOpen() || got[0].ID != open[0].ID {
		t.Fatalf("want the same incident, and that it is over, got\n%swas\n%s", describe(got), describe(open))
	}
	w := got[0].Windows[0]
	if tc.to != 7*time.Second && w.Bad != 60_000 { // both ends are on the new grid
		t.Errorf("%v bad events, want 60000: the past is not read again", w.Bad)
	}
	if w.Kind != alert.Burn || !w.Onset.Equal(fault.Start) || w.Ended.Sub(fault.End).Abs() >= tc.to || math.Abs(w.Bad-60_000) > most {
		t.Errorf("got\n%swant\n%s", describe(got), describe(want))
	}
	if math.Abs(end.Window.Bad-75_000-10.2*60*50) > most || end.State != alert.OK {
		t.Errorf("in the end the budget has %v, and it is %s", end.Window, end.State)
	}
	if t.Failed() {
		t.Log(p.log.String())
	}
}
