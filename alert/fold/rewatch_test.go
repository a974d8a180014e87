package fold_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestRedefinedTargetOpensNothingAboutThePast tightens a target that the past misses by far.
func TestRedefinedTargetOpensNothingAboutThePast(t *testing.T) {
	loose, tight := definition("checkout"), definition("checkout")
	loose.Objective.Target = slo.MustDecimal("95%")
	late := func(s *story, length time.Duration) slo.Sample {
		sample := good(1000)
		sample.Late = []slo.Late{{From: s.now.Add(-length), To: s.now.Add(-length + interval), Counts: slo.Counts{Total: 5000, Bad: 5000}}}
		return sample
	}
	for name, tc := range map[string]struct {
		after func(*story)
		opens int           // windows
		onset time.Duration // since the change
	}{
		"it goes on well":                            {func(s *story) { s.add(6*day, good(1000)) }, 0, 0},
		"a bad event now and then":                   {func(s *story) { s.add(interval, bad(1000, 1)); s.add(day, good(1000)); s.add(interval, bad(1000, 1)) }, 0, 0},
		"bad events of the time before come late":    {func(s *story) { s.add(interval, late(s, 2*time.Minute)); s.add(interval, bad(1000, 1)) }, 0, 0},
		"and so late that no tick is known any more": {func(s *story) { s.add(interval, late(s, 8*time.Hour)); s.add(interval, bad(1000, 1)) }, 0, 0},
		"an outage": {func(s *story) { s.add(2*time.Minute, bad(1000, 1000)) }, 1, 0},
		"an outage after events that come late": {func(s *story) {
			s.add(interval, late(s, 2*time.Minute))
			s.add(2*time.Minute, bad(1000, 1000))
		}, 1, interval},
		"an outage after events that come very late": {func(s *story) {
			s.add(interval, late(s, 8*time.Hour))
			s.add(2*time.Minute, bad(1000, 1000))
		}, 1, interval},
		"the budget spent": {func(s *story) {
			s.watch.Def.Policy.MinBadEvents = 1e9 // no rule fires
			s.add(49*time.Minute, bad(1000, 1000))
		}, 1, minutes(11)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, loose)
			s.add(12*time.Hour, bad(1000, 40)) // 57,600: two thirds of the tight budget, at 40 times its rate
			s.add(time.Hour, good(1000))
			s.add(2*time.Hour, bad(1000, 49)) // goes on
			if len(s.events) > 0 {
				t.Fatalf("the loose target is missed: %+v", s.events[0])
			}
			changed := s.now
			s.watch.Redefine(tight)
			tc.after(s)
			opened := append(s.windows(alert.Burn), s.windows(alert.Budget)...)
			if len(opened) != tc.opens {
				t.Fatalf("%d windows, want %d: %+v", len(opened), tc.opens, opened)
			}
			for _, w := range opened {
				if got := w.Onset.Sub(changed); got != tc.onset {
					t.Errorf("a window of kind %s begins %s after the change, want %s", w.Kind, got, tc.onset)
				}
			}
			status := s.watch.Status()
			if status.Window.Bad < 240*49+1440*40 {
				t.Errorf("the budget that is shown counts %v bad events only", status.Window.Bad)
			}
			if diff := cmp.Diff([]string{"target 95 % → 99.9 %"}, status.Changes); diff != "" || !status.Redefined.Equal(changed) {
				t.Errorf("redefined at %s, want %s; changes (-want +got):\n%s", status.Redefined, changed, diff)
			}
		})
	}
}

// TestRedefinedOtherwise changes settings that find no breaches: a coming one is found as before.
func TestRedefinedOtherwise(t *testing.T) {
	def, other := definition("checkout"), definition("checkout")
	other.Policy.MergeGap, other.Policy.Blind = time.Hour, alert.BlindPolicy{After: 15 * time.Minute, Issue: true}
	s := newStory(t, def)
	first := s.now
	s.add(interval, bad(100, 86))
	s.watch.Redefine(other)
	s.watch.Redefine(other) // the files are read again
	s.add(interval, bad(100, 90))
	if w := s.only(alert.Burn); !w.Onset.Equal(first) || w.Bad != 176 {
		t.Errorf("from %s with %v bad events, want %s and 176", w.Onset, w.Bad, first)
	}
	want := []string{"merge_gap 30m → 1h", "blind no issue → an issue after 15m"}
	if diff := cmp.Diff(want, s.watch.Status().Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// TestBlindFromNowOn asks for blind incidents while there is no data: it counts from then on.
func TestBlindFromNowOn(t *testing.T) {
	def, asked := definition("checkout"), definition("checkout")
	asked.Policy.Blind = alert.BlindPolicy{After: 15 * time.Minute, Issue: true}
	s := newStory(t, def)
	s.add(time.Hour, blind)
	changed := s.now
	s.watch.Redefine(asked)
	s.add(15*time.Minute-interval, blind)
	if len(s.events) > 0 {
		t.Fatalf("opened about the past: %+v", s.events[0].Window)
	}
	s.add(interval, blind)
	if w := s.only(alert.Blindness); !w.Onset.Equal(changed) {
		t.Errorf("onset %s, want %s", w.Onset, changed)
	}
}
