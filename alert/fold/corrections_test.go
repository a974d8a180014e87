package fold_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/slo"
)

// shop is a lane with one objective.
type shop struct {
	t         *testing.T
	lane      *fold.Lane
	tick      time.Duration
	events    []alert.Event
	incidents map[string]alert.Incident // newest states, the forgotten ones too
}

func newShop(t *testing.T, def alert.Definition, tick time.Duration) *shop {
	s := &shop{t: t, lane: fold.NewLane(tick, epoch), tick: tick, incidents: map[string]alert.Incident{}}
	s.lane.Redefine([]alert.Definition{def}, epoch)
	s.lane.Watches()[0].Since = time.Time{}
	return s
}

func (s *shop) add(length time.Duration, sample slo.Sample) {
	for range length / s.tick {
		changed, events := s.lane.Step(fold.Row{Samples: [][]slo.Sample{{sample}}})
		s.events = append(s.events, events...)
		for _, i := range changed {
			s.incidents[i.ID] = i
		}
	}
}

func (s *shop) status() alert.Status { return s.lane.Watches()[0].Status() }

// opened counts the windows of a kind.
func (s *shop) opened(kind alert.Kind) (n int) {
	for _, e := range s.events {
		if e.Opened && e.Window.Kind == kind {
			n++
		}
	}
	return n
}

// all returns the incidents.
func (s *shop) all() (all []alert.Incident) {
	for _, i := range s.incidents {
		all = append(all, i)
	}
	return all
}

// figures are what people see of a budget.
type figures struct{ Total, Bad, Left, Estimated float64 }

func (s *shop) figures() figures {
	st := s.status()
	return figures{st.Window.Total, st.Window.Bad, st.BudgetRemaining, st.Estimated}
}

// wantFigures allows for the rounding of prorated buckets.
func (s *shop) wantFigures(what string, want figures) {
	s.t.Helper()
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) })
	if diff := cmp.Diff(want, s.figures(), near); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestExcludedTimeDoesNotCount excludes an outage while it goes on, takes that back and excludes it
// again: each time the budget is that of a history in which the outage had no data, or that of one
// in which nobody excluded anything.
func TestExcludedTimeDoesNotCount(t *testing.T) {
	for name, window := range map[string]slo.Window{"rolling": {Rolling: 30 * day}, "calendar": {Calendar: "month"}} {
		t.Run(name, func(t *testing.T) {
			def := definition("checkout")
			def.Objective.Window = window
			s, counted, without := newShop(t, def, 2*time.Minute), newShop(t, def, 2*time.Minute), newShop(t, def, 2*time.Minute)
			both := func(length time.Duration, sample, instead slo.Sample) {
				s.add(length, sample)
				counted.add(length, sample)
				without.add(length, instead)
			}
			both(8*time.Hour, bad(1000, 1), bad(1000, 1))
			both(10*time.Minute, bad(900, 900), blind)
			s.wantFigures("before", counted.figures())
			s.lane.Exclude(s.all())
			s.wantFigures("as soon as it is excluded", without.figures())
			both(10*time.Minute, bad(900, 900), blind)
			s.wantFigures("while it goes on", without.figures())
			both(2*time.Hour, bad(1000, 1), bad(1000, 1))
			s.wantFigures("once it is over", without.figures())
			s.lane.Exclude(nil)
			s.wantFigures("once it counts again", counted.figures())
			both(10*time.Hour, bad(1000, 1), bad(1000, 1))
			s.wantFigures("hours later", counted.figures())
			s.lane.Exclude(s.all())
			s.wantFigures("excluded again", without.figures())
			both(30*day-12*time.Hour-10*time.Minute, bad(1000, 1), bad(1000, 1))
			s.wantFigures("when the window begins in it", without.figures())
			both(time.Hour, bad(1000, 1), bad(1000, 1))
			s.wantFigures("when the window begins in its bucket", without.figures())
			both(3*day, bad(1000, 1), bad(1000, 1))
			s.wantFigures("when it is out of the window", without.figures())
		})
	}
}

// TestExcludedFromTheStart excludes an outage with which data began: they begin after it.
func TestExcludedFromTheStart(t *testing.T) {
	for name, window := range map[string]slo.Window{"rolling": {Rolling: 7 * day}, "calendar": {Calendar: "month"}} {
		t.Run(name, func(t *testing.T) {
			def := definition("checkout")
			def.Objective.Window = window
			s, without := newShop(t, def, 2*time.Minute), newShop(t, def, 2*time.Minute)
			both := func(length time.Duration, sample, instead slo.Sample) {
				s.add(length, sample)
				without.add(length, instead)
			}
			both(10*time.Minute, bad(900, 900), blind)
			both(6*time.Minute, blind, blind)
			both(time.Hour, bad(1000, 1), bad(1000, 1))
			s.lane.Exclude(s.all())
			s.wantFigures("soon", without.figures())
			both(7*day-70*time.Minute, bad(1000, 1), bad(1000, 1))
			s.wantFigures("when the window begins in it", without.figures())
			both(day, bad(1000, 1), bad(1000, 1))
			s.wantFigures("later", without.figures())
		})
	}
}

// TestExcludedTwice excludes an incident with two windows of one objective at once: too little
// traffic, and errors. Their time is taken out once.
func TestExcludedTwice(t *testing.T) {
	def := definition("checkout")
	def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("0.1"), After: 15 * time.Minute, Issue: true}
	s, without := newShop(t, def, 2*time.Minute), newShop(t, def, 2*time.Minute)
	both := func(length time.Duration, sample, instead slo.Sample) {
		s.add(length, sample)
		without.add(length, instead)
	}
	both(8*day, good(1000), good(1000))
	both(30*time.Minute, bad(50, 50), blind)
	if len(s.lane.Watches()[0].OpenWindows()) < 2 {
		t.Fatalf("open: %+v", s.lane.Watches()[0].OpenWindows())
	}
	s.lane.Exclude(s.all())
	both(30*time.Minute, bad(50, 50), blind)
	s.wantFigures("while it goes on", without.figures())
	both(2*time.Hour, good(1000), good(1000))
	s.wantFigures("once it is over", without.figures())
}

// TestExcludedIncidentKeepsNoBudgetSpent excludes an outage that overspent the budget. The window
// of kind budget closes, and the next real overspending opens another.
func TestExcludedIncidentKeepsNoBudgetSpent(t *testing.T) {
	def := definition("checkout")
	s := newShop(t, def, interval)
	s.add(4*day, good(1000))
	s.add(4*time.Hour, bad(1000, 1000))
	s.add(4*time.Hour, good(1000))
	if n := s.opened(alert.Budget); n != 1 || s.status().BudgetRemaining > 0 {
		t.Fatalf("%d budgets overspent, %v left", n, s.status().BudgetRemaining)
	}
	s.lane.Exclude(s.all())
	s.add(interval, good(1000))
	if last := s.events[len(s.events)-1]; !last.Closed || last.Window.Kind != alert.Budget || s.status().State != alert.OK {
		t.Fatalf("the budget's window is still open: %+v, %s", last, s.status().State)
	}
	s.add(day, bad(1000, 500))
	if n := s.opened(alert.Budget); n != 2 {
		t.Errorf("%d windows of kind budget, want 2", n)
	}
}

// TestCorrectionsOpenNothing takes back that an incident was excluded that had overspent the
// budget. What is past opens nothing: only other bad events may.
func TestCorrectionsOpenNothing(t *testing.T) {
	s := newShop(t, definition("checkout"), interval)
	s.add(4*day, good(1000))
	s.add(10*time.Minute, bad(1000, 1000))
	s.lane.Exclude(s.all())
	s.add(4*time.Hour, bad(1000, 1000))
	s.add(12*time.Hour, good(1000))
	if n := s.opened(alert.Budget); n > 0 {
		t.Fatalf("%d windows of kind budget though the incident is excluded", n)
	}
	s.lane.Exclude(nil)
	s.add(time.Hour, bad(1000, 1))
	if left := s.status().BudgetRemaining; left > 0 || s.opened(alert.Budget) > 0 {
		t.Errorf("%v left, %d windows: want it overspent, and nothing opened", left, s.opened(alert.Budget))
	}
	s.add(day, bad(1000, 500))
	if n := s.opened(alert.Budget); n != 1 {
		t.Errorf("%d windows of kind budget, want 1 for what others spent", n)
	}
}

// TestExcludingGoodEventsOpensNothing excludes a time of little traffic without errors. Then the
// rest has too many bad events for the target, but none of them is new.
func TestExcludingGoodEventsOpensNothing(t *testing.T) {
	def := budgetOnly(slo.Window{Rolling: 7 * day})
	def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("0.1"), After: 15 * time.Minute, Issue: true}
	s := newShop(t, def, 5*time.Minute)
	s.add(8*day, bad(1000, 1))
	s.add(12*time.Hour, good(50))
	s.add(5*time.Hour, bad(1000, 1))
	s.add(5*time.Minute, bad(1000, 5))
	if s.opened(alert.Quietness) != 1 || s.opened(alert.Budget) > 0 {
		t.Fatalf("%+v", s.events)
	}
	s.lane.Exclude(s.all())
	if left := s.status().BudgetRemaining; left >= 0 {
		t.Fatalf("%v of the budget is left", left)
	}
	s.add(5*time.Minute, bad(1000, 1))
	if n := s.opened(alert.Budget); n > 0 {
		t.Errorf("%d windows of kind budget", n)
	}
	s.add(2*time.Hour, bad(1000, 10))
	if n := s.opened(alert.Budget); n != 1 {
		t.Errorf("%d windows of kind budget, want 1 for what is new", n)
	}
}

// TestLiftedCorrectionsOutliveAFold folds a past again after an incident counts again.
func TestLiftedCorrectionsOutliveAFold(t *testing.T) {
	s := newShop(t, definition("checkout"), interval)
	s.add(4*day, good(1000))
	s.add(10*time.Minute, bad(1000, 1000))
	s.lane.Exclude(s.all())
	s.add(4*time.Hour, bad(1000, 1000))
	s.add(12*time.Hour, good(1000))
	s.lane.Exclude(nil)
	old := s.lane.Watches()[0]
	again := fold.NewWatch(old.Def, "", interval, old.Now().Add(-time.Hour), time.Time{})
	again.Follow(old.Clone())
	for range time.Hour / interval {
		again.Step(good(1000))
	}
	s.lane.Adopt("checkout", []fold.Folded{{Watch: again}}, fold.Late{})
	s.add(time.Hour, bad(1000, 1))
	if left := s.status().BudgetRemaining; left > 0 || s.opened(alert.Budget) > 0 {
		t.Errorf("%v left, %d windows: want it overspent, and nothing opened", left, s.opened(alert.Budget))
	}
}

// TestExcludedWhileItsPastIsFolded folds a past again while an excluded incident goes on.
func TestExcludedWhileItsPastIsFolded(t *testing.T) {
	s, without := newShop(t, definition("checkout"), interval), newShop(t, definition("checkout"), interval)
	both := func(length time.Duration, sample, instead slo.Sample) {
		s.add(length, sample)
		without.add(length, instead)
	}
	both(4*day, good(1000), good(1000))
	both(10*time.Minute, bad(900, 900), blind)
	s.lane.Exclude(s.all())
	both(20*time.Minute, bad(900, 900), blind)
	old := s.lane.Watches()[0]
	again := fold.NewWatch(old.Def, "", interval, old.Now().Add(-2*time.Hour), time.Time{})
	again.Follow(old.Clone())
	var events []alert.Event
	for i := range 2 * time.Hour / interval {
		sample := good(1000)
		if i >= 90*time.Minute/interval {
			sample = bad(900, 900)
		}
		events = append(events, again.Step(sample)...)
	}
	s.lane.Adopt("checkout", []fold.Folded{{Watch: again, Events: events}}, fold.Late{})
	s.wantFigures("as soon as it is folded again", without.figures())
	both(10*time.Minute, bad(900, 900), blind)
	both(time.Hour, good(1000), good(1000))
	s.wantFigures("once it is over", without.figures())
}

// TestCorrectionsOfRandomWorlds excludes some incidents of a random world, at random times, and
// compares the budget with one of a world in which these had no data.
func TestCorrectionsOfRandomWorlds(t *testing.T) {
	const tick = 10 * time.Minute
	for name, window := range map[string]slo.Window{"week": {Rolling: 7 * day}, "rolling": {Rolling: 30 * day}, "calendar": {Calendar: "month"}} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed.Of(t), 1))
			def := definition("checkout")
			def.Objective.Window = window
			samples := randomSamples(r, int(45*day/tick))
			s := newShop(t, def, tick)
			for i, sample := range samples {
				s.add(tick, sample)
				if r.IntN(1000) > 0 && i+1 < len(samples) {
					continue
				}
				var excluded []alert.Incident
				for _, id := range slices.Sorted(maps.Keys(s.incidents)) {
					if r.IntN(2) == 0 {
						excluded = append(excluded, s.incidents[id])
					}
				}
				s.lane.Exclude(excluded)
				s.compare(def, samples[:i+1], excluded)
			}
		})
	}
}

// compare folds the samples without those of excluded incidents, and compares the budget.
func (s *shop) compare(def alert.Definition, samples []slo.Sample, excluded []alert.Incident) {
	s.t.Helper()
	var out []alert.Correction
	for _, i := range excluded {
		out = append(out, i.Corrections()...)
	}
	without := newShop(s.t, def, s.tick)
	for n, sample := range samples {
		at := epoch.Add(time.Duration(n+1) * s.tick)
		for _, c := range out {
			if at.After(c.Start) && (c.End.IsZero() || !at.After(c.End)) {
				sample = blind
			}
		}
		without.add(s.tick, sample)
	}
	if s.beginsIn(def.Objective.Window, out) || overlap(out) {
		return // how an incident went that was excluded late is known to a bucket of the history
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) })
	if diff := cmp.Diff(without.figures(), s.figures(), near); diff != "" {
		s.t.Errorf("after %d ticks, without %d of %d incidents (-want +got):\n%s", len(samples), len(excluded), len(s.incidents), diff)
	}
}

// overlap reports whether any two corrections do.
func overlap(out []alert.Correction) bool {
	return slices.ContainsFunc(out, func(a alert.Correction) bool {
		return slices.ContainsFunc(out, func(b alert.Correction) bool {
			return a != b && !a.Start.After(b.Start) && (a.End.IsZero() || b.Start.Before(a.End))
		})
	})
}

// beginsIn reports whether the budget's window begins in a bucket of the history with a correction.
func (s *shop) beginsIn(window slo.Window, out []alert.Correction) bool {
	h := s.lane.Watches()[0].History
	begins := []time.Time{h.Now().Add(-window.Length())}
	if periods, _ := window.Periods(); window.Calendar != "" {
		begins = append(begins, periods.At(h.Now()).Start)
	}
	return slices.ContainsFunc(out, func(c alert.Correction) bool {
		return slices.ContainsFunc(begins, func(begin time.Time) bool {
			return begin.After(c.Start.Add(-h.Resolution())) && (c.End.IsZero() || begin.Before(c.End.Add(h.Resolution())))
		})
	})
}

// randomSamples are of traffic with outages, some of them long, and times without data.
func randomSamples(r *rand.Rand, ticks int) (all []slo.Sample) {
	for len(all) < ticks {
		length, ratio := 50+r.IntN(800), 0.0003*r.Float64()
		switch r.IntN(4) {
		case 0, 1:
			length, ratio = 1+r.IntN(200), r.Float64()
		case 2:
			if r.IntN(4) == 0 && len(all) > 100 {
				for range 1 + r.IntN(20) {
					all = append(all, blind)
				}
			}
		}
		total := math.Round(100 + 900*r.Float64())
		for range length {
			all = append(all, bad(total, math.Round(total*ratio*r.Float64())))
		}
	}
	return all[:ticks]
}
