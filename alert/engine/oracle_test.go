package engine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// breach is what the oracle says of a breach window: tick numbers, and the events from onset to end.
type breach struct {
	Onset, Detected, Ended int
	Total, Bad             float64
}

// oracle finds the breach windows of kind burn in raw ticks, straight from the definitions and with no regard to cost. It is given
// everything in ticks; windows that begin more than 720 ticks ago see their oldest bucket prorated.
type oracle struct {
	rules          []alert.Rule
	short, long    []int // of the rules
	budget, minBad float64
	hold, bucket   int
	total, bad     []float64 // cumulative: of the first i ticks
	blind, planned []bool    // planned work is a time without traffic, in which nothing opens
	origin         int       // the first tick with data
	breaches       []breach
	starts         int // where the search for onsets begins: when the last breach was declared over
}

func (o *oracle) kept(sum []float64, i, now int) float64 { // the cumulative sum at i, as far as it is still known at now
	if i <= o.origin {
		return 0
	}
	from, to := max(o.origin, i/o.bucket*o.bucket), min(now, i/o.bucket*o.bucket+o.bucket)
	if now-i <= 720 || from == i {
		return sum[i]
	}
	return sum[from] + (sum[to]-sum[from])*float64(i-from)/float64(to-from)
}

func (o *oracle) window(length, now int) (total, bad float64) { // for rules: what closed breaches hold is good
	total, bad = o.total[now]-o.kept(o.total, now-length, now), o.bad[now]-o.kept(o.bad, now-length, now)
	for _, b := range o.breaches {
		bad -= max(0, o.bad[b.Ended]-max(o.bad[b.Onset], o.kept(o.bad, now-length, now)))
	}
	seen := 0
	for i := o.origin; i < now; i++ {
		if !o.blind[i] {
			seen++
		}
	}
	return total + total*float64(max(0, length-(now-o.origin)))/float64(max(1, seen)), max(0, bad)
}

func (o *oracle) onset(limit float64, now int) int { // CUSUM: where the sum of bad - limit x total was last 0
	onset, sum := o.starts, 0.0
	for i := o.starts; i < now; i++ {
		sum += (o.bad[i+1] - o.bad[i]) - limit*(o.total[i+1]-o.total[i])
		if sum <= 1e-9 {
			onset, sum = i+1, 0
		}
	}
	return onset
}

func (o *oracle) end(onset, now int) (end int) { // where the sum of bad - budget x total first is at its maximum
	for i, best := onset+1, 0.0; i <= now; i++ {
		if v := o.bad[i] - o.bad[onset] - o.budget*(o.total[i]-o.total[onset]); v > best+1e-9 {
			best, end = v, i
		}
	}
	return end
}

func (o *oracle) well(now int) bool { // over the last hold of ticks with events
	total, bad, ticks := 0.0, 0.0, 0
	for i := now; i > 0 && ticks < o.hold; i-- {
		if o.total[i] > o.total[i-1] {
			total, bad, ticks = total+o.total[i]-o.total[i-1], bad+o.bad[i]-o.bad[i-1], ticks+1
		}
	}
	return ticks == o.hold && bad <= o.budget*total+1e-9
}

func (o *oracle) run() []breach {
	var open *breach
	first, fired := 0, make([]bool, len(o.rules)) // first is the onset before any widening
	for now := 1; now < len(o.total); now++ {
		if o.blind[now-1] {
			continue
		}
		wasOpen := open != nil
		for i, r := range o.rules {
			limit := r.Rate.Float() * o.budget
			total, bad := o.window(o.short[i], now)
			longTotal, longBad := o.window(o.long[i], now)
			if open == nil && o.planned[now-1] || fired[i] || bad <= limit*total+1e-9 || longBad <= limit*longTotal+1e-9 || longBad < o.minBad {
				continue
			}
			onset := o.onset(limit, now)
			fired[i] = true
			if open == nil {
				open, first = &breach{Onset: onset, Detected: now}, onset
			} else if gained := o.bad[open.Onset] - o.bad[min(onset, open.Onset)]; onset < open.Onset && gained > 0 && gained >= o.minBad {
				open.Onset = onset
			}
		}
		if wasOpen && o.well(now) {
			open.Ended = o.end(first, now)
			open.Total, open.Bad = o.total[open.Ended]-o.total[open.Onset], o.bad[open.Ended]-o.bad[open.Onset]
			o.breaches, o.starts = append(o.breaches, *open), now
			open, fired = nil, make([]bool, len(o.rules))
		}
	}
	return o.breaches
}

// TestOracle folds random histories, with the process killed at random ticks, and finds what the oracle finds in the raw events.
func TestOracle(t *testing.T) {
	const interval, ticks = 30 * time.Second, 4000
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	def := alert.Definition{Objective: objective("0.99"), Policy: policy(
		alert.Rule{Rate: slo.MustDecimal("14.4"), Long: minutes(30), Short: minutes(3)},
		alert.Rule{Rate: slo.MustDecimal("6"), Long: minutes(180), Short: minutes(15)},
		alert.Rule{Rate: slo.MustDecimal("1"), Long: minutes(750), Short: minutes(60)},
	)}
	def.Policy.Hold, def.Policy.MinBadEvents = minutes(4), 10
	seed, breaches := uint64(time.Now().UnixNano()), 0
	t.Logf("seed %d", seed)
	for round := range 13 {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		if round == 12 { // a breach whose end falls into a prorated bucket
			rnd = rand.New(rand.NewPCG(1795374959237254180, 0))
		}
		o := &oracle{rules: def.Policy.Rules, budget: 0.01, minBad: 10, hold: 8, bucket: 2, total: []float64{0}, bad: []float64{0}}
		for _, r := range o.rules {
			o.short, o.long = append(o.short, int(r.Short/interval)), append(o.long, int(r.Long/interval))
		}
		lane := newMemory(t, "checkout", interval, epoch, def)
		for i, s := range randomSamples(rnd, ticks) {
			raw := s
			s = s.Unplanned() // for the oracle, a time without traffic
			o.total, o.bad, o.blind = append(o.total, o.total[i]+s.Total), append(o.bad, o.bad[i]+s.Bad), append(o.blind, s.Blind)
			o.planned = append(o.planned, s.Excluded)
			if s.Blind && o.origin == i {
				o.origin = i + 1
			}
			lane.step(raw)
			if rnd.IntN(300) == 0 {
				lane.kill()
			}
		}
		var got []breach
		for _, w := range lane.windows() {
			if w.IsOpen() {
				continue
			}
			at := func(at time.Time) int { return int(at.Sub(epoch) / interval) }
			got = append(got, breach{at(w.Onset), at(w.Detected), at(w.Ended), w.Total, w.Bad})
		}
		want := o.run()
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
			t.Fatalf("seed %d, round %d (-oracle +step function):\n%s", seed, round, diff)
		}
		breaches += len(want)
	}
	t.Logf("%d breaches", breaches)
	if breaches < 12 {
		t.Errorf("only %d breaches in all rounds: the histories test too little", breaches)
	}
}

// randomSamples are ticks of normal service with incidents of any depth and length, pauses in traffic, planned work, and blind stretches.
func randomSamples(rnd *rand.Rand, n int) []slo.Sample {
	var all []slo.Sample
	for range rnd.IntN(20) {
		all = append(all, slo.Sample{Blind: true})
	}
	for len(all) < n {
		planned := rnd.IntN(12) == 0
		length, ratio, rate := 1+rnd.IntN(400), 0.002*rnd.Float64(), 1+rnd.IntN(2000)
		switch rnd.IntN(8) {
		case 0, 1, 2:
			length, ratio = 1+rnd.IntN(60), rnd.Float64()
		case 3:
			length, ratio = 1+rnd.IntN(600), 0.05*rnd.Float64()
		case 4:
			length, rate = 1+rnd.IntN(30), 0
		case 5:
			for range 1 + rnd.IntN(30) {
				all = append(all, slo.Sample{Blind: true})
			}
		}
		for range length {
			var s slo.Sample
			for range min(rate, 40) {
				s.Bad += float64(btoi(rnd.Float64() < ratio) * max(1, rate/40))
			}
			s.Total, s.Excluded = float64(min(rate, 40)*max(1, rate/40)), planned
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
