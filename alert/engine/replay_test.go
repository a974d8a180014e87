package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// steady makes a source with 1,000 events a tick; in some stretches a share is bad. It has data
// from a time on.
func steady(from time.Time, n int, share map[slo.Span]float64) *held {
	h := &held{start: from, interval: 30 * time.Second, sets: map[slo.Labels]*heldSet{}, asked: map[time.Duration]int{}}
	s := &heldSet{sums: make([]slo.Counts, 1), seen: []bool{true}}
	for i := 1; i <= n; i++ {
		c := slo.Counts{Total: 1000}
		for span, ratio := range share {
			if at := from.Add(time.Duration(i) * h.interval); at.After(span.Start) && !at.After(span.End) {
				c.Bad = 1000 * ratio
			}
		}
		s.sums, s.seen = append(s.sums, s.sums[i-1].Add(c)), append(s.seen, true)
	}
	h.sets[""] = s
	return h
}

func pastDefinition(name string) alert.Definition {
	const month = 30 * 24 * time.Hour
	o := slo.Objective{Name: name, Service: "shop", Target: slo.MustDecimal("0.999"), Window: slo.Window{Rolling: month}}
	o.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: `r{code=~"5.."}`, Total: "r"}}
	p := alert.Policy{Rules: alert.DefaultRules(month), Budget: true, MinBadEvents: 10, MergeGap: 30 * time.Minute, Group: "shop"}
	return alert.Definition{Objective: o, Policy: p}
}

// TestReplayBegins begins two-day replays before, in and after outages.
func TestReplayBegins(t *testing.T) {
	start := time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)
	from := start.Add(-33 * 24 * time.Hour)
	at := func(hours float64) time.Time { return start.Add(time.Duration(hours * float64(time.Hour))) }
	span := func(from, to float64) slo.Span { return slo.Span{Start: at(from), End: at(to)} }
	for _, tc := range []struct {
		name  string
		share map[slo.Span]float64
		want  []string // kind, onset and end of each window, newest incident first, in hours after the start
		fine  int      // ticks that are read one by one, at most
	}{
		{"nothing happened", nil, nil, 760},
		{"an outage", map[slo.Span]float64{span(9.1, 9.3): 1}, []string{"burn 9.10 to 9.30"}, 1100},
		{"one that is over", map[slo.Span]float64{span(-9, -8.8): 1}, nil, 1100},
		{"one that is over, though that is found later", map[slo.Span]float64{span(-0.25, -0.05): 1}, nil, 1100},
		{"one that goes on at the start", map[slo.Span]float64{span(-0.2, 0.15): 1}, []string{"burn -0.20 to 0.15"}, 1100},
		{"one that goes on at the end", map[slo.Span]float64{span(47.5, 48): 0.5}, []string{"burn 47.50 goes on"}, 1100},
		{"one as before, which is not swallowed by the next", map[slo.Span]float64{span(-3, -2.8): 1, span(1, 1.2): 1}, []string{"burn 1.00 to 1.20"}, 1500},
		{"a budget that was overspent before", map[slo.Span]float64{span(-90, -89): 1}, []string{"budget -89.28 goes on"}, 1600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := steady(from, 35*2880, tc.share)
			def := pastDefinition("checkout")
			r, err := Replay(t.Context(), h.read, []alert.Definition{def}, h.interval, start, start.Add(48*time.Hour), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range r.Incidents {
				for _, w := range i.Windows {
					text := fmt.Sprintf("%s %.2f", w.Kind, w.Onset.Sub(start).Hours())
					if w.IsOpen() {
						text += " goes on"
					} else {
						text += fmt.Sprintf(" to %.2f", w.Ended.Sub(start).Hours())
					}
					got = append(got, text)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(r.Statuses) != 1 || !r.Statuses[0].Tick.Equal(start.Add(48*time.Hour)) {
				t.Errorf("statuses %+v", r.Statuses)
			}
			if fine := h.asked[h.interval]; fine > tc.fine {
				t.Errorf("%d ticks were read one by one, want at most %d", fine, tc.fine)
			}
		})
	}
}

// TestReplayFails has one objective of two refused, and one not readable in long stretches.
func TestReplayFails(t *testing.T) {
	start := time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)
	h := steady(start.Add(-24*time.Hour), 2*2880, nil)
	source := func(refused string, most int) Source {
		return func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
			switch {
			case objectives[0].Name == refused:
				return []slo.Reading{{Err: fmt.Errorf("%w: bad_data", slo.ErrRefused)}}
			case ticks.Len() > most:
				return []slo.Reading{{Err: fmt.Errorf("%w: context deadline exceeded", slo.ErrUnreachable)}}
			case ticks.First.Before(h.start.Add(ticks.Interval)):
				return []slo.Reading{{Series: []slo.Series{{Samples: blindSamples(ticks)}}}}
			}
			series := slo.Series{Samples: make([]slo.Sample, ticks.Len())}
			for i := range series.Samples {
				series.Samples[i] = slo.Sample{Tick: ticks.At(i), Counts: slo.Counts{Total: 1000}}
			}
			return []slo.Reading{{Series: []slo.Series{series}}}
		}
	}
	defs := []alert.Definition{pastDefinition("a"), pastDefinition("b")}
	_, err := Replay(t.Context(), source("b", 1000), defs, h.interval, start, start.Add(time.Hour), nil)
	if !errors.Is(err, slo.ErrRefused) || !strings.Contains(err.Error(), "reading b") {
		t.Errorf("got %v, want b refused", err)
	}
	if _, err := Replay(t.Context(), source("", 60), defs, h.interval, start, start.Add(time.Hour), nil); err != nil {
		t.Errorf("with fewer ticks at a time: %v", err)
	}
	if _, err := Replay(t.Context(), source("", 10), defs, h.interval, start, start.Add(time.Hour), nil); !errors.Is(err, slo.ErrUnreachable) {
		t.Errorf("got %v, want it unreachable", err)
	}
}

// TestMayBeSigned lists the indicators read at every tick.
func TestMayBeSigned(t *testing.T) {
	for _, tc := range []struct {
		name      string
		indicator slo.Indicator
		want      bool
	}{
		{"bad ones", slo.Indicator{Ratio: &slo.Ratio{Bad: `r{code=~"5.."}`, Total: "r"}}, false},
		{"bad ones of another metric", slo.Indicator{Ratio: &slo.Ratio{Bad: "failed", Total: "r"}}, false},
		{"good ones of the same metric", slo.Indicator{Ratio: &slo.Ratio{Good: `r{code!~"5..|}"}`, Total: `r{path="a-b"}`}}, false},
		{"good ones of the same metric, twice", slo.Indicator{Ratio: &slo.Ratio{Good: `r{code="200"} or r{code="204"}`, Total: "r"}}, false},
		{"good ones of another metric", slo.Indicator{Ratio: &slo.Ratio{Good: "ended", Total: "begun"}}, true},
		{"a difference", slo.Indicator{Ratio: &slo.Ratio{Bad: "begun - ended", Total: "begun"}}, true},
		{"a latency", slo.Indicator{Latency: &slo.Latency{Histogram: "h"}}, false},
		{"what is true or false", slo.Indicator{Bool: "up == 1"}, true},
		{"what is measured once a tick", slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "e"}}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mayBeSigned(slo.Objective{Indicator: tc.indicator}); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
