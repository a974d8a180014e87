package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Remote write or slow scrapes may bring data to Prometheus after a tick is read. Its events would
// be lost without a trace, so now and then a tick is read a second time.
const (
	CheckEvery = 20 // ticks: one in so many is read again
	CheckAfter = 10 // ticks: how much later
)

// ledger is what is known of an objective's events, and how to judge them. All trackers of a watch
// read it.
type ledger struct {
	terms
	History *slo.History // without the events of planned work
	Since   time.Time    // the past is known from here on; zero: as far as any rule looks back

	planned     plannedWork
	corrections corrections
	redefined   redefinition
	shifts      *shifts // at the last tick with data; nil if good and total are seen together
}

// tick is a sample for trackers, without events of planned work.
type tick struct {
	slo.Sample
	start  time.Time
	learnt slo.Counts // its own events, and those that came late
	spent  slo.Counts // for the budget: with planned work's events
	allBad float64    // bad events of the whole history, this tick's included
	change *shifts    // since the last tick with data; nil if there is only one reading

	relearnt bool      // late events fall in ticks that the history still has one by one ...
	from     time.Time // ... and this is the start of the first
}

// Now returns the last tick folded in.
func (led *ledger) Now() time.Time { return led.History.Now() }

// add takes in a sample of some ticks.
func (led *ledger) add(s slo.Sample, ticks int) tick {
	t := tick{start: led.Now(), spent: everything(s)}
	span := slo.Span{Start: t.start, End: t.start.Add(time.Duration(ticks) * led.History.Interval())}
	led.planned.add(s, span, led.History.Known())
	t.Sample = s.Unplanned()
	led.corrections.add(t.Sample, span, led.History.Resolution(), led.History.Known())
	led.History.AddLong(t.Sample, int64(ticks))
	t.Tick = led.Now()
	t.learnt, t.allBad = everything(t.Sample), led.History.All().Bad
	led.redefined.addLate(t.Late)
	t.change = led.shiftTo(&led.shifts, t.start, t.Tick, t.Blind || t.Excluded)
	t.from, t.relearnt = led.relearn(t.Sample)
	return t
}

// Plan marks a sample's late events that fell into planned work, so that they count as such.
func (led *ledger) Plan(s slo.Sample) slo.Sample { return led.planned.mark(s) }

// HasPlanned reports whether any tick of a stretch had planned work.
func (led *ledger) HasPlanned(span slo.Span) bool { return led.planned.length(span) > 0 }

// everything returns a sample's events: its own tick's and the late ones.
func everything(s slo.Sample) slo.Counts {
	c := s.Counts
	for _, l := range s.Late {
		c = c.Add(l.Counts)
	}
	return c
}

// mayOpen reports whether a tick may open a window. A blind tick says nothing new: it only lets
// good events slide out of a rule's window.
func (led *ledger) mayOpen(t *tick) bool {
	return t.Tick.After(led.redefined.Since) && !t.Blind && !t.Excluded
}

// relearn reports whether a sample has events of earlier ticks that the history still has one by
// one, and the start of the first. Onsets and ends are then computed again over these ticks, as if
// the events had come in time.
func (led *ledger) relearn(s slo.Sample) (from time.Time, late bool) {
	for i, l := range s.Late {
		if at := slo.Floor(l.From, led.History.Interval()); i == 0 || at.Before(from) {
			from = at
		}
	}
	return from, len(s.Late) > 0 && led.History.EachTick(from)
}

// walk calls step with the history's ticks after `from`, as known now.
func (led *ledger) walk(from time.Time, step func(*tick)) {
	var last *shifts
	var t tick
	led.History.Buckets(from, func(span slo.Span, c slo.Counts) bool {
		silent := covered(led.History.Blind(), span) || led.planned.at(span.End)
		t = tick{
			Sample: slo.Sample{Tick: span.End, Counts: c}, start: span.Start, learnt: c,
			allBad: led.History.Cumulative(span.End).Bad,
			change: led.shiftTo(&last, span.Start, span.End, silent),
		}
		step(&t)
		return true
	})
}

// blindFor returns how much of a stretch had no data.
func (led *ledger) blindFor(span slo.Span) (length time.Duration) {
	for _, b := range led.History.Blind() {
		length += shared(b, span)
	}
	return length
}

// unseen returns how much of a stretch had no data, or planned work.
func (led *ledger) unseen(span slo.Span) time.Duration {
	return led.blindFor(span) + led.planned.length(span)
}

// gaps returns caveats for the ticks of a stretch without data and, if asked, with planned work.
func (led *ledger) gaps(span slo.Span, planned bool) (all []slo.Caveat) {
	interval := led.History.Interval()
	if blind := int(led.blindFor(span) / interval); blind > 0 {
		all = append(all, slo.Caveat{Kind: slo.NoData, Count: blind})
	}
	if length := led.planned.length(span); planned && length > 0 {
		all = append(all, slo.Caveat{Kind: slo.Planned, Count: int(length / interval), Events: led.planned.in(span).Cut().Bad})
	}
	return all
}

// prepend adds what an older ledger knows of the time up to a tick.
func (led *ledger) prepend(old *ledger, until time.Time) {
	led.History = led.History.Prepended(old.History, until)
	led.planned = append(old.planned.endedBy(until), led.planned...)
}

// hold returns how long the target must be met again to close a window that r opened.
func (led *ledger) hold(r armedRule) time.Duration {
	if hold := led.Def.Policy.Hold; hold > 0 {
		return roundUp(hold, led.History.Interval())
	}
	return r.Short
}

// retarget gives the ledger another definition. A history too short for it is made longer.
func (led *ledger) retarget(def alert.Definition) {
	h, old := led.History, led.Def
	if def.Warmup() > old.Warmup() || def.Objective.Window.Longest() > old.Objective.Window.Longest() {
		led.History = h.Resized(def.Warmup(), def.Objective.Window.Longest())
	}
	led.terms = newTerms(def, led.Labels, h.Interval())
}

// covered reports whether a stretch holds all of span.
func covered(stretches []slo.Span, span slo.Span) bool {
	return slices.ContainsFunc(stretches, func(s slo.Span) bool {
		return !s.Start.After(span.Start) && !s.End.Before(span.End)
	})
}

// shared returns how long two stretches overlap.
func shared(a, b slo.Span) time.Duration {
	start, end := a.Start, a.End
	if b.Start.After(start) {
		start = b.Start
	}
	if b.End.Before(end) {
		end = b.End
	}
	return max(0, end.Sub(start))
}
