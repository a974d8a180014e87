package engine_test

import (
	"context"
	"fmt"
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

// TestBackfill has a new objective whose service had an outage twenty days ago. Prometheus keeps
// some number of days.
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
			t.Parallel()
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
					if tc.slow && !ticks.Last.After(begin.Add(-3*day)) { // before the rules' windows
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
				done := strings.Contains(p.log.String(), `msg="all of the past is read"`)
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
					w := i.Windows[0]
					if off := w.Onset.Sub(s.faultFrom).Abs(); w.Kind != alert.Budget || off > time.Hour || !w.IsOpen() {
						t.Errorf("want a budget that the outage of %s has overspent: %+v", s.faultFrom, w)
					}
				}
				if len(found) != tc.incidents {
					t.Errorf("%d incidents, want %d", len(found), tc.incidents)
				}
			})
		})
	}
}

// TestBackfillOfTheYoung has a new objective of a service that is ten minutes old: little of its
// past is read twice.
func TestBackfillOfTheYoung(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Truncate(30 * time.Second)
		s := &service{}
		def := definition("checkout")
		def.Objective.Window = slo.Window{Rolling: 30 * day}
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
		time.Sleep(5 * time.Minute) // before that, no tick is checked for late data
		synctest.Wait()
		p.kill()
		slices.SortFunc(asked, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
		if first := asked[0].Start; first.After(begin.Add(-30 * day)) {
			t.Errorf("the past is read from %s on, %s ago", first, begin.Sub(first))
		}
		var all time.Duration
		for _, span := range asked {
			all += span.End.Sub(span.Start)
		}
		if all > 36*day {
			t.Errorf("%s were read of 30 days", all)
		}
	})
}

// TestShortPastsFirst has more new objectives in a lane than pasts are read at a time. The past that
// the fastest rule needs is read of all of them before more is read of any.
func TestShortPastsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const objectives, atATime = 20, 6
		begin := time.Now()
		s := &service{}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
		for i := range objectives {
			p.defs = append(p.defs, definition(fmt.Sprintf("objective-%02d", i)))
		}
		var mu sync.Mutex
		short, early := map[string]bool{}, map[string]bool{} // by objective; early: more of it, too early
		p.source = func(ctx context.Context, all []slo.Objective, ticks slo.Ticks) []slo.Reading {
			switch ago := begin.Sub(ticks.First); {
			case ago > 2*time.Hour:
				mu.Lock()
				early[all[0].Name] = early[all[0].Name] || len(short) <= objectives-atATime // the others may just begin
				mu.Unlock()
			case ago > 30*time.Minute:
				mu.Lock()
				short[all[0].Name] = true
				mu.Unlock()
				time.Sleep(time.Second)
			}
			return s.read(ctx, all, ticks)
		}
		p.start()
		time.Sleep(5 * time.Minute)
		p.kill()
		if len(short) != objectives || len(early) != objectives {
			t.Errorf("the past of %d and %d objectives is read, want %d", len(short), len(early), objectives)
		}
		for name, is := range early {
			if is {
				t.Errorf("more than two hours of %s were read before an hour of the others", name)
			}
		}
	})
}

// TestBackfillOfWhatIsTrueOrFalse reads one event per tick in steps: each step has as many as
// ticks.
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
				blip := at.Equal(epoch.Add(-15*day)) || at.Equal(epoch.Add(-2*day)) // at ends of steps, one a rule still sees
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
