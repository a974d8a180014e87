package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

var (
	pastRounds = flag.Int("past-rounds", 6, "how many random pasts TestPast folds")
	pastSeed   = flag.Uint64("past-seed", 1, "the seed of TestPast; 0: another one each time")
)

// heldSet is a source's label set: cumulative counts at the end of each tick, and whether they can
// be seen there.
type heldSet struct {
	sums []slo.Counts
	seen []bool
}

// held is a source of counters. As in Prometheus they are as exact in long steps as tick by tick,
// but gaps inside a step stay unknown.
type held struct {
	start    time.Time
	interval time.Duration
	sets     map[slo.Labels]*heldSet
	asked    map[time.Duration]int // ticks, by their length
}

func (h *held) read(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	var r slo.Reading
	h.asked[ticks.Interval] += ticks.Len()
	for _, labels := range slices.Sorted(maps.Keys(h.sets)) {
		series, there := slo.Series{Labels: labels}, len(objectives[0].GroupBy) == 0
		for i := range ticks.Len() {
			end := int(ticks.At(i).Sub(h.start) / h.interval)
			s := h.sets[labels].sample(end-int(ticks.Interval/h.interval), end, h)
			s.Tick = ticks.At(i)
			there = there || !s.Blind
			series.Samples = append(series.Samples, s)
		}
		if there {
			r.Series = append(r.Series, series)
		}
	}
	return []slo.Reading{r}
}

// sample returns a sample of the ticks in (a, b].
func (s *heldSet) sample(a, b int, h *held) slo.Sample {
	last := func(i int) int { // the last tick up to i with data
		for i >= 0 && !s.seen[i] {
			i--
		}
		return i
	}
	before, now := last(a), last(b)
	switch {
	case now <= a:
		return slo.Sample{Blind: true}
	case before == a:
		return slo.Sample{Counts: s.sums[now].Sub(s.sums[a])}
	case before < 0: // counting begins
		first := slices.Index(s.seen, true)
		return slo.Sample{Counts: s.sums[now].Sub(s.sums[first])}
	}
	at := func(i int) time.Time { return h.start.Add(time.Duration(i) * h.interval) }
	return slo.Sample{
		Late:    []slo.Late{{From: at(before), To: at(now), Counts: s.sums[now].Sub(s.sums[before])}},
		Caveats: []slo.Caveat{{Kind: slo.LongGap, Count: 1, Events: s.sums[now].Sub(s.sums[before]).Total}},
	}
}

// makeHeld makes up counts for some ticks: service at, above and far from its target, outages and
// slow burns, nights without traffic, and times without data.
func makeHeld(rnd *rand.Rand, n, shortestGap int, target float64) *heldSet {
	s := &heldSet{sums: make([]slo.Counts, 1, n+1), seen: make([]bool, 1, n+1)}
	s.seen[0] = rnd.IntN(3) > 0
	calm := rnd.IntN(3) > 0
	usual := (1 - target) * []float64{0, 0.01, 0.1, 0.3, 0.5, 0.9, 1.1}[rnd.IntN(7)]
	traffic := math.Exp(rnd.Float64() * 9)
	for len(s.sums) <= n {
		length, ratio, rate, gone := n/40+rnd.IntN(n/8), usual, traffic, false
		if len(s.sums) < n/8 || calm && rnd.IntN(4) > 0 {
			length = n / 8
		}
		switch kind := rnd.IntN(12); {
		case length == n/8:
		case kind <= 1:
			length, ratio = 1+rnd.IntN(n/200), rnd.Float64()
		case kind == 2:
			length, ratio = 1+rnd.IntN(n/20), 20*(1-target)*rnd.Float64()
		case kind <= 5: // about the rate of a rule
			length, ratio = 1+rnd.IntN(n/8), []float64{1, 6, 14.4}[rnd.IntN(3)]*(1-target)*(0.8+0.4*rnd.Float64())
		case kind == 6:
			length, rate = 1+rnd.IntN(n/30), 0
		case kind == 7:
			length, gone = shortestGap+rnd.IntN(n/100), true
		case kind == 8 && rnd.IntN(2) == 0:
			length, rate = 1+rnd.IntN(n/100), traffic*0.04
		case kind == 8:
			rate = traffic * math.Exp(rnd.Float64()*4-2)
		}
		badly, all := newBursts(rnd), newBursts(rnd)
		for range min(length, n+1-len(s.sums)) {
			c := slo.Counts{Total: math.Floor(all.next(rate)*(0.5+rnd.Float64()) + rnd.Float64())}
			bad := badly.next(c.Total * ratio)
			c.Bad = min(c.Total, math.Floor(bad*2*rnd.Float64()))
			if rest := bad - math.Floor(bad); rnd.Float64() < rest {
				c.Bad = min(c.Total, c.Bad+1)
			}
			s.sums = append(s.sums, s.sums[len(s.sums)-1].Add(c))
			s.seen = append(s.seen, !gone)
		}
	}
	return s
}

// bursts turns even numbers into ones that come all at once now and then.
type bursts struct{ every, length, at int }

func newBursts(rnd *rand.Rand) *bursts {
	b := &bursts{every: 1, length: 1}
	if rnd.IntN(3) == 0 {
		b.every = 2 + rnd.IntN(150)
		b.length, b.at = 1+rnd.IntN(b.every), rnd.IntN(b.every)
	}
	return b
}

func (b *bursts) next(mean float64) float64 {
	if b.at = (b.at + 1) % b.every; b.at >= b.length {
		return 0
	}
	return mean * float64(b.every) / float64(b.length)
}

// comeAndGo hides a label set before it begins and after it ends, for good or for long.
func comeAndGo(rnd *rand.Rand, s *heldSet) {
	n := len(s.seen)
	from, to := rnd.IntN(n/2), n/4+rnd.IntN(n)
	for i := range s.seen {
		s.seen[i] = s.seen[i] && i >= from && i < to
	}
}

// randomPast makes up a definition and its source.
func randomPast(rnd *rand.Rand, shortestGap time.Duration) (*held, pastOf) {
	const day = 24 * time.Hour
	type setting struct {
		interval, rules time.Duration
		window          slo.Window
		ticks           int
	}
	settings := []setting{
		{30 * time.Second, 30 * day, slo.Window{Rolling: 30 * day}, 14_000},
		{30 * time.Second, 30 * day, slo.Window{Rolling: 2 * day}, 14_000},
		{30 * time.Second, 2 * day, slo.Window{Rolling: 30 * day}, 9_000},
		{30 * time.Second, 7 * day, slo.Window{Rolling: 7 * day}, 14_000},
		{30 * time.Second, 30 * day, slo.Window{Calendar: "week", Timezone: "Asia/Kathmandu"}, 20_000},
		{30 * time.Second, 30 * day, slo.Window{Calendar: "month"}, 14_000},
		{time.Minute, 30 * day, slo.Window{Rolling: 30 * day}, 20_000},
		{time.Second, day, slo.Window{Rolling: day}, 30_000},
		{time.Second, 10 * day, slo.Window{Rolling: 10 * day}, 40_000},
	}
	c := settings[rnd.IntN(len(settings))]
	target := []string{"0.9", "0.99", "0.995", "0.999"}[rnd.IntN(4)]
	o := slo.Objective{Name: "checkout", Target: slo.MustDecimal(target), Window: c.window}
	o.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: `r{code=~"5.."}`, Total: "r"}}
	p := alert.Policy{Rules: alert.DefaultRules(c.rules), Budget: rnd.IntN(3) > 0, MergeGap: 30 * time.Minute, Group: "shop"}
	p.MinBadEvents = []float64{0, 1, 10, 100}[rnd.IntN(4)]
	p.Severities = []alert.Severity{{Level: 1, Outage: 10 * time.Minute}, {Level: 2, BudgetSpent: slo.MustDecimal("0.1")}}
	if rnd.IntN(4) == 0 {
		p.Hold = 20 * c.interval
	}
	p.Blind = alert.BlindPolicy{After: 15 * time.Minute, Issue: rnd.IntN(2) == 0}
	p.Quiet = alert.DefaultQuiet()
	p.Quiet.Issue = rnd.IntN(2) == 0
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.IntN(5000)) * c.interval)
	h := &held{start: start, interval: c.interval, sets: map[slo.Labels]*heldSet{}, asked: map[time.Duration]int{}}
	labelSets := []slo.Labels{""}
	if rnd.IntN(3) == 0 {
		o.GroupBy = []string{"region"}
		labelSets = []slo.Labels{`{region="ap"}`, `{region="eu"}`, `{region="us"}`}
	}
	for _, labels := range labelSets {
		h.sets[labels] = makeHeld(rnd, c.ticks, int(shortestGap/c.interval), o.Target.Float())
		if len(labels) > 0 && rnd.IntN(2) == 0 {
			comeAndGo(rnd, h.sets[labels])
		}
	}
	return h, pastOf{def: alert.Definition{Objective: o, Policy: p}, span: slo.Span{Start: start, End: start.Add(time.Duration(c.ticks) * c.interval)}}
}

// foldHeld folds a source, tick by tick or not.
func foldHeld(t *testing.T, h *held, of pastOf, p pastFolder) []foldedSet {
	t.Helper()
	p.source, p.interval = h.read, h.interval
	found := p.fold(t.Context(), of)
	if found.err != nil {
		t.Fatal(found.err)
	}
	return found.sets
}

// TestPast folds random pasts tick by tick, and in longer steps as far as possible: the events and
// the final watches are the same, bit for bit.
func TestPast(t *testing.T) {
	t.Parallel()
	seed := *pastSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	windows, fine, all, quiet := 0, 0, 0, 0
	for round := range *pastRounds {
		events, coarsely, finely := comparePast(t, seed, round)
		fine, all, windows = fine+coarsely, all+finely, windows+len(events)
		for _, e := range events {
			if e.Opened && e.Window.Kind == alert.Quietness {
				quiet++
			}
		}
	}
	t.Logf("%d events, %d of them of too little traffic; %d of %d ticks read one by one", windows, quiet, fine, all)
	if windows < *pastRounds {
		t.Errorf("only %d events: the pasts test too little", windows)
	}
}

// TestFoundPast folds pasts that once differed.
func TestFoundPast(t *testing.T) {
	t.Parallel()
	comparePast(t, 5, 52) // a spent budget's peak when an incident began, though a higher one came later
}

// comparePast folds a random past both ways. It returns the events, and how many ticks were read
// one by one, each way.
func comparePast(t *testing.T, seed uint64, round int) (events []alert.Event, coarsely, finely int) {
	t.Helper()
	const longGap = 30 * time.Minute // two steps of every setting
	rnd := rand.New(rand.NewPCG(seed, uint64(round)))
	h, of := randomPast(rnd, longGap)
	want := foldHeld(t, h, of, pastFolder{everyTick: true})
	finely = h.asked[h.interval]
	clear(h.asked)
	got := foldHeld(t, h, of, pastFolder{room: []int{0, 0, 0, 10_000}[rnd.IntN(4)]})
	name := fmt.Sprintf("-past-seed %d, round %d, ticks of %s, rules %s, window %+v, grouped %v, asked %v",
		seed, round, h.interval, of.def.Warmup(), of.def.Objective.Window, of.def.Objective.GroupBy, h.asked)
	t.Log(name)
	if len(got) != len(want) {
		t.Fatalf("%s: %d label sets, want %d", name, len(got), len(want))
	}
	for i := range want {
		events = append(events, want[i].events...)
		compareSets(t, name, want[i], got[i])
	}
	return events, h.asked[h.interval], finely
}

func compareSets(t *testing.T, name string, want, got foldedSet) {
	t.Helper()
	opts := []cmp.Option{cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{}), cmpopts.IgnoreFields(alert.Event{}, "Policy"), cmpopts.IgnoreFields(alert.Window{}, "Objective")}
	if diff := cmp.Diff(want.events, got.events, opts...); diff != "" {
		t.Fatalf("%s, %s (-every tick +coarse to fine):\n%s", name, want.labels, diff)
	}
	if (want.watch == nil) != (got.watch == nil) {
		t.Fatalf("%s, %s: watched still: %v, want %v", name, want.labels, got.watch != nil, want.watch != nil)
	}
	if want.watch == nil {
		return
	}
	text := func(s foldedSet) string {
		text, err := json.MarshalIndent(s.watch.State(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if diff := cmp.Diff(text(want), text(got)); diff != "" {
		t.Fatalf("%s, %s: state (-every tick +coarse to fine):\n%s", name, want.labels, diff)
	}
	a, _ := want.watch.History.AppendBinary(nil)
	b, _ := got.watch.History.AppendBinary(nil)
	if !bytes.Equal(a, b) {
		t.Fatalf("%s, %s: the histories differ: %v, %v", name, want.labels, want.watch.History.All(), got.watch.History.All())
	}
	if diff := cmp.Diff(want.watch.Status(), got.watch.Status(), opts...); diff != "" {
		t.Fatalf("%s, %s: status (-every tick +coarse to fine):\n%s", name, want.labels, diff)
	}
}

// TestPastReads counts what is read of pasts in which nothing happens. The ticks that the history
// keeps are read one by one; what is older in steps, unless it is too short for that to pay.
func TestPastReads(t *testing.T) {
	t.Parallel()
	const hour, step = time.Hour, 5 * time.Minute
	kept, bucket := slo.Granularity(30*time.Second, 3*24*hour)
	if bucket != step {
		t.Fatalf("buckets of %s, want %s", bucket, step)
	}
	for _, tc := range []struct {
		name string
		past time.Duration
		want map[time.Duration]int // ticks, by their length
	}{
		{name: "what the history keeps tick by tick", past: 6 * hour, want: map[time.Duration]int{30 * time.Second: 720}},
		{name: "as much as a query costs more", past: 6*hour + 50*time.Minute, want: map[time.Duration]int{30 * time.Second: 820}},
		// The first step and the first of the tail are read both ways: data may begin or end there.
		{name: "a little more", past: 7*hour + step, want: map[time.Duration]int{step: 13, 30 * time.Second: 740}},
		{name: "three days", past: 72 * hour, want: map[time.Duration]int{step: 66 * 12, 30 * time.Second: 740}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := int(tc.past / (30 * time.Second))
			steady := &heldSet{sums: make([]slo.Counts, n+1), seen: slices.Repeat([]bool{true}, n+1)}
			for i := range steady.sums {
				steady.sums[i] = slo.Counts{Total: 100 * float64(i)}
			}
			start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
			h := &held{start: start, interval: 30 * time.Second, sets: map[slo.Labels]*heldSet{"": steady}, asked: map[time.Duration]int{}}
			o := slo.Objective{Name: "checkout", Target: slo.MustDecimal("0.99"), Window: slo.Window{Rolling: 30 * 24 * hour}}
			o.Indicator.Ratio = &slo.Ratio{Bad: `r{code=~"5.."}`, Total: "r"}
			def := alert.Definition{Objective: o, Policy: alert.Policy{Rules: alert.DefaultRules(30 * 24 * hour)}}
			foldHeld(t, h, pastOf{def: def, span: slo.Span{Start: start, End: start.Add(tc.past)}}, pastFolder{})
			if diff := cmp.Diff(tc.want, h.asked); diff != "" {
				t.Errorf("%s are kept tick by tick (-want +got):\n%s", kept, diff)
			}
		})
	}
}

// TestShortGaps folds pasts with gaps shorter than a step, so that a step does not show them. The
// windows are the same once the data reach as far back as the rules look. Before that, the rules'
// sums have an estimate that depends on how long there was data: a window may be found a tick
// earlier or later. Usual traffic is such an estimate, too, if the day before had gaps, so windows
// of kind quiet are left out.
func TestShortGaps(t *testing.T) {
	seed := *pastSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	windows := 0
	for round := range 2 * *pastRounds {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		h, of := randomPast(rnd, 30*time.Minute)
		warm := of.span.Start.Add(of.def.Warmup())
		if of.span.End.Sub(warm) < 3*of.def.Warmup() {
			continue
		}
		of.def.Policy.Budget, of.def.Policy.Blind.Issue = false, false
		for _, s := range h.sets {
			for range 20 {
				at := rnd.IntN(len(s.seen))
				for i := range 1 + rnd.IntN(5) {
					s.seen[min(at+i, len(s.seen)-1)] = false
				}
			}
		}
		want, got := foldHeld(t, h, of, pastFolder{everyTick: true}), foldHeld(t, h, of, pastFolder{})
		opts := []cmp.Option{
			cmpopts.EquateApprox(0.05, 0.01), // shares of the budget, and estimates
			cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{}),
			cmpopts.IgnoreFields(alert.Event{}, "Policy"), cmpopts.IgnoreFields(alert.Window{}, "Objective", "UsualEvents"),
		}
		for i := range want {
			isQuiet := func(e alert.Event) bool { return e.Window.Kind == alert.Quietness }
			a := slices.DeleteFunc(eventsSince(want[i].events, warm, h.interval), isQuiet)
			b := slices.DeleteFunc(eventsSince(got[i].events, warm, h.interval), isQuiet)
			windows += len(a)
			if diff := cmp.Diff(a, b, opts...); diff != "" {
				t.Fatalf("-past-seed %d, round %d (-every tick +coarse to fine):\n%s", seed, round, diff)
			}
		}
	}
	t.Logf("%d events", windows)
}
