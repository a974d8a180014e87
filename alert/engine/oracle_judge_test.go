package engine_test

import (
	"math"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	fineTicks = 721 // ticks known one by one ...
	bucket    = 2   // ... and in buckets before that
)

// breach is an oracle's breach window: tick numbers, and the events from onset to end.
type breach struct {
	Kind                   alert.Kind
	Onset, Detected, Ended int
	Total, Bad             float64
	Peak                   float64 // the highest burn rate; of kind budget only
}

// oracle finds an objective's breach windows in raw ticks, straight from the definitions and at any
// cost. It counts in ticks. More than fineTicks ago, counts are known in buckets, and prorated.
type oracle struct {
	interval       time.Duration
	def            alert.Definition
	redefined      int       // the last tick before target, window or rules changed
	total, bad     []float64 // cumulative: of the first i ticks, without planned work
	plannedTotal   []float64 // cumulative: of planned work alone
	plannedBad     []float64
	blind, planned []bool
	origin         int // the first tick with data
	dark           int // the first of the blind ticks that have gone on since; -1: there is data
	starts         int // the search for onsets begins here: when the last breach was declared over
	burn           *openBreach
	budget         *openBreach
	darkness       *breach
	breaches       []breach
}

// openBreach is an open breach, with the definition it was found under.
type openBreach struct {
	breach
	def       alert.Definition
	first     int // the onset before any widening
	hold      int
	fired     []bool
	estimated float64
}

func newOracle(interval time.Duration) *oracle {
	return &oracle{
		interval: interval, redefined: math.MinInt, dark: -1,
		total: []float64{0}, bad: []float64{0}, plannedTotal: []float64{0}, plannedBad: []float64{0},
	}
}

func (o *oracle) now() int { return len(o.blind) }

func (o *oracle) ticks(d time.Duration) int { return int((d + o.interval - 1) / o.interval) }

func limitOf(def alert.Definition) float64 { return 1 - def.Objective.Target.Float() }

// redefine judges ticks differently from now on. Earlier bad events open nothing.
func (o *oracle) redefine(def alert.Definition) {
	if o.now() > 0 && !def.JudgesAs(o.def) {
		o.redefined, o.starts = o.now(), o.now()
	}
	if def.Policy.Blind != o.def.Policy.Blind {
		o.dark = -1
	}
	o.def = def
}

// step judges the next tick.
func (o *oracle) step(s slo.Sample) {
	n := o.now()
	seen, inPlan := s.Counts, slo.Counts{}
	if s.Excluded {
		seen, inPlan = inPlan, seen
	}
	o.total, o.bad = append(o.total, o.total[n]+seen.Total), append(o.bad, o.bad[n]+seen.Bad)
	o.plannedTotal, o.plannedBad = append(o.plannedTotal, o.plannedTotal[n]+inPlan.Total), append(o.plannedBad, o.plannedBad[n]+inPlan.Bad)
	o.blind, o.planned = append(o.blind, s.Blind), append(o.planned, s.Excluded)
	if s.Blind && o.origin == n {
		o.origin = n + 1
	}
	o.stepBurn()
	o.stepBudget()
	o.stepBlind()
}

func (o *oracle) kept(sum []float64, i int) float64 { // the cumulative sum at i, as far as it is still known
	now := o.now()
	if i <= o.origin {
		return 0
	}
	from, to := max(o.origin, i/bucket*bucket), min(now, i/bucket*bucket+bucket)
	if now-i <= fineTicks || from == i {
		return sum[i]
	}
	return sum[from] + (sum[to]-sum[from])*float64(i-from)/float64(to-from)
}

// estimate returns the events estimated for the time before the first data.
func (o *oracle) estimate(total float64, length int) float64 {
	seen := 0
	for i := o.origin; i < o.now(); i++ {
		seen += btoi(!o.blind[i])
	}
	return total * float64(max(0, length-(o.now()-o.origin))) / float64(max(1, seen))
}

// window returns a rule's sums: events in closed breaches, and before the definition changed, are
// good.
func (o *oracle) window(length int) (total, bad float64) {
	now := o.now()
	total, before := o.total[now]-o.kept(o.total, now-length), o.kept(o.bad, now-length)
	if o.redefined > now-length {
		before = o.bad[o.redefined]
	}
	bad = o.bad[now] - before
	for _, b := range o.breaches {
		if b.Kind == alert.Burn {
			bad -= max(0, o.bad[b.Ended]-max(o.bad[b.Onset], before))
		}
	}
	return total + o.estimate(total, length), max(0, bad)
}

func (o *oracle) onset(limit float64) int { // CUSUM: the sum of bad - limit x total was last 0 here
	onset, sum := o.starts, 0.0
	for i := o.starts; i < o.now(); i++ {
		sum += (o.bad[i+1] - o.bad[i]) - limit*(o.total[i+1]-o.total[i])
		if sum <= 1e-9 {
			onset, sum = i+1, 0
		}
	}
	return onset
}

func (o *oracle) end(b *openBreach) (end int) { // the sum of bad - budget x total first peaks here
	for i, best := b.first+1, 0.0; i <= o.now(); i++ {
		if v := o.bad[i] - o.bad[b.first] - limitOf(b.def)*(o.total[i]-o.total[b.first]); v > best+1e-9 {
			best, end = v, i
		}
	}
	return end
}

func (o *oracle) well(b *openBreach) bool { // over the last hold of ticks with events since the onset
	total, bad, ticks := 0.0, 0.0, 0
	for i := o.now(); i > b.Onset && ticks < b.hold; {
		from := i - 1
		if o.now()-from > fineTicks {
			from = max(b.Onset, from/bucket*bucket)
		}
		if events := o.kept(o.total, i) - o.kept(o.total, from); events > 0 {
			total, bad, ticks = total+events, bad+o.kept(o.bad, i)-o.kept(o.bad, from), ticks+i-from
		}
		i = from
	}
	return ticks >= b.hold && bad <= limitOf(b.def)*total+1e-9
}

func (o *oracle) stepBurn() {
	now := o.now()
	if o.blind[now-1] || o.burn == nil && o.planned[now-1] {
		return
	}
	wasOpen := o.burn != nil
	if !wasOpen || o.burn.def.Digest() == o.def.Digest() {
		for i, r := range o.def.Policy.Rules {
			o.fire(i, r)
		}
	}
	if wasOpen && o.well(o.burn) {
		b := o.burn.breach
		b.Ended = o.end(o.burn)
		b.Total, b.Bad = o.total[b.Ended]-o.total[b.Onset], o.bad[b.Ended]-o.bad[b.Onset]
		o.breaches, o.starts, o.burn = append(o.breaches, b), now, nil
	}
}

// fire opens or widens a breach if a rule fires that has not fired in it.
func (o *oracle) fire(i int, r alert.Rule) {
	limit := r.Rate.Float() * limitOf(o.def)
	total, bad := o.window(o.ticks(r.Short))
	longTotal, longBad := o.window(o.ticks(r.Long))
	if o.burn != nil && o.burn.fired[i] || bad <= limit*total+1e-9 || longBad <= limit*longTotal+1e-9 || longBad < o.def.Policy.MinBadEvents {
		return
	}
	onset, hold := o.onset(limit), o.ticks(r.Short)
	if o.def.Policy.Hold > 0 {
		hold = o.ticks(o.def.Policy.Hold)
	}
	if o.burn == nil {
		o.burn = &openBreach{breach: breach{Kind: alert.Burn, Onset: onset, Detected: o.now()}, def: o.def, first: onset, hold: hold}
		o.burn.fired = make([]bool, len(o.def.Policy.Rules))
	} else if gained := o.bad[o.burn.Onset] - o.bad[min(onset, o.burn.Onset)]; gained > 0 && gained >= o.def.Policy.MinBadEvents {
		o.burn.Onset = onset
	}
	o.burn.fired[i], o.burn.hold = true, min(o.burn.hold, hold)
}

// spent returns the budget's counts: all seen in the objective's window, planned work too, and an
// estimate for unwatched time.
func (o *oracle) spent(def alert.Definition) (total, bad, estimated float64) {
	now, length := o.now(), o.ticks(def.Objective.Window.Rolling)
	total, bad = o.total[now]-o.kept(o.total, now-length), o.bad[now]-o.kept(o.bad, now-length)
	from := max(0, now-length)
	estimated = o.estimate(total, length)
	return total + o.plannedTotal[now] - o.plannedTotal[from], bad + o.plannedBad[now] - o.plannedBad[from], estimated
}

func (o *oracle) stepBudget() {
	now := o.now()
	def := o.def
	if o.budget != nil {
		def = o.budget.def
	}
	total, bad, estimated := o.spent(def)
	if b := o.budget; b != nil {
		total += min(estimated, b.estimated)
		b.Peak = max(b.Peak, bad/total/limitOf(def))
		if !o.blind[now-1] && bad <= limitOf(def)*total+1e-9 {
			b.Ended = now
			b.Total = o.total[now] - o.total[b.Onset] + o.plannedTotal[now] - o.plannedTotal[b.Onset]
			b.Bad = o.bad[now] - o.bad[b.Onset] + o.plannedBad[now] - o.plannedBad[b.Onset]
			o.breaches, o.budget = append(o.breaches, b.breach), nil
		}
		return
	}
	total += estimated
	news := bad // bad events since the definition changed
	if o.redefined > now-o.ticks(def.Objective.Window.Rolling) {
		news = o.bad[now] - o.bad[o.redefined] + o.plannedBad[now] - o.plannedBad[o.redefined]
	}
	hasBad := o.bad[now] > o.bad[now-1] // not by estimate or planned work
	if def.Policy.Budget && hasBad && !o.blind[now-1] && news > limitOf(def)*total+1e-9 {
		o.budget = &openBreach{breach: breach{Kind: alert.Budget, Onset: now - 1, Detected: now, Peak: bad / total / limitOf(def)}, def: def, estimated: estimated}
	}
}

func (o *oracle) stepBlind() {
	now, p := o.now(), o.def.Policy.Blind
	switch {
	case o.darkness != nil && !o.blind[now-1]:
		o.darkness.Ended = now - 1
		o.breaches, o.darkness = append(o.breaches, *o.darkness), nil
	case o.darkness != nil:
		return
	}
	if !o.blind[now-1] || o.planned[now-1] {
		o.dark = -1
		return
	}
	if o.dark < 0 {
		o.dark = now - 1
	}
	if p.Issue && now-o.dark >= o.ticks(p.After) {
		o.darkness = &breach{Kind: alert.Blindness, Onset: o.dark, Detected: now}
	}
}
