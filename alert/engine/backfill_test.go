package engine_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

// TestBackfill has a new objective whose service had an outage twenty days ago, with a Prometheus that keeps so many days.
func TestBackfill(t *testing.T) {
	const outage = 20 * 60 * 100 // bad events
	whole := 30 * day.Seconds() * 100
	for _, tc := range []struct {
		name       string
		retention  time.Duration
		window     slo.Window
		killed     bool
		bad        float64
		incidents  int
		wholeIsIn  bool
		slow, down bool
	}{
		{name: "Prometheus has it all", retention: 40 * day, window: slo.Window{Rolling: 30 * day}, bad: outage, wholeIsIn: true},
		{name: "killed again and again", retention: 40 * day, window: slo.Window{Rolling: 30 * day}, killed: true, bad: outage, wholeIsIn: true},
		{name: "Prometheus keeps less than that", retention: 15 * day, window: slo.Window{Rolling: 30 * day}},
		{name: "Prometheus keeps a part", retention: 25 * day, window: slo.Window{Rolling: 30 * day}, bad: outage},
		{name: "the budget is spent, and a breach that goes on", retention: 40 * day, window: slo.Window{Rolling: 21 * day}, bad: outage, incidents: 1, wholeIsIn: true},
		{name: "it takes for ever to read the past", retention: 40 * day, window: slo.Window{Rolling: 30 * day}, slow: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now().Truncate(30 * time.Second)
				s := &service{faultFrom: begin.Add(-20 * day), faultTo: begin.Add(-20*day + 20*time.Minute)}
				def := definition("checkout")
				def.Objective.Window = tc.window
				if tc.incidents > 0 {
					def.Objective.Target = slo.MustDecimal("0.9995")
				}
				p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{def}}
				p.source = func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
					if tc.slow && !ticks.Last.After(begin.Add(-3*day)) { // before what the rules look at
						<-ctx.Done()
					}
					readings := s.read(ctx, objectives, ticks)
					for i := range readings[0].Series[0].Samples {
						if sample := &readings[0].Series[0].Samples[i]; !sample.Tick.After(begin.Add(-tc.retention)) {
							*sample = slo.Sample{Tick: sample.Tick, Blind: true}
						}
					}
					return readings
				}
				p.start()
				for range 24 {
					time.Sleep(5*time.Minute + time.Second)
					if tc.killed {
						p.kill()
						p.start()
					}
					synctest.Wait()
					if late := time.Since(p.engine.Statuses(time.Now())[0].Tick); late > 2*time.Minute && !tc.killed {
						t.Fatalf("the newest tick is %s old", late)
					}
				}
				before := p.engine.Statuses(time.Now())[0]
				done := strings.Contains(p.log.String(), "msg=backfilled")
				p.kill()
				p.start() // the store has it
				synctest.Wait()
				got := p.engine.Statuses(time.Now())[0]
				found := p.incidents()
				p.kill()
				if got.BudgetRemaining != before.BudgetRemaining || got.Window != before.Window {
					t.Errorf("recovered %v of %+v, had %v of %+v", got.BudgetRemaining, got.Window, before.BudgetRemaining, before.Window)
				}
				if got.Window.Bad != tc.bad {
					t.Errorf("%v bad events, want %v", got.Window.Bad, tc.bad)
				}
				if tc.wholeIsIn && (math.Abs(got.Window.Total-tc.window.Rolling.Seconds()*100) > 1 || got.Estimated > 1) {
					t.Errorf("%v events and an estimate of %v, want %v", got.Window.Total, got.Estimated, whole)
				}
				if (before.Unread > 0) != tc.slow {
					t.Errorf("%s are still to be read; it takes for ever: %v", before.Unread, tc.slow)
				}
				if done == tc.slow {
					t.Errorf("the log says that it is done: %v", done)
				}
				for _, i := range found {
					if w := i.Windows[0]; w.Kind != alert.Budget || w.Onset.Before(begin) || !w.IsOpen() {
						t.Errorf("a window of the past: %+v", w)
					}
				}
				if len(found) != tc.incidents {
					t.Errorf("%d incidents, want %d", len(found), tc.incidents)
				}
			})
		})
	}
}

// TestBackfillOfTheYoung has a new objective of a service that is ten minutes old: none of its past is read twice.
func TestBackfillOfTheYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Truncate(30 * time.Second)
		s := &service{}
		def := definition("checkout")
		def.Objective.Window = slo.Window{Rolling: 5 * day}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{def}}
		var mu sync.Mutex
		var asked []slo.Span
		p.source = func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
			readings := s.read(ctx, objectives, ticks)
			for i := range readings[0].Series[0].Samples {
				if sample := &readings[0].Series[0].Samples[i]; !sample.Tick.After(begin.Add(-10 * time.Minute)) {
					*sample = slo.Sample{Tick: sample.Tick, Blind: true}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, slo.Span{Start: ticks.First.Add(-ticks.Interval), End: ticks.Last})
			return readings
		}
		p.start()
		time.Sleep(5 * time.Minute) // no tick is checked for what came late before
		synctest.Wait()
		p.kill()
		slices.SortFunc(asked, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
		if first := asked[0].Start; first.After(begin.Add(-5 * day)) {
			t.Errorf("the past is read from %s on, %s ago", first, begin.Sub(first))
		}
		for i := 1; i < len(asked); i++ {
			if asked[i].Start.Before(asked[i-1].End) {
				t.Errorf("both %v and %v were asked about", asked[i-1], asked[i])
			}
		}
	})
}

// TestBackfillInABreach has the past come in while a breach goes on, and a calendar month: nothing but the budget changes.
func TestBackfillInABreach(t *testing.T) {
	month := definition("month")
	month.Objective.Window = slo.Window{Calendar: "month"}
	month.Policy.Budget = false
	rolling := definition("rolling")
	rolling.Policy.Budget = false
	past := slo.Late{From: epoch.Add(-4 * day), To: epoch.Add(-3 * day), Counts: slo.Counts{Total: 1e6, Bad: 2048}, Backfill: true}
	older := slo.Late{From: epoch.Add(-8 * day), To: epoch.Add(-4 * day), Counts: slo.Counts{Total: 4e6, Bad: 4096}, Backfill: true}
	story := func(lates ...slo.Late) (*memory, map[string]alert.Window) {
		m := newMemory(t, "00", interval, epoch.Add(-3*day), month, rolling)
		for n := range 3*2880 + 200 {
			s := good(1000)
			if n >= 3*2880+20 && n < 3*2880+40 {
				s = bad(1000, 500)
			}
			if n == 3*2880+30 {
				s.Late = lates
			}
			m.step(s, s)
			if n%5000 == 4999 || n == 3*2880+31 {
				m.kill()
			}
		}
		windows := map[string]alert.Window{}
		for _, w := range m.windows() {
			windows[w.Objective.Name] = w
		}
		return m, windows
	}
	_, want := story()
	m, got := story(past, older)
	for name, w := range want {
		g := got[name]
		if !g.Onset.Equal(w.Onset) || !g.Detected.Equal(w.Detected) || !g.Ended.Equal(w.Ended) || g.Counts != w.Counts || w.Ended.IsZero() {
			t.Errorf("%s: %s to %s with %+v, without a past %s to %s with %+v", name, g.Onset, g.Ended, g.Counts, w.Onset, w.Ended, w.Counts)
		}
	}
	// epoch is on the 2nd of March: two days of the third of a month before it are in the month.
	all := 3*2880*1000 + 200*1000.0
	for i, w := range []slo.Counts{{Total: 2880*1000 + 200*1000, Bad: 10_000}, {Total: all + 5e6, Bad: 10_000 + 6144}} {
		if s := m.lane.Watches()[i].Status(); s.Window != w {
			t.Errorf("%s: the budget counts %+v, want %+v", s.Objective.Name, s.Window, w)
		}
	}
}

// TestBackfillOfAMonth has the turn of the month in what is backfilled.
func TestBackfillOfAMonth(t *testing.T) {
	def := definition("month")
	def.Objective.Window = slo.Window{Calendar: "month"}
	def.Policy.Rules = nil
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	m := newMemory(t, "00", interval, start, def)
	m.step(good(10))
	late := good(10)
	late.Late = []slo.Late{
		{From: start.Add(-8 * day), To: start, Counts: slo.Counts{Total: 8e6, Bad: 800}, Backfill: true},
		{From: start.Add(-10 * day), To: start.Add(-8 * day), Counts: slo.Counts{Total: 2e6, Bad: 2048}, Backfill: true},
	}
	m.step(late)
	m.kill()
	s := m.lane.Watches()[0].Status()
	if want := (slo.Counts{Total: 9e6 + 20, Bad: 800 + 1024}); math.Abs(s.Window.Total-want.Total) > 1 || math.Abs(s.Window.Bad-want.Bad) > 1 {
		t.Errorf("March counts %+v, want %+v", s.Window, want)
	}
}

// TestBackfillOfWhatIsTrueOrFalse reads in steps what makes one event a tick: each step has as many as it has ticks.
func TestBackfillOfWhatIsTrueOrFalse(t *testing.T) {
	def := definition("freshness")
	def.Objective.Indicator = slo.Indicator{Bool: "age < 60"}
	end := epoch.Add(time.Hour)
	held := func(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		series := slo.Series{}
		for i := range ticks.Len() {
			s := slo.Sample{Tick: ticks.At(i)}
			_, perStep := ticks.Fine()
			for n := range perStep {
				s.Total++
				at := ticks.At(i).Add(-time.Duration(n) * interval)
				outage := at.After(epoch.Add(-20*day)) && !at.After(epoch.Add(-19*day))
				blip := at.Equal(epoch.Add(-15*day)) || at.Equal(epoch.Add(-2*day)) // where steps end, one a rule still sees
				if outage || blip {
					s.Bad++
				}
			}
			series.Samples = append(series.Samples, s)
		}
		return []slo.Reading{{Series: []slo.Series{series}}}
	}
	r, err := engine.Replay(t.Context(), held, []alert.Definition{def}, interval, epoch, end, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := slo.Counts{Total: float64(30 * day / interval), Bad: float64(day/interval) + 2}
	if got := r.Statuses[0].Window; math.Abs(got.Total-want.Total) > 1 || got.Bad != want.Bad {
		t.Errorf("the budget counts %+v, want %+v", got, want)
	}
}
