package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// troubles are the ways a query fails.
var troubles = map[string]func(ctx context.Context) error{
	"a warning": func(context.Context) error { return fmt.Errorf("%w: a store is away", slo.ErrIncomplete) },
	"a timeout": func(ctx context.Context) error {
		select {
		case <-time.After(30 * time.Second):
		case <-ctx.Done():
		}
		return fmt.Errorf("%w: context deadline exceeded", slo.ErrUnreachable)
	},
	"garbage": func(context.Context) error { return fmt.Errorf("%w: <html>", slo.ErrBadAnswer) },
	"refused": func(context.Context) error { return fmt.Errorf("%w: many-to-many matching", slo.ErrRefused) },
}

// unreadable says when an objective can't be read.
type unreadable struct {
	name          string
	from, minutes float64 // after the start of the process
	delay         time.Duration
	added         float64 // when the objective is added; 0: it is there from the start
	killed        bool    // every few minutes
	regions       []string
}

// TestUnreadable has an objective that can't be read for a while, beside one in the same lane that
// has an outage.
func TestUnreadable(t *testing.T) {
	names := slices.Sorted(maps.Keys(troubles))
	for i, tc := range []unreadable{
		{name: "two minutes", from: 70, minutes: 2},
		{name: "two minutes, with a delay of its own", from: 70, minutes: 2, delay: minutes(2)},
		{name: "three hours", from: 50, minutes: 180},
		{name: "from the first start for three hours", minutes: 180},
		{name: "three hours, killed", from: 50, minutes: 180, killed: true},
		{name: "from when it is added for ever", minutes: 1e6, added: 50},
		{name: "from when it is added for two minutes", from: 50, minutes: 2, added: 50},
		{name: "from when it is added for three hours", from: 50, minutes: 180, added: 50},
		{name: "from when it is added for three hours, killed", from: 50, minutes: 180, added: 50, killed: true},
		{name: "label sets, from the first start for three hours", minutes: 180, regions: []string{"eu", "us"}},
		{name: "label sets, for three hours", from: 50, minutes: 180, regions: []string{"eu", "us"}, killed: true},
		{name: "for ever", minutes: 1e6},
		{name: "for ever, killed", minutes: 1e6, killed: true},
		{name: "for ever, but it was filled", from: 30, minutes: 1e6},
	} {
		for n, trouble := range names {
			if !*long && n != i%len(names) {
				continue // every case, and every trouble
			}
			t.Run(trouble+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { tc.run(t, troubles[trouble]) })
			})
		}
	}
}

func (tc unreadable) run(t *testing.T, answer func(context.Context) error) {
	begin := time.Now()
	faults := []slo.Span{span(begin, 60, 80)}
	failing := span(begin, tc.from, tc.from+tc.minutes)
	s := &scene{roles: map[string]*role{"fine": {faults: faults}, "poor": {faults: faults, regions: tc.regions}}}
	s.roles["poor"].fail = func(ctx context.Context, _ slo.Ticks) error {
		if within(failing) {
			return answer(ctx)
		}
		return nil
	}
	p := newScene(t, s, "fine", "poor")
	if p.defs[1].Objective.Delay = tc.delay; tc.regions != nil {
		p.defs[1].Objective.GroupBy = []string{"region"}
	}
	started, all := theNow(), p.defs
	if tc.added > 0 {
		p.defs = all[:1]
	}
	p.start()
	time.Sleep(minutes(tc.added))
	if p.defs = all; tc.added > 0 {
		if err := p.engine.Reload(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	p.live(minutes(63-tc.added), tc.killed)
	if got := p.states()["fine"]; got != alert.Burning {
		t.Errorf("three minutes after an outage has begun, fine is %s", got)
	}
	p.live(minutes(37), tc.killed)
	if got, want := p.states(), stateOf(within(failing)); got["poor"] != want || got["fine"] != alert.OK {
		t.Errorf("states %v; poor should be %s, fine ok", got, want)
	}
	s.forget()
	p.live(minutes(140), tc.killed)
	sameReads(t, s, within(failing) || tc.killed, 50) // with the time to catch up
	s.forget()
	p.live(minutes(30), tc.killed)
	sameReads(t, s, within(failing) || tc.killed, 5)
	got := p.incidents()
	if all := p.engine.Statuses(time.Now()); !within(failing) && tc.delay == 0 && !all[0].Tick.Equal(all[1].Tick) {
		t.Errorf("half an hour later the ticks are %s and %s", all[0].Tick, all[1].Tick)
	}
	p.kill()
	s.roles["poor"].fail = nil
	want := p.replayed(started)
	sameWindows(t, windowsOf(want, "fine"), windowsOf(got, "fine"), false)
	if !within(failing) {
		sameWindows(t, windowsOf(want, "poor"), windowsOf(got, "poor"), true)
	}
}

// sameReads fails if the poor objective is read more often than the fine one, unless it fails.
func sameReads(t *testing.T, s *scene, fails bool, more int) {
	t.Helper()
	fine, _ := s.counted("fine")
	if poor, ticks := s.counted("poor"); !fails && poor > fine+more {
		t.Errorf("%d reads of %d ticks, where the other objective has %d", poor, ticks, fine)
	}
}

func stateOf(blind bool) alert.State {
	if blind {
		return alert.Blind
	}
	return alert.OK
}

// sameWindows compares windows; they may have been detected later, if late is set.
func sameWindows(t *testing.T, want, got []alert.Window, late bool) {
	t.Helper()
	options := cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{})}
	if late {
		options = append(options, cmpopts.IgnoreFields(alert.Window{}, "Detected"))
	}
	if len(want) == 0 {
		t.Error("a replay finds nothing")
	}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Errorf("(-replay +daemon):\n%s", diff)
	}
}

// TestUnreadableIsBlind has an objective that can't be read for an hour and a half, and wants an
// issue for that.
func TestUnreadableIsBlind(t *testing.T) {
	for trouble, answer := range troubles {
		for _, beside := range []string{"its lane", "another lane", "nothing"} {
			if beside == "nothing" && (trouble == "a timeout" || trouble == "garbage") {
				continue // that is no answer of Prometheus
			}
			t.Run(trouble+"/beside an objective of "+beside, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					failing := span(time.Now(), 60, 150)
					s := &scene{roles: map[string]*role{"poor": {}, "fine": {}}}
					s.roles["poor"].fail = func(ctx context.Context, _ slo.Ticks) error {
						if within(failing) {
							return answer(ctx)
						}
						return nil
					}
					p := newScene(t, s, "poor", "fine")
					p.defs[0].Policy.Blind = alert.BlindPolicy{After: minutes(15), Issue: true}
					switch beside {
					case "another lane":
						p.defs[1].Policy.Group = "search"
					case "nothing":
						p.defs = p.defs[:1]
					}
					p.start()
					time.Sleep(minutes(140))
					synctest.Wait()
					if got := p.states(); got["poor"] != alert.Blind || beside != "nothing" && got["fine"] != alert.OK {
						t.Errorf("states %v", got)
					}
					open := windowsOf(p.incidents(), "poor")
					if len(open) != 1 || !open[0].IsOpen() || open[0].Kind != alert.Blindness {
						t.Fatalf("want an open window of kind blind, got %+v", open)
					}
					if late := open[0].Detected.Sub(failing.Start); late < minutes(13) || late > minutes(20) {
						t.Errorf("detected %s after it began", late)
					}
					time.Sleep(minutes(30))
					synctest.Wait()
					closed := windowsOf(p.incidents(), "poor")
					if len(closed) != 1 || closed[0].IsOpen() {
						t.Fatalf("want one that is over, got %+v", closed)
					}
					if off := closed[0].Ended.Sub(failing.End).Abs(); off > minutes(6) {
						t.Errorf("ended at %s, want %s", closed[0].Ended, failing.End)
					}
					p.kill()
				})
			})
		}
	}
}
