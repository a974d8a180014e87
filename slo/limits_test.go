package slo

import (
	"errors"
	"testing"
	"time"
)

// TestManyBlindStretches has more stretches without data than a history remembers: it forgets the
// oldest one.
func TestManyBlindStretches(t *testing.T) {
	h := NewHistory(tick, start, time.Hour, 24*time.Hour)
	for range 64 {
		h.Add(Sample{Counts: Counts{Total: 1}})
		h.Add(Sample{Blind: true})
	}
	first := h.Blind()[0]
	if len(h.Blind()) != 64 || !first.Start.Equal(start.Add(tick)) {
		t.Fatalf("%d stretches from %s, want all 64", len(h.Blind()), first.Start)
	}
	h.Add(Sample{Counts: Counts{Total: 1}})
	h.Add(Sample{Blind: true})
	if len(h.Blind()) != 64 || !h.Blind()[0].Start.Equal(first.Start.Add(2*tick)) {
		t.Errorf("%d stretches from %s, want the newest 64 of 65", len(h.Blind()), h.Blind()[0].Start)
	}
	if back, _ := reencoded(t, h); len(back.Blind()) != 64 {
		t.Errorf("%d stretches are read back", len(back.Blind()))
	}
}

// TestTooLargeHistoriesAreCorrupt reads histories with as many levels and points as there may be,
// and with more, which would take any amount of memory.
func TestTooLargeHistoriesAreCorrupt(t *testing.T) {
	for name, tc := range map[string]struct {
		levels, points int
		corrupt        bool
	}{
		"three levels":     {3, 10, false},
		"four levels":      {4, 10, true},
		"a million points": {1, 1 << 20, false},
		"and one more":     {1, 1<<20 + 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory(tick, start, time.Hour, 24*time.Hour)
			h.levels = nil
			for step := range tc.levels {
				h.levels.add(int64(tc.points-2), int64(step+1))
			}
			b, _ := h.AppendBinary(nil)
			if err := new(History).UnmarshalBinary(b); errors.Is(err, ErrCorrupt) != tc.corrupt {
				t.Errorf("reading it: %v", err)
			}
		})
	}
}

// TestResolution says how finely windows are summed: rules' in 1/864 of their length, and the
// objective's in 1/540 of its length.
func TestResolution(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		rules, window, fine, bucket, coarse time.Duration
	}{
		{72 * time.Hour, 30 * day, 721 * tick, 5 * time.Minute, 80 * time.Minute},
		{72 * time.Hour, 90 * day, 721 * tick, 5 * time.Minute, 4 * time.Hour},
		{864 * tick, 7 * day, 865 * tick, tick, 19 * time.Minute},
		{865 * tick, 7 * day, 721 * tick, 2 * tick, 19 * time.Minute},
		{time.Hour, 6 * time.Hour, 721 * tick, tick, tick},
	} {
		fine, bucket := Granularity(tick, tc.rules)
		if coarse := NewHistory(tick, start, tc.rules, tc.window).Resolution(); fine != tc.fine || bucket != tc.bucket || coarse != tc.coarse {
			t.Errorf("rules of %s, window of %s: single ticks for %s, then %s and %s; want %s, %s and %s",
				tc.rules, tc.window, fine, bucket, coarse, tc.fine, tc.bucket, tc.coarse)
		}
	}
}

func TestMostEvents(t *testing.T) {
	for in, want := range map[float64]float64{0x1p90: 0x1p90, 0x1p91: 0x1p90, -0x1p91: -0x1p90, 0x1p89: 0x1p89} {
		if got := Quantize(in); got != want {
			t.Errorf("Quantize(%g) = %g, want %g", in, got, want)
		}
	}
}

// TestLongestDecimals reads as many digits as there may be, and one more.
func TestLongestDecimals(t *testing.T) {
	for in, ok := range map[string]bool{
		"123456789": true, "1234567891": false, "0.1234567": true, "0.12345678": false, "99.12345%": true, "99.123456%": false,
	} {
		if _, err := ParseDecimal(in); (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		}
	}
}
