package fold_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const interval = 30 * time.Second

// story steps a watch through stretches of ticks and keeps the events.
type story struct {
	t      *testing.T
	watch  *fold.Watch
	now    time.Time
	events []alert.Event
}

func newStory(t *testing.T, def alert.Definition) *story {
	s := &story{t: t, watch: fold.NewWatch(def, "", interval, epoch.Add(-3*day), epoch), now: epoch.Add(-3 * day)}
	s.add(3*day, good(100))
	if len(s.events) > 0 {
		t.Fatalf("events before it was armed: %+v", s.events)
	}
	return s
}

func (s *story) add(length time.Duration, sample slo.Sample) {
	for range length / interval {
		s.now = s.now.Add(interval)
		s.events = append(s.events, s.watch.Step(sample)...)
	}
}

// windows returns the newest states of all windows of a kind.
func (s *story) windows(kind alert.Kind) []alert.Window {
	var all []alert.Window
	for _, e := range s.events {
		switch {
		case e.Window.Kind != kind:
		case e.Opened:
			all = append(all, e.Window)
		default:
			all[len(all)-1] = e.Window
		}
	}
	return all
}

func (s *story) only(kind alert.Kind) alert.Window {
	s.t.Helper()
	all := s.windows(kind)
	if len(all) != 1 {
		s.t.Fatalf("%d windows of kind %s, want 1", len(all), kind)
	}
	return all[0]
}

func good(total float64) slo.Sample { return slo.Sample{Counts: slo.Counts{Total: total}} }
func bad(total, bad float64) slo.Sample {
	return slo.Sample{Counts: slo.Counts{Total: total, Bad: bad}}
}

var blind = slo.Sample{Blind: true}

func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

type phase struct {
	Kind  alert.PhaseKind
	Start time.Duration // since the first error
	End   time.Duration
}

func phasesOf(w alert.Window, from time.Time) []phase {
	var all []phase
	for _, p := range w.Phases {
		all = append(all, phase{p.Kind, p.Start.Sub(from), p.End.Sub(from)})
	}
	return all
}

func TestBreachWindow(t *testing.T) {
	for _, tc := range []struct {
		name       string
		during     func(*story)
		end        time.Duration // since the first error
		total, bad float64
		phases     []phase
		caveats    []slo.Caveat
	}{
		{
			name:   "an outage",
			during: func(s *story) { s.add(minutes(10), bad(100, 100)) },
			end:    minutes(10), total: 2000, bad: 2000,
			phases: []phase{{alert.Outage, 0, minutes(10)}},
		},
		{
			name: "an outage that degrades before it ends",
			during: func(s *story) {
				s.add(minutes(17), bad(100, 90))
				s.add(minutes(24), bad(100, 5))
			},
			end: minutes(41), total: 8200, bad: 34*90 + 48*5,
			phases: []phase{{alert.Outage, 0, minutes(17)}, {alert.Degraded, minutes(17), minutes(41)}},
		},
		{
			name: "a lull within an outage, shorter than the short window",
			during: func(s *story) {
				s.add(minutes(10), bad(100, 100))
				s.add(minutes(3), good(100))
				s.add(minutes(10), bad(100, 100))
			},
			end: minutes(23), total: 4600, bad: 4000,
			phases: []phase{{alert.Outage, 0, minutes(23)}},
		},
		{
			name: "the edges of a fault fall into ticks",
			during: func(s *story) {
				s.add(interval, bad(100, 30))
				s.add(minutes(10), bad(100, 100))
				s.add(interval, bad(100, 10))
			},
			end: minutes(11), total: 2200, bad: 2040,
			phases: []phase{{alert.Outage, 0, minutes(11)}},
		},
		{
			name: "blind in the middle",
			during: func(s *story) {
				s.add(minutes(5), bad(100, 100))
				s.add(minutes(6), blind)
				s.add(minutes(5), bad(100, 100))
			},
			end: minutes(16), total: 2000, bad: 2000,
			phases: []phase{
				{alert.Outage, 0, minutes(5)}, {alert.BlindGap, minutes(5), minutes(11)}, {alert.Outage, minutes(11), minutes(16)},
			},
			caveats: []slo.Caveat{{Kind: slo.NoData, Count: 12}},
		},
		{
			name: "no traffic and no data are no recovery",
			during: func(s *story) {
				s.add(minutes(10), bad(100, 100))
				s.add(minutes(60), slo.Sample{})
				s.add(minutes(60), blind)
				if w := s.only(alert.Burn); !w.IsOpen() {
					s.t.Errorf("the window was closed at %s, in the silence", w.Ended)
				}
			},
			end: minutes(10), total: 2000, bad: 2000,
			phases: []phase{{alert.Outage, 0, minutes(10)}},
		},
		{
			name: "a caveat of the outage, and one after it",
			during: func(s *story) {
				s.add(minutes(9), bad(100, 100))
				dip := bad(100, 100)
				dip.Caveats = []slo.Caveat{{Kind: slo.Dip, Count: 1, Events: 7}}
				s.add(minutes(1), dip)
				after := good(100)
				after.Caveats = []slo.Caveat{{Kind: slo.Dip, Count: 1, Events: 100}}
				s.add(minutes(1), after)
			},
			end: minutes(10), total: 2000, bad: 2000,
			phases:  []phase{{alert.Outage, 0, minutes(10)}},
			caveats: []slo.Caveat{{Kind: slo.Dip, Count: 2, Events: 14}},
		},
		{
			name: "errors that came to light late",
			during: func(s *story) {
				late := bad(100, 100)
				late.Late = []slo.Late{{From: s.now.Add(-minutes(5)), To: s.now, Counts: slo.Counts{Total: 1000, Bad: 1000}}}
				s.add(interval, late)
				s.add(minutes(4.5), bad(100, 100))
			},
			end: minutes(5), total: 3000, bad: 2000, // with the good ones seen in time
			phases: []phase{{alert.Outage, -minutes(5), minutes(5)}},
		},
		{
			name: "a slow burn that turns into an outage is widened to where it began",
			during: func(s *story) {
				s.add(minutes(120), bad(1000, 5))
				s.add(minutes(10), bad(1000, 1000))
			},
			end: minutes(130), total: 260_000, bad: 240*5 + 20*1000,
			phases: []phase{{alert.Degraded, 0, minutes(120)}, {alert.Outage, minutes(120), minutes(130)}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			def := definition("checkout")
			def.Policy.Budget = false
			s := newStory(t, def)
			first := s.now
			tc.during(s)
			s.add(3*time.Hour, good(100))
			w := s.only(alert.Burn)
			if got := w.Ended.Sub(first); got != tc.end {
				t.Errorf("ended %s after the first error, want %s", got, tc.end)
			}
			if w.Total != tc.total || w.Bad != tc.bad {
				t.Errorf("%v of %v bad, want %v of %v", w.Bad, w.Total, tc.bad, tc.total)
			}
			if diff := cmp.Diff(tc.phases, phasesOf(w, first)); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.caveats, withoutEstimate(w.Caveats)); diff != "" {
				t.Errorf("caveats (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClosedWindowsAreGoodForRules(t *testing.T) {
	s := newStory(t, definition("checkout"))
	s.add(minutes(10), bad(100, 100))
	s.add(12*time.Hour, good(100))
	if n := len(s.windows(alert.Burn)); n != 1 {
		t.Fatalf("%d windows for one outage", n)
	}
	s.add(minutes(10), bad(100, 100))
	s.add(12*time.Hour, good(100))
	if n := len(s.windows(alert.Burn)); n != 2 {
		t.Errorf("%d windows for two outages", n)
	}
}

func TestMinBadEvents(t *testing.T) {
	def := definition("checkout")
	def.Policy.Budget = false
	s := newStory(t, def)
	s.add(30*time.Hour, slo.Sample{})
	s.add(minutes(4.5), bad(1, 1))
	if len(s.events) > 0 {
		t.Errorf("9 bad events fired: %+v", s.events[0])
	}
	s.add(interval, bad(1, 1))
	if w := s.only(alert.Burn); w.Bad != 10 {
		t.Errorf("%v bad events, want 10", w.Bad)
	}
}

func TestNoBreachWithoutData(t *testing.T) {
	s := newStory(t, definition("checkout"))
	s.add(minutes(1), bad(100, 86)) // 1.433 % of an hour, just not enough to fire, until good ticks slide out of that hour
	s.add(12*time.Hour, blind)
	if len(s.events) > 0 {
		t.Errorf("a breach was found on a blind tick: %+v", s.events[0])
	}
}

func TestBudgetWindow(t *testing.T) {
	def := definition("checkout")
	def.Objective.Window = slo.Window{Rolling: day}
	def.Policy.Rules = alert.DefaultRules(day)
	def.Policy.MinBadEvents = 1e9 // no rule fires; the budget ignores this
	s := newStory(t, def)
	s.add(minutes(0.5), bad(100, 100))
	s.add(minutes(0.5), bad(100, 100))
	s.add(minutes(0.5), bad(100, 88))
	if len(s.events) > 0 {
		t.Fatalf("at 288 of 288,000 the target is met: %+v", s.events[0])
	}
	s.add(minutes(0.5), bad(100, 1))
	w := s.only(alert.Budget)
	if !w.Onset.Equal(s.now.Add(-interval)) || !w.Detected.Equal(s.now) || w.Bad != 1 || w.Rule != nil || w.Phases != nil {
		t.Errorf("opened as %+v", w)
	}
	s.add(day, good(100))
	// It closes at the end of the first tick whose window no longer holds the first bad tick.
	if w := s.only(alert.Budget); w.Ended.Sub(w.Onset) != day-3*interval+interval {
		t.Errorf("closed %s after its onset", w.Ended.Sub(w.Onset))
	}
}

// TestBreachAfterALongSilence has a breach once traffic is back after days without any. Good events
// before the silence say nothing of a recovery.
func TestBreachAfterALongSilence(t *testing.T) {
	w := fold.NewWatch(definitionOf("0.995"), "", interval, epoch, epoch)
	var windows []alert.Window
	steps := func(length time.Duration, s slo.Sample) {
		for range length / interval {
			for _, e := range w.Step(s) {
				if e.Opened || e.Closed {
					windows = append(windows, e.Window)
				}
			}
		}
	}
	steps(8*time.Hour, good(1000))
	steps(6*day, slo.Sample{Blind: true})
	steps(4*time.Hour, good(1000))
	onset := epoch.Add(8*time.Hour + 6*day + 4*time.Hour)
	steps(45*time.Minute, bad(1000, 136))
	steps(8*time.Hour, good(1000))
	if len(windows) != 2 {
		t.Fatalf("%d windows opened and closed, want one: %+v", len(windows), windows)
	}
	if got := windows[1]; !got.Onset.Equal(onset) || !got.Ended.Equal(onset.Add(45*time.Minute)) || got.Bad != 90*136 {
		t.Errorf("from %s to %s with %v bad events", got.Onset.Sub(onset), got.Ended.Sub(onset), got.Bad)
	}
}
