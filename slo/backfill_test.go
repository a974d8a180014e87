package slo

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestBackfilledHistory gives a history the time before its origin afterwards, newest first, and compares it with one that had it from the
// beginning: no window tells them apart.
func TestBackfilledHistory(t *testing.T) {
	const tick, ticks, begun = 30 * time.Second, 12_000, 5_000
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	start := time.Unix(0, 0).Add(1_000_000 * tick).UTC()
	at := func(n int) time.Time { return start.Add(time.Duration(n) * tick) }
	whole := NewHistory(tick, start, 12*time.Hour, 10*24*time.Hour)
	late := NewHistory(tick, at(begun), 12*time.Hour, 10*24*time.Hour)
	var pieces []Late // each of 200 ticks, with the same events in all of them
	for n := 0; n < ticks; n++ {
		if n%200 == 0 {
			bad := float64(rnd.IntN(10))
			pieces = append(pieces, Late{From: at(n), To: at(n + 200), Counts: Counts{Total: 200 * 50, Bad: 200 * bad}, Backfill: true})
		}
		p := pieces[n/200]
		s := Sample{Counts: Counts{Total: p.Total / 200, Bad: p.Bad / 200}}
		if n/200 == 7 || n/200 == 24 {
			s = Sample{Blind: true} // a hole, and one next to where it began
		}
		whole.Add(s)
		if n < begun {
			continue
		}
		if k := n - begun - 100; k >= 0 && k%250 == 0 && k/250 < begun/200 {
			if i := begun/200 - 1 - k/250; i != 7 && i != 24 {
				s.Late = append(s.Late, pieces[i])
			}
		}
		late.Add(s)
		if rnd.IntN(500) == 0 {
			late, _ = reencoded(t, late)
		}
	}
	if got, want := late.Origin(), whole.Origin(); !got.Equal(want) {
		t.Errorf("origin %s, want %s", got, want)
	}
	for _, h := range []*History{late, late.Resized(12*time.Hour, 10*24*time.Hour)} {
		for length := tick; length < 10*24*time.Hour; length += length/50 + tick {
			if got, want := h.Last(length), whole.Last(length); math.Abs(got.Total-want.Total) > 0.01 || math.Abs(got.Bad-want.Bad) > 0.01 {
				t.Fatalf("the last %s: %v, want %v", length, got, want)
			}
		}
	}
	if len(late.Blind()) != 2 || late.Blind()[0] != whole.Blind()[0] || late.Blind()[1] != whole.Blind()[1] {
		t.Errorf("blind %v, want %v", late.Blind(), whole.Blind())
	}
}
