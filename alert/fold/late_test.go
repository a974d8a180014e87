package fold_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func TestLateEventsAmendAClosedWindow(t *testing.T) {
	def := definition("checkout")
	def.Policy.Budget = false
	s := newStory(t, def)
	first := s.now
	s.add(minutes(10), bad(100, 100))
	s.add(minutes(6), good(100))
	if w := s.only(alert.Burn); w.IsOpen() || w.Bad != 2000 {
		t.Fatalf("before: %+v", w)
	}
	lateFor := func(from, to time.Duration, counts slo.Counts) slo.Sample {
		late := good(100)
		late.Late = []slo.Late{{From: first.Add(from), To: first.Add(to), Counts: counts}}
		late.Caveats = []slo.Caveat{{Kind: slo.DataLate, Count: 1, Events: counts.Total}}
		return late
	}
	s.add(interval, lateFor(minutes(4), minutes(5), slo.Counts{Total: 50, Bad: 50}))
	s.add(interval, lateFor(minutes(9), minutes(11), slo.Counts{Total: 40, Bad: 20})) // half of it after the end
	want := slo.Counts{Total: 2070, Bad: 2060}
	w := s.only(alert.Burn)
	if w.Counts != want || w.Ended.Sub(first) != minutes(10) || w.BudgetSpent <= 0 {
		t.Errorf("%v until %s, want %v until 10m", w.Counts, w.Ended.Sub(first), want)
	}
	if diff := cmp.Diff([]slo.Caveat{{Kind: slo.DataLate, Count: 2, Events: 90}}, withoutEstimate(w.Caveats)); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
	s.add(time.Hour, good(100))
	s.add(interval, lateFor(minutes(4), minutes(5), slo.Counts{Total: 50, Bad: 50}))
	if w := s.only(alert.Burn); w.Counts != want {
		t.Errorf("an hour later the numbers are not final: %v", w.Counts)
	}
	s.add(12*time.Hour, good(100))
	s.only(alert.Burn) // late events of a closed window open no other
}

// TestSignedTicks counts an outage's bad events a tick late, above that tick's total: the window
// has all of them.
func TestSignedTicks(t *testing.T) {
	def := definition("checkout")
	def.Policy.Budget = false
	s := newStory(t, def)
	s.add(minutes(5), slo.Sample{Counts: slo.Counts{Total: 100, Bad: 150}})
	s.add(minutes(30), good(100))
	w := s.only(alert.Burn)
	if want := (slo.Counts{Total: 1000, Bad: 1000}); w.Counts != want {
		t.Errorf("%v, want %v", w.Counts, want)
	}
	if diff := cmp.Diff([]slo.Caveat{{Kind: slo.BadAboveTotal, Count: 1, Events: 500}}, withoutEstimate(w.Caveats)); diff != "" {
		t.Errorf("caveats (-want +got):\n%s", diff)
	}
	for _, p := range w.Phases {
		if p.Bad > p.Total {
			t.Errorf("a phase has %v", p.Counts)
		}
	}
}

// TestLateEventsAmendAWindowUntilTheyAreFinal has late events come in the last tick before a closed
// window's numbers are final, and in the first one after: 40 ticks and the hold after its end.
func TestLateEventsAmendAWindowUntilTheyAreFinal(t *testing.T) {
	for name, tc := range map[string]struct {
		ticks int
		more  float64
	}{"the last tick": {40, 50}, "the tick after": {41, 0}} {
		t.Run(name, func(t *testing.T) {
			def := definition("checkout")
			def.Policy.Budget = false
			s := newStory(t, def)
			first := s.now
			s.add(minutes(10), bad(100, 100))
			for s.only(alert.Burn).IsOpen() {
				s.add(interval, good(100))
			}
			before := s.only(alert.Burn).Bad
			s.add(time.Duration(tc.ticks-1)*interval, good(100))
			late := good(100)
			late.Late = []slo.Late{{From: first.Add(minutes(4)), To: first.Add(minutes(5)), Counts: slo.Counts{Total: 50, Bad: 50}}}
			if s.add(interval, late); s.only(alert.Burn).Bad != before+tc.more {
				t.Errorf("%v bad events, want %v more than %v", s.only(alert.Burn).Bad, tc.more, before)
			}
		})
	}
}

// TestALabelSetIsGone has a label set without data for a day.
func TestALabelSetIsGone(t *testing.T) {
	def := definition("checkout")
	def.Objective.GroupBy = []string{"region"}
	def.Policy.Rules = def.Policy.Rules[:2] // the longest looks back for 6 hours
	s := newStory(t, def)
	if s.add(day-interval, slo.Sample{Blind: true}); s.watch.IsGone() {
		t.Error("it is gone a tick before a day is over")
	}
	if s.add(interval, slo.Sample{Blind: true}); !s.watch.IsGone() {
		t.Error("it is not gone after a day")
	}
}
