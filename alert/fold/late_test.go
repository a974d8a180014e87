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
	s.only(alert.Burn) // what came late into a closed window opens no other
}

// TestSignedTicks lets bad events of an outage be counted a tick late, above the total of theirs:
// the window has all of them.
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
