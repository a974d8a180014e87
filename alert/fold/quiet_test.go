package fold_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// stored restores a watch from a checkpoint.
func (s *story) stored() {
	s.t.Helper()
	text, err := json.Marshal(s.watch.State())
	if err != nil {
		s.t.Fatal(err)
	}
	var state fold.WatchState
	if err := json.Unmarshal(text, &state); err != nil {
		s.t.Fatal(err)
	}
	s.watch.Restore(state)
}

func TestQuietWindow(t *testing.T) {
	def := definition("checkout")
	def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("10%"), After: minutes(15), Issue: true}
	type stretch struct {
		length time.Duration
		sample slo.Sample
	}
	type window struct {
		Onset, Detected, Ended time.Duration // since the past; Ended -1: still open
		Total, Usual           float64
	}
	week := []stretch{{8 * day, good(100)}}
	goesOn := stretch{2 * time.Hour, good(100)}
	for name, tc := range map[string]struct {
		past, then []stretch
		want       []window
	}{
		"requests stop":                       {week, []stretch{{time.Hour, good(0)}, goesOn}, []window{{0, minutes(15), time.Hour, 0, 12_000}}},
		"one in twenty gets through":          {week, []stretch{{time.Hour, good(5)}, goesOn}, []window{{0, minutes(15), time.Hour, 600, 12_000}}},
		"one in ten is not too few":           {week, []stretch{{time.Hour, good(10)}, goesOn}, nil},
		"not for long enough":                 {week, []stretch{{minutes(13), good(0)}, goesOn}, nil},
		"it goes on":                          {week, []stretch{{time.Hour, good(0)}}, []window{{0, minutes(15), -1, 0, 3000}}},
		"for longer than a day":               {week, []stretch{{30 * time.Hour, good(1)}, goesOn}, []window{{0, minutes(15), 30 * time.Hour, 3600, 360_000}}},
		"for longer than a week":              {week, []stretch{{9 * day, good(0)}, goesOn}, []window{{0, minutes(15), 9 * day, 0, 0}}},
		"again the next day":                  {week, []stretch{{time.Hour, good(0)}, {22 * time.Hour, good(100)}, {time.Hour, good(0)}, goesOn}, []window{{0, minutes(15), time.Hour, 0, 12_000}, {23 * time.Hour, 23*time.Hour + minutes(15), day, 0, 12_000}}},
		"at the same time as before":          {week, []stretch{{time.Hour, good(0)}, {23 * time.Hour, good(100)}, {time.Hour, good(0)}, goesOn}, []window{{0, minutes(15), time.Hour, 0, 12_000}}},
		"every seventh day":                   {[]stretch{{day, good(100)}, {day, good(0)}, {6 * day, good(100)}}, []stretch{{day, good(0)}, goesOn}, nil},
		"as quiet as the day before":          {[]stretch{{6 * day, good(100)}, {day, good(4)}}, []stretch{{day, good(4)}, goesOn}, nil},
		"half the traffic after no data":      {week, []stretch{{time.Hour, blind}, {2 * time.Hour, good(50)}}, nil},
		"half the traffic after planned work": {week, []stretch{{time.Hour, inPlan(good(100))}, {2 * time.Hour, good(50)}}, nil},
		"no data at its end":                  {week, []stretch{{time.Hour, good(0)}, {time.Hour, blind}, goesOn}, []window{{0, minutes(15), time.Hour, 0, 12_000}}},
		"no data in its first hour a day before": {[]stretch{{7 * day, good(100)}, {time.Hour, blind}, {23 * time.Hour, good(100)}},
			[]stretch{{2 * time.Hour, good(0)}, goesOn}, []window{{minutes(52.5), minutes(67.5), 2 * time.Hour, 0, 13_500}}},
		"little traffic":              {[]stretch{{8 * day, good(3)}}, []stretch{{time.Hour, good(0)}, {time.Hour, good(3)}}, nil},
		"a young history":             {[]stretch{{6 * day, good(100)}}, []stretch{{time.Hour, good(0)}, goesOn}, nil},
		"no data":                     {week, []stretch{{time.Hour, blind}, goesOn}, nil},
		"planned work":                {week, []stretch{{time.Hour, inPlan(good(0))}, goesOn}, nil},
		"no data in the middle of it": {week, []stretch{{time.Hour, good(0)}, {time.Hour, blind}, {time.Hour, good(0)}, goesOn}, []window{{0, minutes(15), 3 * time.Hour, 0, 24_000}}},
		"no data a day before":        {[]stretch{{7 * day, good(100)}, {time.Hour, blind}, {23 * time.Hour, good(100)}}, []stretch{{minutes(50), good(0)}, goesOn}, nil},
		"a tick without data a day before": {[]stretch{{7 * day, good(100)}, {interval, blind}, {day - interval, good(100)}},
			[]stretch{{time.Hour, good(0)}, goesOn}, []window{{0, minutes(15), time.Hour, 0, 12_000}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t, watch: fold.NewWatch(def, "", interval, epoch, epoch), now: epoch}
			for _, p := range tc.past {
				s.add(p.length, p.sample)
			}
			if len(s.events) > 0 {
				t.Fatalf("the past opened %+v", s.events[0])
			}
			begin := s.now
			for _, p := range tc.then {
				s.stored()
				s.add(p.length, p.sample)
			}
			var got []window
			for _, w := range s.windows(alert.Quietness) {
				at := window{w.Onset.Sub(begin), w.Detected.Sub(begin), -1, w.Total, math.Round(w.UsualEvents/100) * 100}
				if !w.IsOpen() {
					at.Ended = w.Ended.Sub(begin)
				}
				got = append(got, at)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("windows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestQuietNeedsTraffic has traffic stop where a hundred events are usual in the policy's time, or one
// fewer: that may be chance.
func TestQuietNeedsTraffic(t *testing.T) {
	for usual, tc := range map[string]struct {
		after time.Duration
		tick  float64
		want  int
	}{
		"100": {minutes(10), 5, 1},
		"99":  {minutes(16.5), 3, 0},
	} {
		t.Run(usual, func(t *testing.T) {
			def := definition("checkout")
			def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("10%"), After: tc.after, Issue: true}
			s := &story{t: t, watch: fold.NewWatch(def, "", interval, epoch, epoch), now: epoch}
			s.add(8*day, good(tc.tick))
			s.add(2*time.Hour, good(0))
			if got := len(s.windows(alert.Quietness)); got != tc.want {
				t.Errorf("%d windows, want %d", got, tc.want)
			}
		})
	}
}

// TestQuietState has too little traffic for an objective whose policy wants no issue.
func TestQuietState(t *testing.T) {
	def := definition("checkout")
	s := &story{t: t, watch: fold.NewWatch(def, "", interval, epoch, epoch), now: epoch}
	state := func(want alert.State, since time.Time) {
		t.Helper()
		if got := s.watch.Status(); got.State != want || !got.QuietSince.Equal(since) {
			t.Errorf("%s, quiet since %s; want %s, %s", got.State, got.QuietSince, want, since)
		}
	}
	s.add(8*day, good(100))
	state(alert.OK, time.Time{})
	since := s.now
	s.add(time.Hour, good(0))
	state(alert.Quiet, since)
	s.add(interval, blind)
	state(alert.Blind, since)
	s.add(15*time.Minute, good(0))
	state(alert.Quiet, since)
	never := def
	never.Policy.Quiet = alert.QuietPolicy{After: 15 * time.Minute}
	s.watch.Redefine(never)
	s.add(time.Hour, good(0))
	state(alert.OK, time.Time{})
	s.watch.Redefine(def)
	changed := s.now
	s.add(14*time.Minute, good(0))
	state(alert.OK, time.Time{})
	s.add(2*time.Minute, good(0))
	if since := s.watch.Status().QuietSince; since.Before(changed) || since.After(changed.Add(90*time.Second)) {
		t.Errorf("quiet since %s, want a look after the change at %s", since, changed)
	}
	s.add(3*time.Minute, good(100))
	state(alert.OK, time.Time{})
	if len(s.events) > 0 {
		t.Errorf("nobody asked for %+v", s.events[0])
	}
}

// TestUsualEvents has a breach tell how many events are usual.
func TestUsualEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		past, outage time.Duration
		want         float64
	}{
		"ten minutes":      {8 * day, minutes(10), 2000},
		"two days":         {9 * day, 2 * day, 576_000},
		"more than a week": {9 * day, 8 * day, 0},
		"nothing known":    {6 * day, minutes(10), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t, watch: fold.NewWatch(definition("checkout"), "", interval, epoch, epoch), now: epoch}
			s.add(tc.past, good(100))
			s.add(tc.outage, bad(60, 30))
			s.add(time.Hour, good(100))
			if w := s.only(alert.Burn); math.Abs(w.UsualEvents-tc.want) > 0.01*tc.want || w.Total != 60*float64(tc.outage/interval) {
				t.Errorf("%v events, usual %v; want %v", w.Total, w.UsualEvents, tc.want)
			}
		})
	}
}

// TestQuietPastIsRead reads twice the past of an objective with too little traffic, then a past
// with more. The window opens at once, only once, and closes.
func TestQuietPastIsRead(t *testing.T) {
	def := definition("checkout")
	def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("10%"), After: minutes(15), Issue: true}
	past := func(in slo.Sample) fold.Folded {
		s := &story{t: t, watch: fold.NewWatch(def, "", interval, epoch, epoch), now: epoch}
		s.add(8*day, good(100))
		s.add(time.Hour, in)
		return fold.Folded{Watch: s.watch, Events: s.events}
	}
	onset := epoch.Add(8 * day)
	lane := fold.NewLane(interval, onset.Add(time.Hour))
	lane.Redefine([]alert.Definition{def}, lane.Cursor())
	lane.Adopt("checkout", []fold.Folded{past(good(0))}, fold.Late{})
	_, events := lane.Step(fold.Row{Samples: [][]slo.Sample{{good(0)}}})
	if len(events) != 1 || !events[0].Opened || events[0].Window.Kind != alert.Quietness || !events[0].Window.Onset.Equal(onset) {
		t.Fatalf("a lull that goes on: %+v", events)
	}
	again := past(good(0))
	again.Watch.Step(good(0))
	lane.Adopt("checkout", []fold.Folded{again}, fold.Late{})
	if _, events = lane.Step(fold.Row{Samples: [][]slo.Sample{{good(0)}}}); len(events) != 0 {
		t.Errorf("read again: %+v", events)
	}
	usual := past(good(100))
	usual.Watch.Step(good(100))
	usual.Watch.Step(good(100))
	lane.Adopt("checkout", []fold.Folded{usual}, fold.Late{})
	if _, events = lane.Step(fold.Row{Samples: [][]slo.Sample{{good(100)}}}); len(events) != 1 || !events[0].Closed {
		t.Errorf("traffic came late: %+v", events)
	}
}
