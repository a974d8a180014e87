package engine_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// counters is a source of counters, each of a label set, that are not scraped during the gap. What they count, a longer tick has the sum of,
// and what they count in the gap comes late.
type counters struct {
	interval time.Duration // of what `sets` tell
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

// sum is what is counted in (from, to]. It is blind where the counter is not there at the end, which is told by negative counts.
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

// uneven is traffic of which every tick has another number of events and of bad ones.
func uneven(t time.Time) slo.Counts {
	n := t.Unix()
	return slo.Counts{Total: float64(1000 + n*7919%977), Bad: float64(n * 104729 % 13 / 12)}
}

// coarseRules are as the default ones, for a longest window of that length.
func coarseRules(longest time.Duration) []alert.Rule { return alert.DefaultRules(longest * 10) }

// TestFilledAsIfUp fills a lane, and compares it with a watch that was given every tick: all windows of the rules hold the same at that tick and
// at those after it, bit for bit, whatever their length.
func TestFilledAsIfUp(t *testing.T) {
	now := epoch.Add(7*time.Hour + 90*time.Second)
	for _, tc := range []struct {
		name     string
		interval time.Duration
		rules    []alert.Rule
		change   func(*alert.Definition)
		asked    map[time.Duration]int
	}{
		{"the default rules", interval, coarseRules(3 * day), nil, map[time.Duration]int{5 * time.Minute: 792, interval: 723}},
		{"rules of nine days", interval, coarseRules(9 * day), nil, map[time.Duration]int{15 * time.Minute: 840, interval: 723}},
		{"rules of an odd length", interval, coarseRules(29*time.Hour + 59*time.Minute + 30*time.Second), nil, map[time.Duration]int{150 * time.Second: 576, interval: 723}},
		{"rules that see each tick", interval, coarseRules(time.Hour), nil, map[time.Duration]int{interval: 123}},
		{"rules that see each tick still", interval, coarseRules(432 * time.Minute), nil, map[time.Duration]int{interval: 873}},
		{"ticks of a second", time.Second, coarseRules(6 * time.Hour), nil, map[time.Duration]int{25 * time.Second: 838, time.Second: 740}},
		{"ticks of a second, and a rule of an hour", time.Second, coarseRules(time.Hour), nil, map[time.Duration]int{5 * time.Second: 593, time.Second: 725}},
		{"what is true or false", interval, coarseRules(day), func(d *alert.Definition) { d.Objective.Indicator.Bool = "up == 1" }, map[time.Duration]int{2 * time.Minute: 540, interval: 723}},
		{"planned work", interval, coarseRules(day), func(d *alert.Definition) { d.Objective.Exclude = "work == 1" }, map[time.Duration]int{interval: 2883}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			def := alert.Definition{Objective: objective("0.999"), Policy: policy(tc.rules...)}
			if tc.change != nil {
				tc.change(&def)
			}
			c := &counters{interval: tc.interval, sets: map[slo.Labels]func(time.Time) slo.Counts{"": uneven}, asked: map[time.Duration]int{}}
			m := &memory{t: t, name: "00", lane: engine.NewLane("00", tc.interval, now), incidents: map[string]alert.Incident{}}
			m.lane.Redefine([]alert.Definition{def}, tc.interval, now)
			if err := m.lane.FillFrom(c.read); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.asked, c.asked); diff != "" {
				t.Errorf("ticks asked for, by their length (-want +got):\n%s", diff)
			}
			filled := m.lane.Watches()[0].History
			longest := def.Policy.Rules[2].Long
			start := filled.Origin()
			if early := now.Add(-longest).Sub(start); early < 0 || early >= 15*time.Minute {
				t.Fatalf("the past begins at %s", start)
			}
			up := fold.NewWatch(def, "", tc.interval, start, now)
			for at := start.Add(tc.interval); !at.After(now); at = at.Add(tc.interval) {
				up.Step(slo.Sample{Tick: at, Counts: uneven(at)})
			}
			for n := range 1500 {
				if n%100 < 2 {
					filled := m.lane.Watches()[0].History
					for length := tc.interval; length <= longest+time.Hour; length += tc.interval {
						if got, want := filled.Last(length), up.History.Last(length); got != want {
							t.Fatalf("%d ticks later, the last %s are %v, want %v", n, length, got, want)
						}
					}
				}
				s := slo.Sample{Counts: uneven(up.Now().Add(tc.interval))}
				up.Step(s)
				m.step(s)
				if n%500 == 7 {
					m.kill()
				}
			}
		})
	}
}

// TestFilledBlind has a time without data in what is filled in steps. It is known to within a step, and only windows that begin there hold
// anything else.
func TestFilledBlind(t *testing.T) {
	def := definitionOf("0.999")
	now := epoch.Add(7*time.Hour + 90*time.Second)
	const step = 5 * time.Minute
	for _, gap := range []slo.Span{
		{Start: now.Add(-30 * time.Hour), End: now.Add(-30*time.Hour + 37*time.Minute)},
		{Start: now.Add(-30*time.Hour + 210*time.Second), End: now.Add(-28 * time.Hour)},
		{Start: now.Add(-30 * time.Hour), End: now.Add(-30*time.Hour + time.Minute)}, // between two steps
	} {
		c := &counters{interval: interval, sets: map[slo.Labels]func(time.Time) slo.Counts{"": uneven}, gap: gap, asked: map[time.Duration]int{}}
		l := engine.NewLane("00", interval, now)
		l.Redefine([]alert.Definition{def}, interval, now)
		if err := l.FillFrom(c.read); err != nil {
			t.Fatal(err)
		}
		filled := l.Watches()[0].History
		up := fold.NewWatch(def, "", interval, filled.Origin(), now)
		for at := filled.Origin().Add(interval); !at.After(now); at = at.Add(interval) {
			up.Step(c.sample(uneven, at, interval))
		}
		got, want := filled.Blind(), up.History.Blind()
		if length := gap.End.Sub(gap.Start); length < step {
			if len(got) != 0 {
				t.Errorf("%s without data: blind %v", length, got)
			}
		} else if len(got) != 1 || len(want) != 1 || got[0].Start.Sub(want[0].Start).Abs() >= step || got[0].End.Sub(want[0].End).Abs() >= step {
			t.Errorf("blind %v, want %v to within %s", got, want, step)
		}
		for length := interval; length <= 3*day; length += interval {
			if from := now.Add(-length); from.After(gap.Start.Add(-step)) && from.Before(gap.End.Add(step)) {
				continue
			}
			if got, want := filled.Last(length), up.History.Last(length); got != want {
				t.Fatalf("the last %s are %v, want %v", length, got, want)
			}
		}
	}
}

// TestFilledFindsWhatGoesOn starts in the middle of faults. One that goes on is opened at the first tick, from where it began, to within a step
// of what is filled in steps, and is then over when it is; one that is over before opens nothing.
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
			m.lane.Redefine([]alert.Definition{def}, interval, now)
			if err := m.lane.FillFrom(c.read); err != nil {
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
			if !w.Detected.Equal(now.Add(interval)) || !w.Ended.Equal(fault.End) {
				t.Errorf("detected %s, ended %s, want %s and %s", w.Detected, w.Ended, now.Add(interval), fault.End)
			}
			bad, _ := c.sum(events, fault.Start, fault.End)
			if math.Abs(w.Bad-bad.Bad) > 1 || w.Bad > w.Total {
				t.Errorf("%+v, want %+v", w.Counts, bad)
			}
		})
	}
}

// TestFilledLabelSets fills label sets of which some are not there all the time.
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
	l.Redefine([]alert.Definition{def}, interval, now)
	if err := l.FillFrom(c.read); err != nil {
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
