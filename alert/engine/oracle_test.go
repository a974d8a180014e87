package engine_test

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

var (
	oracleRounds = flag.Int("oracle-rounds", 6, "how many random histories each oracle judges")
	oracleSeed   = flag.Uint64("oracle-seed", 1, "the seed of the oracles' histories; 0: another one each time")
)

// seedOf returns the seed asked for, or a new one each time.
func seedOf(t *testing.T, asked uint64) uint64 {
	if asked == 0 {
		asked = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", asked)
	return asked
}

// TestOracle folds random histories, with the process killed at random ticks, and finds the windows
// that the oracle finds in the raw events. In every other history target, window and rules change
// at random ticks.
func TestOracle(t *testing.T) {
	t.Parallel()
	seed, found := seedOf(t, *oracleSeed), map[alert.Kind]int{}
	for round := range 2 * *oracleRounds {
		for _, b := range judge(t, seed, round) {
			found[b.Kind]++
		}
	}
	t.Logf("breaches: %v", found)
	for _, kind := range []alert.Kind{alert.Burn, alert.Budget, alert.Blindness} {
		if found[kind] < *oracleRounds/3 {
			t.Errorf("only %d windows of kind %s: the histories test too little", found[kind], kind)
		}
	}
}

// TestFoundHistory folds histories that were once judged otherwise.
func TestFoundHistory(t *testing.T) {
	t.Parallel()
	judge(t, 1795374959237254180, 0) // a breach ends in a prorated bucket
	judge(t, 988, 13)                // a budget is overspent as the definition changes: its peak counts what was before
}

// judge compares what the oracle and a lane find in one random history.
func judge(t *testing.T, seed uint64, round int) []breach {
	t.Helper()
	want, got := judgeTwice(t, rand.New(rand.NewPCG(seed, uint64(round))), 4000, round%2 == 1)
	if diff := diffBreaches(want, got); diff != "" {
		t.Fatalf("-oracle-seed %d, round %d (-oracle +step function):\n%s", seed, round, diff)
	}
	return want
}

// judgeTwice has the oracle and a lane judge a random history.
func judgeTwice(t *testing.T, rnd *rand.Rand, ticks int, redefined bool) (want, got []breach) {
	def := oracleDefinition()
	o := newOracle(interval)
	o.redefine(def)
	lane := newMemory(t, "checkout", interval, epoch, def)
	for _, s := range randomSamples(rnd, ticks) {
		if redefined && rnd.IntN(250) == 0 {
			def = anotherDefinition(rnd)
			lane.lane.Redefine([]alert.Definition{def}, lane.lane.Cursor())
			o.redefine(def)
		}
		lane.step(s)
		o.step(s)
		if rnd.IntN(300) == 0 {
			lane.kill()
		}
	}
	return sorted(o.breaches), breachesOf(lane, epoch, interval)
}

// breachesOf returns a lane's closed windows.
func breachesOf(m *memory, start time.Time, interval time.Duration) (all []breach) {
	for _, w := range m.windows() {
		if at := func(at time.Time) int { return int(at.Sub(start) / interval) }; !w.IsOpen() {
			b := breach{Kind: w.Kind, Onset: at(w.Onset), Detected: at(w.Detected), Ended: at(w.Ended), Total: w.Total, Bad: w.Bad}
			if w.Kind == alert.Budget {
				b.Peak = w.PeakBurnRate
			}
			all = append(all, b)
		}
	}
	return sorted(all)
}

// diffBreaches compares an oracle's and a lane's breaches. A budget's burn rate is kept to three
// digits, so it is up to 0.5 % off.
func diffBreaches(want, got []breach) string {
	isPeak := func(p gocmp.Path) bool { return p.Last().String() == ".Peak" }
	counts := gocmp.FilterPath(func(p gocmp.Path) bool { return !isPeak(p) }, cmpopts.EquateApprox(0, 1e-6))
	return gocmp.Diff(want, got, gocmp.FilterPath(isPeak, cmpopts.EquateApprox(0.006, 0)), counts)
}

func sorted(all []breach) []breach {
	slices.SortFunc(all, func(a, b breach) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detected, b.Detected))
	})
	return all
}

// oracleDefinition has a window and rules that a history holds in buckets of one and two ticks.
func oracleDefinition() alert.Definition {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	def := alert.Definition{Objective: objective("0.99"), Policy: policy(
		alert.Rule{Rate: slo.MustDecimal("14.4"), Long: minutes(30), Short: minutes(3)},
		alert.Rule{Rate: slo.MustDecimal("6"), Long: minutes(180), Short: minutes(15)},
		alert.Rule{Rate: slo.MustDecimal("1"), Long: minutes(750), Short: minutes(60)},
	)}
	def.Objective.Window = slo.Window{Rolling: 12 * time.Hour}
	def.Policy.Hold, def.Policy.MinBadEvents, def.Policy.Budget = minutes(4), 10, true
	def.Policy.Blind = alert.BlindPolicy{After: minutes(5), Issue: true}
	return def
}

// anotherDefinition counts the same events but judges them differently.
func anotherDefinition(rnd *rand.Rand) alert.Definition {
	def := oracleDefinition()
	def.Objective.Target = slo.MustDecimal([]string{"0.99", "0.98", "0.995", "0.9"}[rnd.IntN(4)])
	def.Objective.Window.Rolling = []time.Duration{6 * time.Hour, 12 * time.Hour, minutes(750)}[rnd.IntN(3)]
	rules := def.Policy.Rules
	rules[0].Rate = slo.MustDecimal([]string{"14.4", "10"}[rnd.IntN(2)])
	rules[1].Short = []time.Duration{minutes(15), minutes(10)}[rnd.IntN(2)]
	def.Policy.Rules = rules[rnd.IntN(3):] // the longest stays
	def.Policy.Budget = rnd.IntN(4) > 0
	def.Policy.MinBadEvents = []float64{0, 10, 50}[rnd.IntN(3)]
	def.Policy.Hold = []time.Duration{0, minutes(4)}[rnd.IntN(2)]
	def.Policy.Blind = alert.BlindPolicy{After: []time.Duration{minutes(5), minutes(8)}[rnd.IntN(2)], Issue: rnd.IntN(4) > 0}
	return def
}

// randomSamples returns ticks of normal service with incidents of any depth and length, pauses in
// traffic, planned work, and blind stretches. Events of planned work are even.
func randomSamples(rnd *rand.Rand, n int) []slo.Sample {
	all := slices.Repeat([]slo.Sample{{Blind: true}}, rnd.IntN(20))
	for len(all) < n {
		length, ratio, rate := 1+rnd.IntN(400), 0.002*rnd.Float64(), 1+rnd.IntN(2000)
		switch rnd.IntN(8) {
		case 0, 1, 2:
			length, ratio = 1+rnd.IntN(60), rnd.Float64()
		case 3:
			length, ratio = 1+rnd.IntN(600), 0.05*rnd.Float64()
		case 4:
			length, rate = 1+rnd.IntN(30), 0
		case 5:
			all = append(all, slices.Repeat([]slo.Sample{{Blind: true}}, 1+rnd.IntN(30))...)
		}
		if rnd.IntN(12) == 0 {
			counts := slo.Counts{Total: float64(rate), Bad: float64(int(float64(rate) * ratio))}
			planned := slo.Sample{Counts: counts, Excluded: true}
			if rnd.IntN(3) == 0 { // no data during planned work
				planned = slo.Sample{Blind: true, Excluded: true}
			}
			all = append(all, slices.Repeat([]slo.Sample{planned}, length)...)
			all = append(all, slo.Sample{Counts: slo.Counts{Total: float64(rate)}})
			continue
		}
		for range length {
			var s slo.Sample
			for range min(rate, 40) {
				s.Bad += float64(btoi(rnd.Float64() < ratio) * max(1, rate/40))
			}
			s.Total = float64(min(rate, 40) * max(1, rate/40))
			all = append(all, s)
		}
	}
	return all[:n]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
