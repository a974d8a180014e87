package fold

import (
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
	past
	Since time.Time // the past is known from here on; zero: as far as any rule looks back

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
