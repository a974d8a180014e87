package fold_test

import (
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestOneWindowForWhatWasWaitedFor waits an hour for a watch's next tick, and then reads it and
// those after. They have data at first, then none for half an hour, and then again, with a count of
// what happened meanwhile. That is one window without data.
func TestOneWindowForWhatWasWaitedFor(t *testing.T) {
	for name, tc := range map[string]struct{ dark, ended time.Duration }{ // since the wait began
		"data is back before the wait is over": {minutes(20), minutes(60)},
		"data is back just then":               {minutes(30), minutes(60)},
		"data is back later":                   {minutes(45), minutes(75)},
	} {
		t.Run(name, func(t *testing.T) {
			def := definition("checkout")
			def.Policy.Budget, def.Policy.Blind = false, alert.BlindPolicy{After: minutes(10), Issue: true}
			s := newStory(t, def)
			first := s.now
			for at := first.Add(interval); !at.After(first.Add(time.Hour)); at = at.Add(interval) {
				s.events = append(s.events, s.watch.Wait(at)...)
			}
			s.add(tc.dark, good(100))
			s.add(minutes(30), blind)
			back, meanwhile := good(100), slo.Counts{Total: 3000, Bad: 30}
			back.Late = []slo.Late{{From: first.Add(tc.dark), To: first.Add(tc.dark + minutes(30)), Counts: meanwhile}}
			s.add(interval, back)
			s.add(minutes(30), good(100))
			v := s.only(alert.Blindness)
			if !v.Onset.Equal(first) || v.Ended.Sub(first) != tc.ended || v.Counts != meanwhile {
				t.Errorf("%s to %s, %v; want 0s to %s, %v", v.Onset.Sub(first), v.Ended.Sub(first), v.Counts, tc.ended, meanwhile)
			}
		})
	}
}
