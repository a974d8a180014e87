package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func inPlan(s slo.Sample) slo.Sample {
	s.Excluded = true
	return s
}

func TestPlannedWork(t *testing.T) {
	def := definition("checkout")
	def.Policy.Budget = false
	type stretch struct {
		minutes float64
		sample  slo.Sample
	}
	for name, tc := range map[string]struct {
		stretches    []stretch
		onset, ended float64 // in minutes; -1: no window, or it goes on
		total, bad   float64
		caveats      []slo.Caveat
		spentBad     float64 // in the budget
	}{
		"an outage that is planned": {
			stretches: []stretch{{60, inPlan(bad(100, 100))}, {720, good(100)}},
			onset:     -1, spentBad: 120 * 100,
		},
		"an outage that outlasts its plan begins where that ends": {
			stretches: []stretch{{60, inPlan(bad(100, 100))}, {10, bad(100, 100)}, {60, good(100)}},
			onset:     60, ended: 70, total: 2000, bad: 2000, spentBad: 14000,
		},
		"one that goes on over planned work began before it": {
			stretches: []stretch{{1, bad(100, 10)}, {60, inPlan(bad(100, 100))}, {10, bad(100, 10)}, {60, good(100)}},
			onset:     0, ended: 71, total: 2200, bad: 220, spentBad: 12220,
			caveats: []slo.Caveat{{Kind: slo.Planned, Count: 120, Events: 12000}},
		},
		"work planned within an open breach neither adds to it nor ends it": {
			stretches: []stretch{{10, bad(100, 100)}, {60, inPlan(good(100))}, {1, bad(100, 100)}, {60, good(100)}},
			onset:     0, ended: 71, total: 2200, bad: 2200, spentBad: 2200,
			caveats: []slo.Caveat{{Kind: slo.Planned, Count: 120}},
		},
		"a breach that was over when it was planned closes after it": {
			stretches: []stretch{{10, bad(100, 100)}, {60, inPlan(bad(100, 100))}, {60, good(100)}},
			onset:     0, ended: 10, total: 2000, bad: 2000, spentBad: 14000,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t, "00", interval, epoch.Add(-3*day), def)
			add := func(length time.Duration, s slo.Sample) {
				for range length / interval {
					m.step(s)
				}
			}
			add(3*day, good(100))
			for _, s := range tc.stretches {
				m.kill()
				add(minutes(s.minutes), s.sample)
			}
			all := m.windows()
			if got := m.lane.Watches()[0].Status().Window.Bad; got != tc.spentBad {
				t.Errorf("%v bad events in the budget, want %v", got, tc.spentBad)
			}
			if tc.onset < 0 {
				if len(all) > 0 {
					t.Errorf("opened %+v", all)
				}
				return
			}
			if len(all) != 1 {
				t.Fatalf("%d windows, want one", len(all))
			}
			w := all[0]
			onset, ended := w.Onset.Sub(epoch), w.Ended.Sub(epoch)
			if onset != minutes(tc.onset) || ended != minutes(tc.ended) || w.Total != tc.total || w.Bad != tc.bad {
				t.Errorf("%s to %s with %v of %v, want %s to %s with %v of %v", onset, ended, w.Bad, w.Total, minutes(tc.onset), minutes(tc.ended), tc.bad, tc.total)
			}
			if diff := cmp.Diff(tc.caveats, withoutEstimate(w.Caveats)); diff != "" {
				t.Errorf("caveats (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlannedWorkSpendsBudget misses the target over the whole window by planned work alone:
// nothing opens during it.
func TestPlannedWorkSpendsBudget(t *testing.T) {
	def := definition("checkout")
	def.Objective.Window, def.Policy.Rules = slo.Window{Rolling: day}, nil
	m := newMemory(t, "00", interval, epoch, def)
	for range 2000 {
		m.step(good(100))
	}
	for range 60 {
		m.step(inPlan(bad(100, 100)))
	}
	if len(m.incidents) > 0 {
		t.Fatal("planned work opened an incident")
	}
	m.step(good(100))
	if len(m.incidents) > 0 {
		t.Fatal("a tick without bad events opened an incident")
	}
	m.step(bad(100, 1))
	all := m.windows()
	if len(all) != 1 || all[0].Kind != alert.Budget || !all[0].Detected.Equal(m.lane.Cursor()) {
		t.Fatalf("windows %+v, want one of kind budget after it", all)
	}
}

// TestPlannedWorkIsLate has events of planned work come late, alone and together with others.
func TestPlannedWorkIsLate(t *testing.T) {
	def := definition("checkout")
	m := newMemory(t, "00", interval, epoch.Add(-day), def)
	for range day / interval {
		m.step(good(100))
	}
	for range 10 {
		m.step(inPlan(good(100)))
	}
	m.kill()
	late := good(100)
	late.Late = []slo.Late{
		{From: epoch.Add(interval), To: epoch.Add(9 * interval), Counts: slo.Counts{Total: 8000, Bad: 8000}},
		{From: epoch.Add(5 * interval), To: epoch.Add(11 * interval), Counts: slo.Counts{Total: 60, Bad: 6}},
	}
	m.step(late)
	m.kill()
	if len(m.incidents) > 0 {
		t.Fatalf("late events of planned work opened %+v", m.windows())
	}
	s := m.lane.Watches()[0].Status()
	if s.Window.Bad != 8006 || s.Window.Total != 2880*100+10*100+100+8060 {
		t.Errorf("the budget counts %+v", s.Window)
	}
}

// TestPlannedWorkWithoutData has a target down during planned work, when no data is expected, and
// in one case also after it. The daemon finds the same as a replay.
func TestPlannedWorkWithoutData(t *testing.T) {
	for name, tc := range map[string]struct {
		down  float64 // until when; the plan ends at minute 100
		blind int     // windows
	}{
		"back by the end of the plan": {95, 0},
		"back a little later":         {110, 0},
		"down for longer":             {140, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				down, plan := span(begin, 60, tc.down), span(begin, 58, 100)
				s := &scene{roles: map[string]*role{"a": {}, "b": {}}}
				p := newScene(t, s, "a", "b")
				p.source = func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
					readings := s.read(ctx, objectives, ticks)
					for i, o := range objectives {
						if o.Name == "a" {
							continue
						}
						for n := range ticks.Len() {
							sample := &readings[i].Series[0].Samples[n]
							if at := ticks.At(n); at.After(down.Start) && !at.After(down.End) {
								*sample = slo.Sample{Tick: at, Blind: true}
							}
							sample.Excluded = ticks.At(n).After(plan.Start) && !ticks.At(n).After(plan.End)
						}
					}
					return readings
				}
				p.defs[1].Objective.Exclude = "maintenance == 1"
				p.defs[1].Policy.Blind = alert.BlindPolicy{After: minutes(15), Issue: true}
				started := theNow()
				p.start()
				p.live(minutes(200), false)
				got := windowsOf(p.incidents(), "b")
				p.kill()
				if len(got) != tc.blind {
					t.Errorf("%d windows, want %d: %+v", len(got), tc.blind, got)
				}
				want := windowsOf(p.replayed(started), "b")
				if len(want) != len(got) {
					t.Errorf("a replay finds %d windows, the daemon found %d", len(want), len(got))
				}
				for i := range min(len(want), len(got)) { // it asks for planned work once a minute
					if off := want[i].Onset.Sub(got[i].Onset).Abs(); off > time.Minute {
						t.Errorf("the onset is %s, that of a replay %s", got[i].Onset, want[i].Onset)
					}
				}
			})
		})
	}
}
