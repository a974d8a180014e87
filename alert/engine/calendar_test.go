package engine_test

import (
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

// calendarOracle finds the windows of kind budget of a calendar week in raw ticks, straight from
// the definition. All is in ticks.
type calendarOracle struct {
	weeks      []int // of each tick, numbered, from 1000 ticks before the first
	total, bad []float64
	blind      []bool
	origin     int
	nominal    int // length of a week
}

func (o *calendarOracle) week(tick int) int { return o.weeks[tick+1000] }

// exceeded reports whether more than 1 % of the events of the tick's week are bad. Events to come
// and before the origin are estimated: all good, at the mean rate of the last week's length, at
// most `most`. It also returns the estimate.
func (o *calendarOracle) exceeded(now int, most float64) (over bool, estimated float64) {
	start, end := now, now
	for o.week(start-1) == o.week(now) {
		start--
	}
	for o.week(end+1) == o.week(now) {
		end++
	}
	seen := 0
	sum := func(counts []float64, first, last int) (all float64) {
		for i := max(0, first); i <= last; i++ {
			all += counts[i]
		}
		return all
	}
	for i := o.origin; i <= now; i++ {
		seen += btoi(!o.blind[i])
	}
	last := sum(o.total, now-o.nominal+1, now)
	if before := o.origin - (now - o.nominal + 1); before > 0 {
		last += last * float64(before) / float64(seen)
	}
	total, bad := sum(o.total, start, now), sum(o.bad, start, now)
	unseen := end - now + max(0, o.origin-start)
	estimated = last * float64(unseen) / float64(o.nominal)
	return bad*100 > total+min(estimated, most), estimated
}

// overspentSince returns the first tick with bad events since the week's budget is overspent.
func (o *calendarOracle) overspentSince(now int) int {
	since := now
	for i := now; i >= 0 && o.week(i) == o.week(now); i-- {
		if over, _ := o.exceeded(i, math.Inf(1)); !over {
			break
		}
		if o.bad[i] > 0 {
			since = i
		}
	}
	return since
}

func (o *calendarOracle) run() (breaches []breach) {
	var open *breach
	var estimated float64 // when it was opened
	sums := func(b *breach) {
		for i := b.Onset; i < b.Ended; i++ {
			b.Total, b.Bad = b.Total+o.total[i], b.Bad+o.bad[i]
		}
	}
	for i := range o.total {
		if open != nil && o.week(i) != o.week(i-1) {
			open.Ended = i
			sums(open)
			breaches, open = append(breaches, *open), nil
		} else if open != nil {
			if over, _ := o.exceeded(i, estimated); !o.blind[i] && !over {
				open.Ended = i + 1
				sums(open)
				breaches, open = append(breaches, *open), nil
			}
			continue
		}
		if over, estimate := o.exceeded(i, math.Inf(1)); open == nil && o.bad[i] > 0 && over {
			open, estimated = &breach{Onset: o.overspentSince(i), Detected: i + 1}, estimate
		}
	}
	return breaches
}

// TestCalendarOracle folds random weeks, with clock changes and the process killed at random ticks,
// and finds the same as the oracle.
func TestCalendarOracle(t *testing.T) {
	const interval, ticks = 15 * time.Minute, 3500 // five weeks: a history keeps 720 ticks one by one, a week has 672
	seed, breaches, turned := uint64(time.Now().UnixNano()), 0, 0
	t.Logf("seed %d", seed)
	for round, c := range []struct {
		zone  string
		start time.Time
	}{
		{"Europe/Berlin", time.Date(2026, 3, 10, 7, 0, 0, 0, time.UTC)},
		{"Europe/Berlin", time.Date(2026, 10, 8, 23, 15, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)},
		{"Australia/Lord_Howe", time.Date(2026, 9, 20, 4, 45, 0, 0, time.UTC)},
		{"Asia/Kathmandu", time.Date(2026, 12, 20, 18, 0, 0, 0, time.UTC)},
		{"", time.Date(2028, 2, 20, 18, 0, 0, 0, time.UTC)},
	} {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		def := alert.Definition{Objective: objective("0.99"), Policy: policy()}
		def.Objective.Window, def.Policy.Budget = slo.Window{Calendar: "week", Timezone: c.zone}, true
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		o := &calendarOracle{nominal: int(7 * day / interval)}
		for i := range ticks + 2000 {
			_, week := c.start.Add(time.Duration(i-1000) * interval).In(zone).ISOWeek() // of the start of the i-th tick
			o.weeks = append(o.weeks, week)
		}
		lane := newMemory(t, "checkout", interval, c.start, def)
		for i, s := range burstySamples(rnd, ticks) {
			o.total, o.bad, o.blind = append(o.total, s.Total), append(o.bad, s.Bad), append(o.blind, s.Blind)
			if s.Blind && o.origin == i {
				o.origin = i + 1
			}
			lane.step(s)
			if rnd.IntN(200) == 0 {
				lane.kill()
			}
		}
		var got []breach
		for _, w := range lane.windows() {
			if at := func(at time.Time) int { return int(at.Sub(c.start) / interval) }; !w.IsOpen() {
				got = append(got, breach{Onset: at(w.Onset), Detected: at(w.Detected), Ended: at(w.Ended), Total: w.Total, Bad: w.Bad})
			}
		}
		want := o.run()
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
			t.Fatalf("seed %d, round %d (-oracle +step function):\n%s", seed, round, diff)
		}
		breaches += len(want)
		for _, b := range want {
			turned += btoi(o.week(b.Ended) != o.week(b.Ended-1))
		}
	}
	t.Logf("%d breaches, %d of them ended by the turn of a week", breaches, turned)
	if breaches < 6 || turned < 2 {
		t.Error("the histories test too little")
	}
}

// burstySamples returns weeks; some miss a target of 99 %.
func burstySamples(rnd *rand.Rand, n int) []slo.Sample {
	all := slices.Repeat([]slo.Sample{{Blind: true}}, rnd.IntN(300))
	for len(all) < n {
		rate, ratio := 100+rnd.IntN(3000), 0.004*rnd.Float64()
		if rnd.IntN(4) == 0 {
			ratio = 0.08 * rnd.Float64()
		}
		for range 1 + rnd.IntN(120) {
			total := float64(rate + rnd.IntN(100))
			all = append(all, slo.Sample{Counts: slo.Counts{Total: total, Bad: math.Floor(total * ratio)}})
		}
		if rnd.IntN(5) == 0 {
			all = append(all, slices.Repeat([]slo.Sample{{Blind: true}}, rnd.IntN(20))...)
		}
	}
	return all[:n]
}

// TestCalendarBudget checks a month's budget around the month's turn.
func TestCalendarBudget(t *testing.T) {
	const interval = 5 * time.Minute
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	def := alert.Definition{Objective: objective("0.99"), Policy: policy()}
	def.Objective.Window, def.Policy.Budget = slo.Window{Calendar: "month", Timezone: "Europe/Berlin"}, true
	start := time.Date(2026, 2, 1, 0, 0, 0, 0, berlin)
	lane := newMemory(t, "checkout", interval, start.UTC(), def)
	until := func(at time.Time, s slo.Sample) {
		t.Helper()
		for lane.lane.Cursor().Before(at) {
			lane.step(s)
		}
	}
	status := func() alert.Status { return lane.lane.Watches()[0].Status() }
	expect := func(what string, total, bad, estimated, remaining float64) {
		t.Helper()
		s := status()
		got := []float64{s.Window.Total, s.Window.Bad, s.Estimated, s.BudgetRemaining}
		if diff := cmp.Diff([]float64{total, bad, estimated, remaining}, got, cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	const daily = 288 * 100 // events
	until(start.AddDate(0, 0, 7), good(100))
	expect("a week into February", 7*daily, 0, 21*daily, 1)

	turn := time.Date(2026, 3, 1, 0, 0, 0, 0, berlin)
	until(turn.Add(-time.Hour), good(100))
	until(turn, bad(100, 100)) // the last hour of February
	expect("at the turn", 28*daily, 1200, 0, 1-1200.0/(28*daily*0.01))
	lane.kill()
	until(turn.Add(interval), good(100))
	// March has 31 days less the hour of the clock's change. The mean rate is over the last 30
	// days; 28 were watched.
	expect("the first tick of March", 100, 0, (31-1.0/24)*daily-100, 1)
	until(turn.AddDate(0, 0, 20), good(100))
	lane.kill()
	expect("long after, when no history knows ticks of the turn", 20*daily, 0, (11-1.0/24)*daily, 1)

	until(time.Date(2026, 3, 30, 0, 0, 0, 0, berlin), bad(100, 3)) // 3 % for nine days: 90 % of the month's budget
	until(time.Date(2026, 3, 31, 0, 0, 0, 0, berlin), bad(100, 8))
	until(time.Date(2026, 4, 2, 0, 0, 0, 0, berlin), bad(100, 1))
	budgets := lane.windows()
	if len(budgets) != 1 || !budgets[0].Ended.Equal(time.Date(2026, 4, 1, 0, 0, 0, 0, berlin)) {
		t.Fatalf("windows %+v, want one that ends with March", budgets)
	}
	if got := budgets[0].Caveats; got != nil {
		t.Errorf("caveats %v of a month that is over", got)
	}
}
