package engine_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	worldPast  = 7 * time.Hour  // before an engine begins, at most: all that its first look at the past may see
	worldLife  = 10 * time.Hour // from then on
	worldCalm  = 90 * time.Minute
	worldBegin = 2 * time.Minute // for so long the past is read

	// shortestGap is the fewest ticks in a row that a series is not scraped: a coarse step of the
	// past does not show gaps inside it (see TestShortGaps).
	shortestGap = 60
)

// world is a source. A tick's events never change; how much of them can be read depends on the wall
// clock.
type world struct {
	start  time.Time // an engine begins
	began  time.Time // counting begins: the start of the first tick
	ticks  int
	roles  map[string]*worldRole // by objective
	down   []slo.Span            // Prometheus does not answer
	killed []slo.Span            // no engine is there
	clean  bool                  // nothing is late, and all is answered
}

// worldRole is one objective's story.
type worldRole struct {
	def     alert.Definition
	sets    map[slo.Labels]*worldSet
	planned []bool // by tick
	late    []worldLate
	failing []slo.Span
	refused bool // failing queries are refused; else unanswered
}

// worldSet are cumulative counts at the end of each tick, and whether they are scraped there. The
// first is the start of the first tick.
type worldSet struct {
	sums []slo.Counts
	seen []bool
}

// worldLate is a time in which data come late by lag.
type worldLate struct {
	slo.Span
	lag  time.Duration
	gone bool // without new data there is no series at once; else it keeps its value for a while
}

func contains(all []slo.Span, t time.Time) bool {
	return slices.ContainsFunc(all, func(s slo.Span) bool { return !t.Before(s.Start) && t.Before(s.End) })
}

// arrived returns the newest tick with data there at a time, and whether series without new data
// are gone.
func (w *world) arrived(r *worldRole, now time.Time) (tick int, gone bool) {
	seen := now
	for _, l := range r.late {
		if !w.clean && !now.Before(l.Start) && now.Before(l.End) {
			seen, gone = now.Add(-l.lag), l.gone
			if seen.Before(l.Start) {
				seen = l.Start
			}
		}
	}
	return w.index(seen), gone
}

func (w *world) index(t time.Time) int { return int(t.Sub(w.began) / interval) }

func (w *world) at(tick int) time.Time { return w.began.Add(time.Duration(tick) * interval) }

func (w *world) read(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i, o := range objectives {
		readings[i] = w.readOne(w.roles[o.Name], ticks)
	}
	return readings
}

func (w *world) readOne(r *worldRole, ticks slo.Ticks) (reading slo.Reading) {
	now := time.Now()
	switch {
	case w.clean:
	case contains(w.down, now):
		return slo.Reading{Err: fmt.Errorf("%w: connection refused", slo.ErrUnreachable)}
	case contains(r.failing, now) && r.refused:
		return slo.Reading{Err: fmt.Errorf("%w: many-to-many matching not allowed", slo.ErrRefused)}
	case contains(r.failing, now):
		return slo.Reading{Err: fmt.Errorf("%w: timeout", slo.ErrUnreachable)}
	}
	for _, labels := range slices.Sorted(maps.Keys(r.sets)) {
		series, there := slo.Series{Labels: labels}, labels == ""
		for i := range ticks.Len() {
			end := w.index(ticks.At(i))
			s := w.sample(r, r.sets[labels], end-int(ticks.Interval/interval), end, now)
			s.Tick = ticks.At(i)
			there = there || !s.Blind
			series.Samples = append(series.Samples, s)
		}
		if there {
			reading.Series = append(reading.Series, series)
		}
	}
	return reading
}

// sample returns a sample of the ticks in (a, b].
func (w *world) sample(r *worldRole, set *worldSet, a, b int, now time.Time) (s slo.Sample) {
	newest, gone := w.arrived(r, now)
	last := func(i int) int {
		for i = min(i, newest, len(set.seen)-1); i >= 0 && !set.seen[i]; i-- {
		}
		return max(-1, i)
	}
	before, end := last(a), last(b)
	keeps := !gone && end >= 0 && end == newest && b > newest && w.at(b).Sub(w.at(end)) <= staleAfter
	switch {
	case end <= a && keeps: // counters have the value that they had
	case end <= a || end < 0:
		s.Blind = true
	case before < 0: // counting begins
		s.Counts = set.sums[end].Sub(set.sums[slices.Index(set.seen, true)])
	case before == a:
		s.Counts = set.sums[end].Sub(set.sums[a])
	default:
		counts := set.sums[end].Sub(set.sums[before])
		s.Late = []slo.Late{{From: w.at(before), To: w.at(end), Counts: counts}}
		s.Caveats = []slo.Caveat{{Kind: slo.LongGap, Count: 1, Events: counts.Total}}
	}
	s.Excluded = b > 0
	for i := a + 1; i <= b; i++ {
		s.Excluded = s.Excluded && i > 0 && i < len(r.planned) && r.planned[i]
	}
	return s
}

// reach returns an objective's newest sample's time.
func (w *world) reach(_ context.Context, o slo.Objective) (time.Time, error) {
	r := w.roles[o.Name]
	newest, _ := w.arrived(r, time.Now())
	best := -1
	for _, set := range r.sets {
		for i := min(newest, len(set.seen)-1); i > best; i-- {
			if set.seen[i] {
				best = i
			}
		}
	}
	if best < 0 {
		return time.Time{}, nil
	}
	return w.at(best), nil
}

// disturbances says what may go wrong between world and engine.
type disturbances struct{ late, failing, down, blindIssues bool }

// newWorld makes up a world in which an engine begins now.
func newWorld(rnd *rand.Rand, d disturbances) *world {
	w := &world{start: time.Now().Truncate(interval), roles: map[string]*worldRole{}}
	past := worldPast - time.Duration(rnd.IntN(5*60))*time.Minute
	w.began = w.start.Add(-past)
	w.ticks = int((past + worldLife) / interval)
	for i, name := range []string{"api", "cart", "pay", "refund"} {
		r := &worldRole{def: randomDefinition(rnd, name, d), sets: map[slo.Labels]*worldSet{}, planned: make([]bool, w.ticks+1), refused: rnd.IntN(2) == 0}
		r.def.Policy.Group = []string{"shop", "shop", "bank", "bank"}[i]
		labels := []slo.Labels{""}
		switch {
		case i == 1:
			r.def.Objective.GroupBy = []string{"region"}
			labels = []slo.Labels{`{region="ap"}`, `{region="eu"}`, `{region="us"}`}
		case rnd.IntN(3) == 0:
			r.def.Objective.Exclude = "maintenance == 1"
			for range 1 + rnd.IntN(3) {
				for at, n := rnd.IntN(w.ticks), 1+rnd.IntN(120); n > 0 && at < w.ticks; at, n = at+1, n-1 {
					r.planned[at] = true
				}
			}
		}
		for _, l := range labels {
			r.sets[l] = newWorldSet(rnd, w.ticks, 1-r.def.Objective.Target.Float())
			if l != "" && rnd.IntN(2) == 0 {
				r.sets[l].comeAndGo(rnd)
			}
		}
		w.disturb(rnd, r, d)
		w.roles[name] = r
	}
	for d.down && rnd.IntN(3) > 0 && len(w.down) < 3 {
		w.down = append(w.down, w.stretch(rnd, 60))
	}
	return w
}

// stretch is a time in which something goes wrong.
func (w *world) stretch(rnd *rand.Rand, minutes int) slo.Span {
	from := 15*time.Minute + time.Duration(rnd.Int64N(int64(worldLife-worldCalm-time.Duration(minutes+15)*time.Minute)))
	length := time.Duration(1+rnd.Int64N(int64(minutes)*60)) * time.Second
	return slo.Span{Start: w.start.Add(from), End: w.start.Add(from + length)}
}

func (w *world) disturb(rnd *rand.Rand, r *worldRole, d disturbances) {
	for d.late && rnd.IntN(2) > 0 && len(r.late) < 3 {
		l := worldLate{Span: w.stretch(rnd, 120), lag: time.Duration(rnd.IntN(3600)) * time.Second, gone: rnd.IntN(3) == 0}
		if !slices.ContainsFunc(r.late, func(o worldLate) bool { return o.Start.Before(l.End) && l.Start.Before(o.End) }) {
			r.late = append(r.late, l)
		}
	}
	for d.failing && rnd.IntN(2) > 0 && len(r.failing) < 3 {
		r.failing = append(r.failing, w.stretch(rnd, 60))
	}
}

// randomDefinition has rules of half a day, at most.
func randomDefinition(rnd *rand.Rand, name string, d disturbances) alert.Definition {
	def := alert.Definition{Objective: objective([]string{"0.9", "0.99", "0.995", "0.999"}[rnd.IntN(4)])}
	def.Objective.Name = name
	def.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: `r{code=~"5.."}`, Total: "r"}}
	def.Objective.Window = []slo.Window{{Rolling: day}, {Rolling: 2 * day}, {Rolling: 8 * time.Hour}, {Calendar: "week"}}[rnd.IntN(4)]
	def.Policy = policy(
		alert.Rule{Rate: slo.MustDecimal("14.4"), Long: 10 * time.Minute, Short: time.Minute},
		alert.Rule{Rate: slo.MustDecimal("6"), Long: time.Hour, Short: 5 * time.Minute},
		alert.Rule{Rate: slo.MustDecimal("1"), Long: []time.Duration{6 * time.Hour, 12 * time.Hour}[rnd.IntN(2)], Short: 30 * time.Minute},
	)
	def.Policy.Rules = def.Policy.Rules[rnd.IntN(2):]
	def.Policy.Budget, def.Policy.MinBadEvents = rnd.IntN(3) > 0, []float64{0, 1, 10}[rnd.IntN(3)]
	def.Policy.Severities = []alert.Severity{{Level: 1, Outage: 10 * time.Minute}, {Level: 2, BudgetSpent: slo.MustDecimal("0.1")}}
	if d.blindIssues {
		def.Policy.Blind = alert.BlindPolicy{After: []time.Duration{10 * time.Minute, 15 * time.Minute}[rnd.IntN(2)], Issue: true}
	}
	return def
}

// newWorldSet makes up service at, above and far from its target, and times without traffic or
// data.
func newWorldSet(rnd *rand.Rand, n int, budget float64) *worldSet {
	s := &worldSet{sums: make([]slo.Counts, 1, n+1), seen: make([]bool, 1, n+1)}
	s.seen[0] = true
	traffic := math.Exp(2 + 6*rnd.Float64())
	usual := budget * []float64{0, 0.1, 0.5, 0.9}[rnd.IntN(4)]
	for len(s.sums) <= n {
		length, ratio, rate, seen := 40+rnd.IntN(500), usual, traffic, true
		switch rnd.IntN(9) {
		case 0, 1:
			length, ratio = 2+rnd.IntN(60), 0.2+0.8*rnd.Float64()
		case 2:
			length, ratio = 40+rnd.IntN(400), budget*10*rnd.Float64()
		case 3:
			length, rate = 1+rnd.IntN(90), 0.05*traffic*float64(rnd.IntN(2))
		case 4:
			length, seen = shortestGap+rnd.IntN(60), false
		}
		for range min(length, n+1-len(s.sums)) {
			c := slo.Counts{Total: math.Floor(rate*(0.5+rnd.Float64()) + rnd.Float64())}
			c.Bad = min(c.Total, math.Floor(c.Total*ratio*2*rnd.Float64()+rnd.Float64()*btof(ratio > 0)))
			s.sums, s.seen = append(s.sums, s.sums[len(s.sums)-1].Add(c)), append(s.seen, seen)
		}
	}
	calm := int(worldCalm / interval)
	for i := n + 1 - calm; i <= n; i++ { // nothing goes on at the end
		s.sums[i] = s.sums[i-1].Add(slo.Counts{Total: math.Ceil(traffic)})
		s.seen[i] = true
	}
	return s
}

func btof(b bool) float64 { return float64(btoi(b)) }

// comeAndGo hides a label set before it begins and after it ends.
func (s *worldSet) comeAndGo(rnd *rand.Rand) {
	n := len(s.seen)
	from, to := rnd.IntN(n), n/4+rnd.IntN(n)
	for i := range s.seen {
		s.seen[i] = s.seen[i] && i >= from && i < to
	}
}
