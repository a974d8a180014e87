package fold_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// daysWatch is a watch that began at noon, with ticks of ten minutes and 100 events a tick.
func daysWatch(window time.Duration) (*fold.Watch, func(n int, change func(*slo.Sample))) {
	def := definitionOf("0.999")
	def.Objective.Window.Rolling = window
	w := fold.NewWatch(def, "", 10*time.Minute, epoch.Add(12*time.Hour), epoch)
	return w, func(n int, change func(*slo.Sample)) {
		for range n {
			s := slo.Sample{Counts: slo.Counts{Total: 100, Bad: 1}}
			if change != nil {
				change(&s)
			}
			w.Step(w.Plan(s))
		}
	}
}

func TestDays(t *testing.T) {
	const hour = 6 // ticks
	w, step := daysWatch(30 * day)
	if got := w.Days(epoch); got != nil {
		t.Errorf("days before the first tick: %+v", got)
	}
	step(3, func(s *slo.Sample) { s.Blind = true }) // data begins later
	step(12*hour-3, nil)
	step(2*hour, func(s *slo.Sample) { s.Blind = true })
	step(hour, func(s *slo.Sample) { s.Excluded, s.Bad = true, 50 })
	step(21*hour-1, nil)
	late := slo.Late{From: epoch.Add(20 * time.Hour), To: epoch.Add(21 * time.Hour), Counts: slo.Counts{Total: 60, Bad: 6}}
	step(1, func(s *slo.Sample) { s.Late = []slo.Late{late} })
	step(6*hour, nil)
	want := []slo.Day{
		{Date: epoch, Counts: slo.Counts{Total: (12*hour-3)*100 + 60, Bad: 12*hour - 3 + 6}, Known: 12*time.Hour - 30*time.Minute, Exact: true},
		{Date: epoch.Add(day), Counts: slo.Counts{Total: 22 * hour * 100, Bad: 21*hour + 50*hour}, Known: day, Blind: 2 * time.Hour, Exact: true},
		{Date: epoch.Add(2 * day), Counts: slo.Counts{Total: 6 * hour * 100, Bad: 6 * hour}, Known: 6 * time.Hour, Exact: true},
	}
	if diff := cmp.Diff(want, w.Days(time.Time{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1:], w.Days(epoch.Add(36*time.Hour))); diff != "" {
		t.Errorf("the last days: %s", diff)
	}
	step(18*hour, nil)
	if got := w.Days(time.Time{}); len(got) != 3 || got[2].Known != day {
		t.Errorf("at midnight: %+v", got)
	}
}

// TestDaysOfALongWindow adds up days of which the history keeps buckets only: nothing is lost or
// counted twice, whatever becomes of the oldest.
func TestDaysOfALongWindow(t *testing.T) {
	for _, window := range []time.Duration{10 * day, 28*day + 7*time.Hour} {
		w, step := daysWatch(window)
		step(12*6+50*144, nil)
		all := w.Days(time.Time{})
		total, known := 0.0, time.Duration(0)
		for n, d := range all {
			total, known = total+d.Total, known+d.Known
			if n > 0 && !d.Date.Equal(all[n-1].End()) {
				t.Errorf("%s: after %s comes %s", window, all[n-1].Date, d.Date)
			}
			if want := float64(d.Known/(10*time.Minute)) * 100; d.Total < want-200 || d.Total > want+200 {
				t.Errorf("%s: %v events in %s of %s, want %v", window, d.Total, d.Known, d.Date, want)
			}
		}
		if want := float64(known/(10*time.Minute)) * 100; known < window-time.Hour || total < want-1 || total > want+1 {
			t.Errorf("%s: %v events in %s, want %v", window, total, known, want)
		}
	}
}

// TestDaysWithForgottenGaps leaves out days of which stretches without data may be forgotten.
func TestDaysWithForgottenGaps(t *testing.T) {
	w, step := daysWatch(30 * day)
	step(12*6, nil)
	for range 70 { // more than are remembered
		step(12, nil)
		step(6, func(s *slo.Sample) { s.Blind = true })
	}
	all := w.Days(time.Time{})
	if first := all[0]; !first.Date.After(epoch) {
		t.Errorf("the first day is %+v: its gaps are forgotten", first)
	}
	for _, d := range all[1 : len(all)-1] {
		if d.Known != day || d.Blind != 8*time.Hour {
			t.Errorf("%+v is blind for %s, want 8h", d.Date, d.Blind)
		}
	}
}
