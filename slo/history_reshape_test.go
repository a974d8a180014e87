package slo_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

// uneven is the sample of the n-th tick: each has another number of events and of bad ones, and
// some have no data.
func uneven(n int) slo.Sample {
	if n%701 < 3 {
		return slo.Sample{Blind: true}
	}
	return slo.Sample{Counts: slo.Counts{Total: float64(1000 + n*7919%977), Bad: float64(n * 104729 % 13 / 12)}}
}

// TestPrependedHistory has a history that begins in the middle of an older one, and compares the
// two put together with a history of everything.
func TestPrependedHistory(t *testing.T) {
	const tick, ticks = 30 * time.Second, 20_000
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * tick) }
	for _, joint := range []int{160, 8640, 19_040, 19_990} {
		t.Run(fmt.Sprint(joint), func(t *testing.T) {
			whole := slo.NewHistory(tick, start, 72*time.Hour, 30*24*time.Hour)
			old := slo.NewHistory(tick, start, 72*time.Hour, 30*24*time.Hour)
			late := slo.NewHistory(tick, at(joint), 72*time.Hour, 30*24*time.Hour)
			for n := range ticks {
				s := uneven(n)
				whole.Add(s)
				if n >= joint {
					late.Add(s)
				}
				if n == joint+3 { // the older one is wrong about the time after the joint
					s.Bad += 500
				}
				old.Add(s)
			}
			got := late.Prepended(old, at(joint))
			if all, want := got.Between(start, at(ticks)), whole.Between(start, at(ticks)); all != want {
				t.Errorf("%v in all, want %v", all, want)
			}
			if !got.Origin().Equal(whole.Origin()) || len(got.Blind()) != len(whole.Blind()) {
				t.Errorf("from %s with %d blind stretches, want %s and %d", got.Origin(), len(got.Blind()), whole.Origin(), len(whole.Blind()))
			}
			for length := tick; length <= ticks*tick; length += 127 * tick {
				if g, w := got.Last(length), whole.Last(length); math.Abs(g.Total-w.Total) > 0.01 || math.Abs(g.Bad-w.Bad) > 0.01 {
					t.Fatalf("the last %s are %v, want %v", length, g, w)
				}
			}
			got.Add(uneven(ticks))
			whole.Add(uneven(ticks))
			if g, w := got.Last(100*tick), whole.Last(100*tick); math.Abs(g.Total-w.Total) > 0.01 {
				t.Errorf("after one more tick the last 100 are %v, want %v", g, w)
			}
		})
	}
}

// TestPrependedHistoryHasForgotten goes back to a time whose window the older history has partly
// forgotten: the missing part counts at the mean rate.
func TestPrependedHistoryHasForgotten(t *testing.T) {
	const tick, window, back = 5 * time.Minute, 10 * 24 * time.Hour, 3 * 24 * time.Hour
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	old := slo.NewHistory(tick, start, time.Hour, window)
	for range 3 * window / tick {
		old.Add(slo.Sample{Counts: slo.Counts{Total: 100}})
	}
	at := old.Now().Add(-back)
	got := slo.NewHistory(tick, at, time.Hour, window).Prepended(old, at)
	got.Add(slo.Sample{Counts: slo.Counts{Total: 100}})
	want := 100 * float64(window/tick)
	if all := got.Last(window).Total; math.Abs(all-want) > 0.001*want {
		t.Errorf("%v events in the window, want about %v", all, want)
	}
	if seen := got.Counted(window).Total / want; seen < 0.6 || seen > 0.75 {
		t.Errorf("%.2f of the window's events were seen, want 0.7", seen)
	}
}

// TestRegriddedHistory puts a history on other grids. What was counted stays counted: exactly up to
// the times that both grids have, else to within a tick of the old one.
func TestRegriddedHistory(t *testing.T) {
	const ticks = 20_000
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct{ from, to time.Duration }{
		{30 * time.Second, time.Minute}, {time.Minute, 30 * time.Second}, {30 * time.Second, 20 * time.Second}, {30 * time.Second, 5 * time.Minute}, {10 * time.Second, 15 * time.Second},
	} {
		t.Run(fmt.Sprintf("%s to %s", tc.from, tc.to), func(t *testing.T) {
			old := slo.NewHistory(tc.from, start, 72*time.Hour, 30*24*time.Hour)
			for n := range ticks {
				old.Add(uneven(n))
			}
			got := old.Regridded(tc.to, 72*time.Hour, 30*24*time.Hour)
			end := old.Now().Truncate(tc.to)
			if !got.Now().Equal(end) {
				t.Fatalf("it ends at %s, want %s", got.Now(), end)
			}
			common := tc.from
			for common%tc.to != 0 {
				common += tc.from
			}
			whole := old.Now().Truncate(common)
			if g, w := got.Between(start, whole), old.Between(start, whole); g != w {
				t.Errorf("%v in all, want %v", g, w)
			}
			for back := 0; back < 300; back++ { // what old and new know tick by tick
				at := whole.Add(-time.Duration(back) * common)
				if at.Before(old.Now().Add(-700*tc.from)) || at.Before(got.Now().Add(-700*tc.to)) {
					break
				}
				if g, w := got.Between(at, whole), old.Between(at, whole); g != w {
					t.Fatalf("%v since %s, want %v", g, at, w)
				}
			}
			for back := time.Duration(0); back < 3*time.Hour; back += tc.to {
				at := end.Add(-back)
				g, w := got.Between(at, end), old.Between(at, end)
				if math.Abs(g.Total-w.Total) > 1977 {
					t.Fatalf("%v since %s, want %v", g, at, w)
				}
			}
		})
	}
}
