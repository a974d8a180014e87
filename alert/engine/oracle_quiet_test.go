package engine_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// quietOracle finds the windows of kind quiet in raw ticks, straight from the definition. Traffic
// is too low from when a stretch of `after` ticks has less than a share of the same ticks a day or
// a week before, whichever had fewer, until one has as much again.
type quietOracle struct {
	after, daily   int // ticks
	below          float64
	total          []float64
	blind, planned []bool
	origin         int // the first tick with data
	redefined      int // the last tick before the definition changed
	open           *breach
	rate           float64 // events a tick that are usual
	breaches       []breach
}

func (o *quietOracle) sum(from, to int) (total float64) {
	for i := max(0, from); i < to; i++ {
		total += o.total[i]
	}
	return total
}

// unseen counts the ticks without data or of planned work.
func (o *quietOracle) unseen(from, to int) (n int) {
	for i := max(o.origin, from); i < to; i++ {
		n += btoi(o.blind[i] || o.planned[i])
	}
	return n
}

// usual returns how many events the ticks after `from` usually have. While traffic is low, ticks of
// that time don't count as usual.
func (o *quietOracle) usual(from, to int) (events float64, known bool) {
	events = math.Inf(1)
	for _, before := range []int{o.daily, 7 * o.daily} {
		a, b := from-before, to-before
		switch unseen := o.unseen(a, b); {
		case b > from || o.open != nil && b > o.open.Onset:
			continue
		case a < o.origin || 2*unseen > b-a:
			return 0, false
		default:
			events, known = min(events, o.sum(a, b)*float64(b-a)/float64(b-a-unseen)), true
		}
	}
	return events, known
}

// step judges the next tick, ten times per stretch. If it, or an earlier tick of the stretch, has
// no data or planned work, nothing changes.
func (o *quietOracle) step(s slo.Sample) {
	now := len(o.total) + 1
	if s.Excluded {
		s.Counts = slo.Counts{}
	}
	o.total, o.blind, o.planned = append(o.total, s.Total), append(o.blind, s.Blind), append(o.planned, s.Excluded)
	if s.Blind && o.origin == now-1 {
		o.origin = now
	}
	from := now - o.after
	if s.Blind || s.Excluded || from < 0 || o.unseen(from, now) > 0 {
		return
	}
	usual, known := o.usual(from, now)
	if o.open != nil {
		if known {
			o.rate = usual / float64(o.after)
		}
		if o.sum(from, now) >= o.below*o.rate*float64(o.after) {
			o.open.Ended = o.end(now)
			o.open.Total = o.sum(o.open.Onset, o.open.Ended)
			o.breaches, o.open = append(o.breaches, *o.open), nil
		}
		return
	}
	if known && now%max(1, o.after/10) == 0 && from >= o.redefined && usual >= 100 && o.sum(from, now) < o.below*usual {
		o.rate = usual / float64(o.after)
		o.open = &breach{Kind: alert.Quietness, Onset: o.onset(from, now), Detected: now}
	}
}

// missing returns how many events a tick is short of the middle between usual and too few.
func (o *quietOracle) missing(i int) float64 {
	if o.blind[i] || o.planned[i] {
		return 0
	}
	return o.rate*(1+o.below)/2 - o.total[i]
}

// onset returns the first tick after the sum of missing was last 0.
func (o *quietOracle) onset(from, now int) int {
	onset, sum := from, 0.0
	for i := from; i < now; i++ {
		if sum = max(0, sum+o.missing(i)); sum == 0 {
			onset = i + 1
		}
	}
	return onset
}

// end returns when that sum first peaked.
func (o *quietOracle) end(now int) int {
	end, sum, most := now, 0.0, 0.0
	for i := o.open.Onset; i < now; i++ {
		if sum += o.missing(i); sum > most {
			end, most = i+1, sum
		}
	}
	return end
}

// TestQuietOracle folds weeks of random traffic, with the process killed and the definition changed
// at random ticks, and finds the windows of kind quiet that the oracle finds.
func TestQuietOracle(t *testing.T) {
	const interval, ticks = 15 * time.Minute, 3000 // 31 days
	seed, found := seedOf(t, *oracleSeed), 0
	for round := range *oracleRounds {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		def := alert.Definition{Objective: objective("0.9"), Policy: policy()}
		def.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("0.3"), After: time.Hour, Issue: true}
		def.Policy.Rules = []alert.Rule{{Rate: slo.MustDecimal("9"), Long: 850 * interval, Short: interval}} // so many ticks are kept
		if rnd.IntN(4) == 0 {
			def.Policy.Quiet.After = 30 * time.Hour
		}
		o := &quietOracle{after: int(def.Policy.Quiet.After / interval), daily: 96, below: 0.3}
		lane := newMemory(t, "checkout", interval, epoch, def)
		for _, s := range dailySamples(rnd, ticks) {
			if rnd.IntN(500) == 0 {
				def.Objective.Target = slo.MustDecimal([]string{"0.9", "0.5"}[rnd.IntN(2)])
				if len(o.total) > 0 && def.Objective.Target != lane.lane.Watches()[0].Def.Objective.Target {
					o.redefined = len(o.total)
				}
				lane.lane.Redefine([]alert.Definition{def}, lane.lane.Cursor())
			}
			lane.step(s)
			o.step(s)
			if rnd.IntN(200) == 0 {
				lane.kill()
			}
		}
		if diff := diffBreaches(o.breaches, breachesOf(lane, epoch, interval)); diff != "" {
			t.Fatalf("-oracle-seed %d, round %d (-oracle +step function):\n%s", seed, round, diff)
		}
		found += len(o.breaches)
	}
	t.Logf("%d windows of kind quiet", found)
	if found < *oracleRounds {
		t.Error("the histories test too little")
	}
}

// dailySamples returns days and nights of traffic, with lulls, silence, planned work and no data.
func dailySamples(rnd *rand.Rand, n int) (all []slo.Sample) {
	for range rnd.IntN(50) {
		all = append(all, slo.Sample{Blind: true})
	}
	scale := math.Exp(3 + 4*rnd.Float64())
	for len(all) < n {
		share, length, what := 1.0, 20+rnd.IntN(200), rnd.IntN(14)
		switch what {
		case 0, 1:
			share, length = 0.6*rnd.Float64(), 1+rnd.IntN(40)
		case 2:
			share, length = 0, 1+rnd.IntN(20)
		case 3:
			share, length = 0.3*rnd.Float64(), 1+rnd.IntN(300)
		case 4, 5:
			length = 1 + rnd.IntN(12)
		}
		for range length {
			hour := float64(len(all)%96) / 4
			traffic := scale * (1 + 0.8*math.Sin(hour/24*2*math.Pi)) * (0.9 + 0.2*rnd.Float64())
			s := slo.Sample{Counts: slo.Counts{Total: math.Floor(share * traffic)}, Excluded: what == 5}
			if what == 4 {
				s = slo.Sample{Blind: true}
			}
			all = append(all, s)
		}
	}
	return all[:n]
}
