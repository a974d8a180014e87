package engine

import (
	"cmp"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestSkipped folds pasts in which little happens, and that far from all else, so that steps around
// it may be skipped. What is found is what is found tick by tick, and most ticks are not read.
func TestSkipped(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	span := func(from, length time.Duration) slo.Span {
		return slo.Span{Start: start.Add(from), End: start.Add(from + length)}
	}
	for _, tc := range []struct {
		name   string
		fails  map[slo.Span]float64
		days   int // of the past; 0: 24
		change func(h *held, def *alert.Definition)
		want   map[alert.Kind]int // windows that opened
	}{
		{name: "nothing"},
		{
			name:  "outages, one of them in a single step",
			fails: map[slo.Span]float64{span(10*day+time.Hour, 3*time.Minute): 1, span(15*day, 40*time.Minute): 0.1},
			want:  map[alert.Kind]int{alert.Burn: 2},
		},
		{name: "a slow burn", fails: map[slo.Span]float64{span(12*day, 12*time.Hour): 0.008}, want: map[alert.Kind]int{alert.Burn: 1}},
		{
			name:  "a budget that is spent and met again",
			fails: map[slo.Span]float64{span(8*day, 2*time.Hour): 0.2, span(10*day, 30*time.Hour): 0.0005},
			change: func(_ *held, def *alert.Definition) {
				def.Objective.Window = slo.Window{Rolling: 5 * day}
			},
			want: map[alert.Kind]int{alert.Burn: 1, alert.Budget: 1},
		},
		{
			name:  "a budget of a month",
			fails: map[slo.Span]float64{span(8*day, 2*time.Hour): 0.5},
			change: func(_ *held, def *alert.Definition) {
				def.Objective.Window = slo.Window{Calendar: "month"}
			},
			want: map[alert.Kind]int{alert.Burn: 1, alert.Budget: 1},
		},
		{
			name: "little traffic",
			change: func(h *held, def *alert.Definition) {
				def.Policy.Quiet = alert.DefaultQuiet()
				def.Policy.Quiet.Issue = true
				h.lose(span(15*day, 2*time.Hour), 0.02)
			},
			want: map[alert.Kind]int{alert.Quietness: 1},
		},
		{
			name: "little traffic, and rules that look back a few hours", fails: map[slo.Span]float64{span(12*day, 40*time.Minute): 0.1},
			change: func(h *held, def *alert.Definition) {
				def.Policy.Rules = []alert.Rule{{Rate: slo.MustDecimal("3"), Long: 4 * time.Hour, Short: 20 * time.Minute}}
				def.Policy.Quiet = alert.DefaultQuiet()
				def.Policy.Quiet.Issue = true
				h.lose(span(15*day, 2*time.Hour), 0.02)
			},
			want: map[alert.Kind]int{alert.Burn: 1, alert.Quietness: 1},
		},
		{
			name: "data that begin late", fails: map[slo.Span]float64{span(15*day, 40*time.Minute): 0.1},
			change: func(h *held, def *alert.Definition) {
				def.Policy.Blind = alert.BlindPolicy{After: 15 * time.Minute, Issue: true}
				h.hide(span(0, 9*day))
			},
			want: map[alert.Kind]int{alert.Burn: 1, alert.Blindness: 1},
		},
		{
			name: "no data at all", days: 8,
			change: func(h *held, def *alert.Definition) {
				def.Objective.Window = slo.Window{Calendar: "week"}
				h.hide(span(0, 8*day))
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			days := cmp.Or(tc.days, 24)
			ticks := days * 2880
			h := steady(start, ticks, tc.fails)
			of := pastOf{def: pastDefinition("checkout"), span: span(0, time.Duration(days)*day)}
			if tc.change != nil {
				tc.change(h, &of.def)
			}
			want := foldHeld(t, h, of, pastFolder{everyTick: true})
			clear(h.asked)
			got := foldHeld(t, h, of, pastFolder{})
			if len(got) != len(want) {
				t.Fatalf("%d label sets, want %d", len(got), len(want))
			}
			for i := range want {
				compareSets(t, tc.name, want[i], got[i])
			}
			opened := map[alert.Kind]int{}
			for _, e := range got[0].events {
				if e.Opened {
					opened[e.Window.Kind]++
				}
			}
			for _, kind := range []alert.Kind{alert.Burn, alert.Budget, alert.Blindness, alert.Quietness} {
				if opened[kind] != tc.want[kind] {
					t.Errorf("%d windows of kind %s opened, want %d", opened[kind], kind, tc.want[kind])
				}
			}
			if h.asked[h.interval] > ticks/4 {
				t.Errorf("%d of %d ticks were read one by one", h.asked[h.interval], ticks)
			}
		})
	}
}

// lose leaves a share of the events of a stretch.
func (h *held) lose(span slo.Span, share float64) {
	s := h.sets[""]
	before := s.sums[0]
	var lost slo.Counts
	for i := 1; i < len(s.sums); i++ {
		own := s.sums[i].Sub(before)
		before = s.sums[i]
		if at := h.start.Add(time.Duration(i) * h.interval); at.After(span.Start) && !at.After(span.End) {
			lost = lost.Add(slo.Counts{Total: own.Total * (1 - share), Bad: own.Bad * (1 - share)})
		}
		s.sums[i] = s.sums[i].Sub(lost)
	}
}

// hide hides a stretch.
func (h *held) hide(span slo.Span) {
	s := h.sets[""]
	for i := range s.seen {
		if at := h.start.Add(time.Duration(i) * h.interval); !at.Before(span.Start) && !at.After(span.End) {
			s.seen[i] = false
		}
	}
}
