package engine_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// addedAfter is an outage before an objective is added.
type addedAfter struct {
	first [2]float64 // minutes after it is added
	lost  bool
	want  []float64 // onsets of the windows, in minutes
}

// TestAddedAfterAnOutage adds an objective, or loses the store, during or after an outage. The next
// breach has only its own onset and events.
func TestAddedAfterAnOutage(t *testing.T) {
	for name, tc := range map[string]addedAfter{
		"it was over an hour ago":            {first: [2]float64{-80, -60}, want: []float64{60}},
		"it was over two days ago":           {first: [2]float64{-50 * 60, -49 * 60}, want: []float64{60}},
		"it was over two minutes ago":        {first: [2]float64{-30, -2}, want: []float64{60}},
		"it goes on":                         {first: [2]float64{-10, 10}, want: []float64{-10, 60}},
		"it has gone on for hours":           {first: [2]float64{-300, 10}, want: []float64{-300, 60}},
		"the store is lost after it":         {first: [2]float64{-80, -60}, lost: true, want: []float64{60}},
		"the store is lost while it goes on": {first: [2]float64{-10, 10}, lost: true, want: []float64{-10, 60}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, tc.run)
		})
	}
}

func (tc addedAfter) run(t *testing.T) {
	added := time.Now().Add(minutes(6 * 60))
	faults := []slo.Span{span(added, tc.first[0], tc.first[1]), span(added, 60, 65)}
	s := &scene{roles: map[string]*role{"old": {}, "new": {faults: faults}}}
	p := newScene(t, s, "old", "new")
	both := p.defs
	for i := range both {
		both[i].Policy.Budget = false // hours of outage overspend it
	}
	if !tc.lost {
		p.defs = both[:1]
	}
	p.start()
	time.Sleep(time.Until(added))
	if tc.lost {
		p.kill()
		if err := os.Remove(p.path); err != nil {
			t.Fatal(err)
		}
		p.start()
	} else if err := p.engine.Reload(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	started := theNow()
	time.Sleep(minutes(30))
	synctest.Wait()
	if got := p.incidents(); len(got) != len(tc.want)-1 {
		t.Errorf("want %d incidents before the second outage, got\n%s", len(tc.want)-1, describe(got))
	}
	time.Sleep(minutes(90))
	synctest.Wait()
	p.defs = both
	got := windowsOf(p.incidents(), "new")
	sameWindows(t, windowsOf(p.replayed(started), "new"), got, true)
	p.kill()
	var onsets []float64
	for _, w := range slices.Backward(got) {
		onsets = append(onsets, w.Onset.Sub(added).Minutes())
	}
	if !slices.Equal(onsets, tc.want) {
		t.Errorf("onsets %v, want %v", onsets, tc.want)
	}
	if got[0].Bad != 15_000 {
		t.Errorf("the second outage has %v bad events, want 15000", got[0].Bad)
	}
}

// TestRulesAreArmedOneByOne has a Prometheus that never answers for data over two hours old: the
// rule that looks back an hour finds a new outage.
func TestRulesAreArmedOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		fault := span(begin, 30, 50)
		s := &scene{roles: map[string]*role{"checkout": {faults: []slo.Span{fault, span(begin, -30, -20)}}}}
		s.roles["checkout"].fail = func(ctx context.Context, ticks slo.Ticks) error {
			if ticks.First.Before(begin.Add(minutes(-120))) {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		p := newScene(t, s, "checkout")
		p.start()
		time.Sleep(minutes(33))
		synctest.Wait()
		if got := p.states()["checkout"]; got != alert.Burning {
			t.Errorf("it is %s three minutes after an outage has begun, want burning", got)
		}
		time.Sleep(minutes(60))
		synctest.Wait()
		got := p.incidents()
		p.kill()
		if len(got) != 1 || got[0].IsOpen() {
			t.Fatalf("want one incident that is over, got\n%s", describe(got))
		}
		w := got[0].Windows[0]
		if !w.Onset.Equal(fault.Start) || !w.Ended.Equal(fault.End) || w.Bad != 60_000 || w.Detected.Sub(fault.Start) > minutes(2) {
			t.Errorf("%s", describe(got))
		}
	})
}

// TestDelayOfOne has an objective with a long delay beside one without.
func TestDelayOfOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		fault := span(begin, 60, 80)
		s := &scene{roles: map[string]*role{"fast": {faults: []slo.Span{fault}}, "slow": {faults: []slo.Span{fault}}}}
		p := newScene(t, s, "fast", "slow")
		p.defs[1].Objective.Delay = minutes(20)
		started := theNow()
		p.start()
		time.Sleep(minutes(63))
		synctest.Wait()
		if got := p.states(); got["fast"] != alert.Burning || got["slow"] != alert.OK {
			t.Errorf("three minutes after it has begun: %v", got)
		}
		s.forget()
		time.Sleep(minutes(20))
		synctest.Wait()
		if got := p.states(); got["slow"] != alert.Burning {
			t.Errorf("20 minutes later: %v", got)
		}
		if reads, ticks := s.counted("slow"); reads > 50 || ticks > 100 {
			t.Errorf("%d reads of %d ticks in 40 ticks' time", reads, ticks)
		}
		time.Sleep(minutes(60))
		synctest.Wait()
		p.sameIncidents(started, false)
		p.kill()
	})
}
