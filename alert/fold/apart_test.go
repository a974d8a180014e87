package fold_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// traffic is a service's events and how many of them fail, second by second.
type traffic struct {
	total, good []float64 // cumulative, over the first i seconds
}

func (tr *traffic) at(sums []float64, second int) float64 {
	return math.Floor(sums[max(0, min(second, len(sums)-1))])
}

// bursts makes traffic of 2 events a second, with bursts of 200 for `length` about every `pause`.
// From one second to another a share fails.
func bursts(rnd *rand.Rand, seconds int, length, pause [2]int, fail func(second int) float64, poisson bool) *traffic {
	tr := &traffic{[]float64{0}, []float64{0}}
	left, on := pause[0]+rnd.IntN(pause[1]-pause[0]+1), false
	if length[1] == 0 {
		left, on = seconds, true
	}
	for i := range seconds {
		if left == 0 {
			on = !on
			of := pause
			if on {
				of = length
			}
			left = of[0] + rnd.IntN(of[1]-of[0]+1)
		}
		left--
		n := 2.0
		if on {
			n = 200
		}
		if poisson {
			n = max(0, math.Round(n+math.Sqrt(n)*rnd.NormFloat64()))
		}
		bad := n * fail(i)
		tr.total = append(tr.total, tr.total[i]+n)
		tr.good = append(tr.good, tr.good[i]+n-bad)
	}
	return tr
}

// samples reads traffic every 30 s, total and good events so many seconds late. If they are seen
// apart, an earlier tick has shown it.
func (tr *traffic) samples(lateTotal, lateGood int) (samples []slo.Sample) {
	if lateTotal != lateGood {
		samples = append(samples, slo.Sample{Counts: slo.Counts{Total: 60, Bad: -1}})
	} else {
		samples = append(samples, slo.Sample{Counts: slo.Counts{Total: 60}})
	}
	for now := 60; now < len(tr.total); now += 30 {
		diff := func(sums []float64, late int) float64 { return tr.at(sums, now-late) - tr.at(sums, now-30-late) }
		total := diff(tr.total, lateTotal)
		s := slo.Sample{Counts: slo.Counts{Total: total, Bad: total - diff(tr.good, lateGood)}}
		s.Normalize()
		samples = append(samples, s)
	}
	return samples
}

// opened returns the newest states of the windows that samples open.
func opened(samples []slo.Sample, target string) (windows []alert.Window) {
	p := policy(alert.DefaultRules(30 * day)...)
	p.MinBadEvents = 10
	w := fold.NewWatch(alert.Definition{Objective: objective(target), Policy: p}, "", interval, epoch, epoch)
	for _, s := range samples {
		for _, e := range w.Step(s) {
			if e.Opened {
				windows = append(windows, e.Window)
			} else {
				windows[len(windows)-1] = e.Window
			}
		}
	}
	return windows
}

// TestNothingInFlightOpensAWindow reads a service that never fails from two sources that are up to
// 25 s apart.
func TestNothingInFlightOpensAWindow(t *testing.T) {
	none := func(int) float64 { return 0 }
	for name, shape := range map[string]struct{ length, pause [2]int }{
		"30 s every few minutes":       {[2]int{30, 30}, [2]int{120, 300}},
		"5 to 10 min, then quiet":      {[2]int{300, 600}, [2]int{1200, 3600}},
		"5 to 10 min, a short pause":   {[2]int{300, 600}, [2]int{180, 300}},
		"10 to 60 s every few minutes": {[2]int{10, 60}, [2]int{60, 300}},
	} {
		for _, target := range []string{"0.99", "0.999"} {
			for _, skew := range []int{-25, -19, 20, 25} {
				t.Run(fmt.Sprint(name, ", ", target, ", skew ", skew), func(t *testing.T) {
					t.Parallel()
					for seed := range uint64(2) {
						tr := bursts(rand.New(rand.NewPCG(seed, 0)), 2*3600, shape.length, shape.pause, none, seed == 0)
						for _, w := range opened(tr.samples(max(0, -skew), max(0, skew)), target) {
							t.Errorf("seed %d: a window of kind %s, %v from %s to %s", seed, w.Kind, w.Counts, w.Onset, w.Ended)
						}
					}
				})
			}
		}
	}
}

// TestOutagesOfTwoSources finds outages in steady traffic at most three ticks later than if good
// and total are seen together.
func TestOutagesOfTwoSources(t *testing.T) {
	for _, ratio := range []float64{1, 0.2, 0.05} {
		for _, skew := range []int{-25, -19, 19, 25} {
			fail := func(second int) float64 {
				if second >= 7200 && second < 9600 {
					return ratio
				}
				return 0
			}
			tr := bursts(rand.New(rand.NewPCG(1, 0)), 3*3600, [2]int{}, [2]int{}, fail, false)
			together, apart := opened(tr.samples(0, 0), "0.999"), opened(tr.samples(max(0, -skew), max(0, skew)), "0.999")
			if len(together) == 0 || len(apart) != len(together) {
				t.Fatalf("ratio %v, skew %d: %d windows, %d if seen together", ratio, skew, len(apart), len(together))
			}
			late := apart[0].Detected.Sub(together[0].Detected)
			onset, end := apart[0].Onset.Sub(together[0].Onset).Abs(), apart[0].Ended.Sub(together[0].Ended).Abs()
			if late > 3*interval || onset > interval || end > 2*interval || math.Abs(apart[0].Bad/together[0].Bad-1) > 0.05 {
				t.Errorf("ratio %v, skew %d: found %s later; onset and end differ by %s and %s, bad %v, want %v",
					ratio, skew, late, onset, end, apart[0].Bad, together[0].Bad)
			}
		}
	}
}
