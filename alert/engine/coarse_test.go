package engine_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

// counters is a source of counters, one per label set, not scraped during the gap. A longer tick
// has the sum of its counts. Counts in the gap come late.
type counters struct {
	interval time.Duration // of `sets`
	sets     map[slo.Labels]func(tick time.Time) slo.Counts
	gap      slo.Span
	asked    map[time.Duration]int // ticks, by their length
}

func (c *counters) read(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i := range objectives {
		c.asked[ticks.Interval] += ticks.Len()
		for _, labels := range slices.Sorted(maps.Keys(c.sets)) {
			series, seen := slo.Series{Labels: labels}, labels == ""
			for t := range ticks.Len() {
				s := c.sample(c.sets[labels], ticks.At(t), ticks.Interval)
				seen = seen || !s.Blind
				series.Samples = append(series.Samples, s)
			}
			if seen {
				readings[i].Series = append(readings[i].Series, series)
			}
		}
	}
	return readings
}

func (c *counters) sample(at func(time.Time) slo.Counts, tick time.Time, length time.Duration) slo.Sample {
	s, before := slo.Sample{Tick: tick}, tick.Add(-length)
	seen := func(t time.Time) bool { return !t.After(c.gap.Start) || t.After(c.gap.End) }
	switch {
	case seen(tick) && seen(before):
		s.Counts, s.Blind = c.sum(at, before, tick)
	case seen(tick):
		counts, _ := c.sum(at, c.gap.Start, tick)
		s.Late = []slo.Late{{From: c.gap.Start, To: tick, Counts: counts}}
	case seen(before):
		s.Counts, s.Blind = c.sum(at, before, c.gap.Start)
	default:
		s.Blind = true
	}
	return s
}

// sum returns the counts in (from, to]. It is blind if the counter is missing at the end: its
// counts are negative.
func (c *counters) sum(at func(time.Time) slo.Counts, from, to time.Time) (sum slo.Counts, blind bool) {
	for t := from.Add(c.interval); !t.After(to); t = t.Add(c.interval) {
		counts := at(t)
		if blind = counts.Total < 0; !blind {
			sum = sum.Add(counts)
		}
	}
	if blind {
		sum = slo.Counts{}
	}
	return sum, blind
}

// TestFilledFindsWhatGoesOn starts in the middle of faults. An ongoing one opens at the first tick,
// with its onset exact to a step if filled in steps, and ends when the fault does. A fault over
// before opens nothing.
func TestFilledFindsWhatGoesOn(t *testing.T) {
	const step = 5 * time.Minute
	now := epoch.Add(7*time.Hour + 90*time.Second)
	for _, tc := range []struct {
		name       string
		from, to   time.Duration // after now
		ratio      float64
		within     time.Duration // of the onset
		opens, all bool
	}{
		{name: "a slow burn for two days", from: -2 * day, to: 3 * time.Hour, ratio: 0.003, within: step, opens: true},
		{name: "a slow burn for two days, from the middle of a step", from: -2*day + 210*time.Second, to: 3 * time.Hour, ratio: 0.003, within: step, opens: true},
		{name: "an outage for a day", from: -day - 90*time.Second, to: time.Hour, ratio: 1, within: step, opens: true},
		{name: "an outage for an hour", from: -time.Hour, to: time.Hour, ratio: 1, opens: true},
		{name: "a burn that ended before the last six hours", from: -2 * day, to: -370 * time.Minute, ratio: 0.003},
		{name: "an outage two days ago", from: -2 * day, to: -2*day + 20*time.Minute, ratio: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			def := definition("checkout")
			def.Policy.Budget = false
			fault := slo.Span{Start: now.Add(tc.from), End: now.Add(tc.to)}
			events := func(at time.Time) slo.Counts {
				c := slo.Counts{Total: 10_000}
				if at.After(fault.Start) && !at.After(fault.End) {
					c.Bad = tc.ratio * c.Total
				}
				return c
			}
			c := &counters{interval: interval, sets: map[slo.Labels]func(time.Time) slo.Counts{"": events}, asked: map[time.Duration]int{}}
			m := &memory{t: t, name: "00", lane: engine.NewLane("00", interval, now), incidents: map[string]alert.Incident{}}
			m.lane.Redefine([]alert.Definition{def}, now)
			if err := m.lane.FillFrom(t.Context(), c.read); err != nil {
				t.Fatal(err)
			}
			for at := now.Add(interval); at.Before(now.Add(12 * time.Hour)); at = at.Add(interval) {
				m.step(slo.Sample{Counts: events(at)})
				if at.Equal(now.Add(time.Hour)) {
					m.kill()
				}
			}
			windows := m.windows()
			if !tc.opens {
				if len(windows) != 0 {
					t.Errorf("windows of the past: %+v", windows)
				}
				return
			}
			if len(windows) != 1 {
				t.Fatalf("%d windows, want 1", len(windows))
			}
			w := windows[0]
			if off := w.Onset.Sub(fault.Start).Abs(); off > tc.within {
				t.Errorf("onset %s, want %s", w.Onset, fault.Start)
			}
			if w.Detected.After(now) || w.Detected.Before(w.Onset) || !w.Ended.Equal(fault.End) {
				t.Errorf("detected %s, ended %s, want a tick of the past and %s", w.Detected, w.Ended, fault.End)
			}
			bad, _ := c.sum(events, fault.Start, fault.End)
			if math.Abs(w.Bad-bad.Bad) > 1 || w.Bad > w.Total {
				t.Errorf("%+v, want %+v", w.Counts, bad)
			}
		})
	}
}

// TestFilledLabelSets fills label sets; some come and go.
func TestFilledLabelSets(t *testing.T) {
	def := definitionOf("0.999")
	def.Objective.GroupBy = []string{"region"}
	now := epoch.Add(7*time.Hour + 90*time.Second)
	between := func(from, to time.Duration) func(time.Time) slo.Counts {
		return func(t time.Time) slo.Counts {
			if !t.After(now.Add(from)) || t.After(now.Add(to)) {
				return slo.Counts{Total: -1}
			}
			return slo.Counts{Total: 100}
		}
	}
	c := &counters{interval: interval, asked: map[time.Duration]int{}, sets: map[slo.Labels]func(time.Time) slo.Counts{
		`{region="ap"}`: between(-4*day, 0),
		`{region="eu"}`: between(-30*time.Hour, 0),
		`{region="sa"}`: between(-60*time.Hour, -20*time.Hour),
		`{region="us"}`: between(-time.Hour, 0),
	}}
	l := engine.NewLane("00", interval, now)
	l.Redefine([]alert.Definition{def}, now)
	if err := l.FillFrom(t.Context(), c.read); err != nil {
		t.Fatal(err)
	}
	found := map[slo.Labels]float64{}
	for _, w := range l.Watches() {
		if !w.Now().Equal(now) {
			t.Errorf("%s is filled up to %s", w.ID(), w.Now())
		}
		found[w.ID().Labels] = w.History.Counted(3 * day).Total
		if silent := w.Status().State == alert.Blind; silent != (w.ID().Labels == `{region="sa"}`) {
			t.Errorf("%s is %s", w.ID(), w.Status().State)
		} else if since := w.Status().BlindSince; silent && since.Sub(now.Add(-20*time.Hour)).Abs() >= 5*time.Minute {
			t.Errorf("%s is blind since %s", w.ID(), since)
		}
	}
	perHour := float64(120 * 100)
	want := map[slo.Labels]float64{`{region="ap"}`: 72 * perHour, `{region="eu"}`: 30 * perHour, `{region="sa"}`: 40 * perHour, `{region="us"}`: perHour}
	for labels, events := range want {
		if math.Abs(found[labels]-events) > 1000 { // a step's
			t.Errorf("%s has %v events, want %v", labels, found[labels], events)
		}
	}
	if len(found) != len(want) {
		t.Errorf("label sets %v, want %v", found, want)
	}
}
