package fold

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/slo"
)

// TestDoubts folds random ticks one by one, and in steps. No tracker's sum is above its bound.
// Trackers without doubt are right, and the others are if given every tick from where doubts say.
func TestDoubts(t *testing.T) {
	const interval, step = 30 * time.Second, 5 * time.Minute
	drawn := seed.Of(t)
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	def := alert.Definition{Objective: slo.Objective{Name: "checkout", Target: slo.MustDecimal("0.9"), Window: slo.Window{Rolling: 720 * time.Hour}}}
	def.Policy = alert.Policy{Rules: alert.DefaultRules(720 * time.Hour), MinBadEvents: 1e15} // no window is opened
	doubtful, again := 0, 0
	for round := range 10 {
		rnd := rand.New(rand.NewPCG(drawn, uint64(round)))
		exact := NewWatch(def, "", interval, start, time.Time{})
		c := NewCoarse(NewWatch(def, "", interval, start, time.Time{}), step)
		states, steps := map[time.Time]*Coarse{}, map[time.Time][]slo.Sample{}
		for n := range 600 {
			states[c.Now()] = c.Clone()
			ticks, sum := randomTicks(rnd, rnd.IntN(10), int(step/interval))
			steps[c.Now()] = ticks
			for i := range ticks {
				ticks[i].Tick = exact.Now().Add(interval)
				exact.Step(ticks[i])
			}
			if n == 0 || rnd.IntN(4) == 0 {
				for _, s := range ticks {
					c.Step(s)
				}
			} else {
				c.StepLong(sum, len(ticks))
			}
			for i, d := range c.doubts {
				want, got := exact.firing.track[i], c.firing.track[i]
				if want.Sum > d.most {
					t.Fatalf("round %d, step %d, rule %d: the sum is %v, at most %v", round, n, i, want.Sum, d.most)
				}
				if !d.inSums && (got.Sum != want.Sum || !got.Onset.Equal(want.Onset) || got.Counts != want.Counts) {
					t.Fatalf("round %d, step %d, rule %d: %+v, want %+v", round, n, i, got, want)
				}
				if !d.inSums {
					continue
				}
				if doubtful++; d.from.UnixNano()%int64(step) != 0 || rnd.IntN(20) > 0 {
					continue
				}
				again++
				fine := states[d.from].Clone()
				for fine.Now().Before(exact.Now()) {
					for _, s := range steps[fine.Now()] {
						fine.Step(s)
					}
				}
				if got := fine.firing.track[i]; fine.doubts[i].inSums || got.Sum != want.Sum || !got.Onset.Equal(want.Onset) || got.Counts != want.Counts {
					t.Fatalf("round %d, step %d, rule %d, every tick from %s on: %+v, want %+v", round, n, i, d.from, got, want)
				}
			}
		}
	}
	if doubtful == 0 || again == 0 {
		t.Errorf("%d doubts, %d of them looked into", doubtful, again)
	}
}

// randomTicks returns the ticks of a step, and their sum. Bad events are few, or come all at once.
func randomTicks(rnd *rand.Rand, kind, n int) (ticks []slo.Sample, sum slo.Sample) {
	for range n {
		s := slo.Sample{Counts: slo.Counts{Total: float64(1 + rnd.IntN(100))}}
		switch {
		case kind < 5:
			s.Bad = float64(rnd.IntN(20) / 19)
		case kind < 8 && rnd.IntN(n) == 0:
			s.Bad = s.Total
		case kind == 9:
			s.Bad = float64(rnd.IntN(int(s.Total) + 1))
		}
		ticks, sum.Counts = append(ticks, s), sum.Add(s.Counts)
	}
	return ticks, sum
}
