package slo

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestBounds adds random ticks to one history one by one, and to another in steps that hide how the
// events are spread. The first one's sums must be within the second one's bounds, and equal its
// sums if it says that they are exact.
func TestBounds(t *testing.T) {
	const interval, step = 30 * time.Second, 5 * time.Minute
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	checked, exact := 0, 0
	for round := range 20 {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		rules := []time.Duration{time.Hour, 9 * time.Hour, 72 * time.Hour}[rnd.IntN(3)]
		all := NewHistory(interval, start, rules, 200*time.Hour)
		known := map[int64]bool{all.Now().UnixNano(): true}
		u := Unsure{History: all.Clone(), Step: CoarseStep(interval, rules, 200*time.Hour, step)}
		u.IsKnown = func(p time.Time) bool {
			return known[p.UnixNano()] || p.UnixNano()%int64(u.Step) == 0 || !p.After(start)
		}
		for all.Now().Before(start.Add(120 * time.Hour)) {
			ticks := make([]Sample, int(u.Step/interval))
			var sum Sample
			for i := range ticks {
				ticks[i].Total = float64(rnd.IntN(3) / 2 * rnd.IntN(1000))
				ticks[i].Bad = float64(rnd.IntN(10) / 9 * rnd.IntN(int(ticks[i].Total)+1))
				sum.Counts = sum.Add(ticks[i].Counts)
			}
			length := time.Duration(1+rnd.IntN(int(200*time.Hour/interval))) * interval
			least, most := u.Bounds(length, u.Step, sum.Counts)
			for _, s := range ticks {
				all.Add(s)
				got := all.Last(length)
				if checked++; (got.Bad < least.Bad-1e-6 || got.Bad > most.Bad+1e-6 || got.Total < least.Total*(1-1e-9) || got.Total > most.Total*(1+1e-9)) && u.Now().After(start) {
					t.Fatalf("round %d, %s after the start: the last %s are %v, not within %v and %v", round, all.Now().Sub(start), length, got, least, most)
				}
			}
			if rnd.IntN(3) == 0 || !u.Now().After(start) {
				for _, s := range ticks {
					u.Add(s)
					known[u.Now().UnixNano()] = true
				}
			} else {
				u.AddLong(sum, int64(len(ticks)))
			}
			if from := all.Now().Add(-length); u.IsExact(from) {
				if exact++; all.Last(length) != u.Last(length) {
					t.Fatalf("round %d, %s after the start: the last %s are %v, not exactly %v", round, all.Now().Sub(start), length, all.Last(length), u.Last(length))
				}
			}
		}
	}
	t.Logf("%d of %d exact", exact, checked)
}

func TestCoarseStep(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name                          string
		interval, rules, window, want time.Duration
	}{
		{"the default rules", 30 * time.Second, 3 * day, 30 * day, 5 * time.Minute},
		{"the default rules at ticks of a second", time.Second, 3 * day, 30 * day, 5 * time.Minute},
		{"the default rules at ticks of a minute", time.Minute, 3 * day, 30 * day, 5 * time.Minute},
		{"buckets that are longer", 30 * time.Second, 9 * day, 90 * day, 15 * time.Minute},
		{"ticks that are kept one by one", 30 * time.Second, 6 * time.Hour, 30 * day, 5 * time.Minute},
		{"coarse buckets of an odd number of shorter ones", 30 * time.Second, 16*time.Hour + 48*time.Minute, 7 * day, 90 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := CoarseStep(tc.interval, tc.rules, tc.window, 5*time.Minute)
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			for _, l := range NewHistory(tc.interval, time.Unix(0, 0), tc.rules, tc.window).levels {
				if length := time.Duration(l.step) * tc.interval; l.step > 1 && length > got && length%got != 0 {
					t.Errorf("buckets of %s are not made of steps of %s", length, got)
				}
			}
		})
	}
}

func TestHistoryClone(t *testing.T) {
	h := NewHistory(30*time.Second, time.Unix(0, 0), time.Hour, 24*time.Hour)
	h.Add(Sample{Counts: Counts{10, 1}})
	h.Add(Sample{Blind: true})
	before, _ := h.AppendBinary(nil)
	c := h.Clone()
	for range 1000 {
		c.Add(Sample{Counts: Counts{10, 1}})
		c.Add(Sample{Blind: true})
	}
	if after, _ := h.AppendBinary(nil); !slices.Equal(before, after) {
		t.Error("a clone shares what changes")
	}
}

// TestAhead looks at steps ahead, and then adds their ticks one by one, or each step as a whole.
// All windows are within the bounds.
func TestAhead(t *testing.T) {
	const interval = 30 * time.Second
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var reuse *Ahead
	tight, checked := 0, 0
	for round := range 30 {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		rules := []time.Duration{time.Hour, 9 * time.Hour, 72 * time.Hour, 9 * 24 * time.Hour}[rnd.IntN(4)]
		all := NewHistory(interval, start, rules, 300*time.Hour)
		u := Unsure{History: all.Clone(), Step: CoarseStep(interval, rules, 300*time.Hour, 5*time.Minute), IsKnown: func(time.Time) bool { return true }}
		perStep := int(u.Step / interval)
		for all.Now().Before(start.Add(400 * time.Hour)) {
			steps, ticks := make([]Sample, 1+rnd.IntN(72)), []Sample(nil)
			for i := range steps {
				for range perStep {
					var c Counts
					c.Total = float64(rnd.IntN(3) / 2 * rnd.IntN(1000))
					c.Bad = float64(rnd.IntN(10) / 9 * rnd.IntN(int(c.Total)+1))
					ticks, steps[i].Counts = append(ticks, Sample{Counts: c}), steps[i].Add(c)
				}
			}
			length := time.Duration(1+rnd.IntN(int(rules/interval))) * interval
			if rnd.IntN(2) == 0 {
				length = max(u.Step, length.Truncate(u.Step))
			}
			ago := time.Duration(rnd.IntN(int(300*time.Hour-rules)/int(interval))) * interval
			reuse = u.AheadOf(steps, reuse)
			bounds := reuse.Bounds(nil, length, len(steps))
			for i, s := range ticks {
				all.Add(s)
				if checked++; !all.Origin().Equal(start) {
					t.Fatal("the first tick has data")
				}
				got, b := all.Last(length), bounds[i/perStep]
				begun := all.Cumulative(all.Now().Add(-length)).Bad
				if got.Total < b.Total*(1-1e-9) || got.Bad > b.Bad+1e-6 || begun > b.Before+1e-6 {
					t.Fatalf("round %d, %s after the start, step %d: the last %s are %v after %v bad ones, not within %+v", round, all.Now().Sub(start), i/perStep, length, got, begun, b)
				}
				if got.Bad > b.Bad-1e-6 {
					tight++
				}
				then := all.Between(all.Now().Add(-ago-length), all.Now().Add(-ago)).Total
				first := rnd.IntN(i/perStep + 1)
				if most := reuse.Most(length, ago, first, i/perStep+1); all.Known().Before(all.Now().Add(-ago-length-u.Step)) && then > most*(1+1e-9) {
					t.Fatalf("round %d, %s after the start, step %d: the %s that ended %s before have %v, not at most %v", round, all.Now().Sub(start), i/perStep, length, ago, then, most)
				}
			}
			whole := u.History.Clone()
			for _, s := range steps {
				whole.AddLong(s, int64(perStep))
			}
			u.AddSteps(steps, int64(perStep))
			want, _ := whole.AppendBinary(nil)
			if got, _ := u.AppendBinary(nil); !bytes.Equal(want, got) {
				t.Fatalf("round %d, %s after the start: many steps are not what each of them is", round, all.Now().Sub(start))
			}
		}
	}
	if t.Logf("%d of %d are as bad as they can be", tight, checked); tight < checked/100 {
		t.Error("the bounds are too wide")
	}
}
