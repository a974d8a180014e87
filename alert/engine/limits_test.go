package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// TestTickIsDue has a tick become due exactly its delay after its end.
func TestTickIsDue(t *testing.T) {
	const interval = 30 * time.Second
	end := time.Date(2026, 3, 2, 0, 1, 0, 0, time.UTC)
	def := alert.Definition{Objective: slo.Objective{Name: "checkout"}}
	slow := def
	slow.Objective.Delay = 5 * time.Minute
	for name, tc := range map[string]struct {
		def   alert.Definition
		extra time.Duration
		want  time.Duration
	}{
		"the usual delay":          {def, 0, time.Minute},
		"its own delay":            {slow, 0, 5 * time.Minute},
		"after data that was late": {def, 90 * time.Second, 150 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLane("checkout", fold.NewLane(interval, end.Add(-interval)))
			l.redefine([]alert.Definition{tc.def}, end)
			l.readers.of("checkout").Extra = tc.extra
			now := end.Add(tc.want)
			c := clock{now: func() time.Time { return now }, interval: interval, usual: time.Minute}
			if ticks := c.missing(l, tc.def, now); ticks.Len() != 1 || !ticks.Last.Equal(end) {
				t.Errorf("%s after its end: %d ticks up to %s", tc.want, ticks.Len(), ticks.Last)
			}
			if now = now.Add(-time.Nanosecond); c.missing(l, tc.def, now).Len() != 0 {
				t.Errorf("it is due before")
			}
		})
	}
}

// TestIsFinal waits for a tick without events until there are later samples.
func TestIsFinal(t *testing.T) {
	end := time.Date(2026, 3, 2, 0, 1, 0, 0, time.UTC)
	ticks := slo.Ticks{First: end, Last: end, Interval: 30 * time.Second}
	for name, tc := range map[string]struct {
		sample slo.Sample
		newest time.Time
		err    error
		want   bool
	}{
		"it has events":                       {sample: slo.Sample{Counts: slo.Counts{Total: 1}}, want: true},
		"a sample at its end":                 {newest: end, want: true},
		"the newest sample is in it":          {newest: end.Add(-time.Nanosecond)},
		"nobody knows":                        {err: errors.New("refused"), want: true},
		"there is nothing, not even a series": {sample: slo.Sample{Blind: true}, newest: end},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sampler{reach: func(context.Context, slo.Objective) (time.Time, error) { return tc.newest, tc.err }}
			a := arrival{slo.Reading{Series: []slo.Series{{Samples: []slo.Sample{tc.sample}}}}, ticks}
			if got := s.isFinal(t.Context(), alert.Definition{}, a); got != tc.want {
				t.Errorf("final: %v, want %v", got, tc.want)
			}
		})
	}
}

// TestTicksAtATime bounds how much a lane reads at a time.
func TestTicksAtATime(t *testing.T) {
	many := slo.Ticks{First: time.Unix(0, 0), Last: time.Unix(30*99_999, 0), Interval: 30 * time.Second}
	for name, tc := range map[string]struct{ watches, most, want int }{
		"one objective":                     {1, 0, 1000},
		"as many as a thousand ticks' room": {40, 0, 1000},
		"more":                              {50, 0, 800},
		"so many that each gets the fewest": {800, 0, 50},
		"even more":                         {2000, 0, 50},
		"after some could not be read":      {1, 7, 7},
		"a limit beyond what there is room": {100, 500, 400},
		"no objective has a series so far":  {0, 0, 1000},
	} {
		if got := bounded(many, tc.watches, tc.most).Len(); got != tc.want {
			t.Errorf("%s: %d ticks, want %d", name, got, tc.want)
		}
	}
	for name, tc := range map[string]struct {
		most, ticks int
		read        bool
		want        int
	}{
		"all could be read":          {0, 1000, true, 0},
		"it could not":               {0, 1000, false, 500},
		"not even one":               {1, 1, false, 1},
		"it can again":               {500, 500, true, 626},
		"never more than a thousand": {900, 900, true, 1000},
	} {
		if got := stretched(tc.most, tc.ticks, tc.read); got != tc.want {
			t.Errorf("%s: %d ticks next, want %d", name, got, tc.want)
		}
	}
}
