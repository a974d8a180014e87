package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// firing finds which rules fire, and since when it burns for each.
type firing struct {
	track  []tracker // one a rule
	closed closedWindows
}

// reset looks for onsets anew.
func (f *firing) reset(rules int) { f.track = make([]tracker, rules) }

// step folds a tick in.
func (f *firing) step(led *ledger, t *tick) {
	f.closed.step(t, led.memory)
	if t.relearnt {
		f.retrack(led, t)
		return
	}
	counts := led.redefined.without(t)
	for i, r := range led.rules {
		tr := &f.track[i]
		tr.add(t, counts, r.threshold, led.base)
		if tr.isOn() {
			tr.PeakBurn = max(tr.PeakBurn, f.burnRate(led, r.Short, led.Def.Objective.Target))
		}
	}
}

// retrack folds ticks again: from the first that has late events, or from a tracker's onset if that
// is earlier.
func (f *firing) retrack(led *ledger, t *tick) {
	from := slo.Later(led.redefined.Since, f.closed.orLater(t.from)) // closed windows stay closed
	for i, r := range led.rules {
		old, begin := f.track[i], from
		if old.isOn() && old.Onset.Before(begin) {
			begin = old.Onset
		}
		tr := &f.track[i]
		*tr = tracker{}
		led.walk(begin, func(t *tick) { tr.add(t, t.Counts, r.threshold, led.base) })
		if tr.isOn() {
			tr.PeakBurn = max(old.PeakBurn, f.burnRate(led, r.Short, led.Def.Objective.Target))
			tr.Caveats = slo.MergeCaveats(slices.Clone(old.Caveats), t.Caveats)
			tr.Pending = slices.Clone(old.Pending)
		}
	}
}

// retrackAll finds the rules' onsets anew, at the history's resolution.
func (f *firing) retrackAll(led *ledger) {
	f.reset(len(led.rules))
	from := f.closed.orLater(slo.Later(led.redefined.Since, led.Now().Add(-led.Def.Warmup())))
	led.walk(from, func(t *tick) {
		for i, r := range led.rules {
			f.track[i].add(t, t.Counts, r.threshold, led.base)
		}
	})
}

// fires reports whether the burn rate is strictly above rule i's rate over both its windows.
func (f *firing) fires(led *ledger, i int) bool {
	r := led.rules[i]
	if led.Now().Sub(led.Since) < r.Long {
		return false
	}
	if led.History.Apart() {
		return f.track[i].isOn() && f.isCertain(led, r)
	}
	if !r.threshold.Exceeded(f.sum(led, r.Short)) {
		return false
	}
	long := f.sum(led, r.Long)
	return long.Bad >= led.Def.Policy.MinBadEvents && r.threshold.Exceeded(long)
}

// isCertain reports whether the certain bad events alone exceed a rule's rate in both windows.
func (f *firing) isCertain(led *ledger, r armedRule) bool {
	excused := func(from time.Time) float64 { return f.closed.excused(led, from) }
	for _, length := range []time.Duration{r.Short, r.Long} {
		c := led.History.Last(length)
		c.Bad = min(c.Total, led.certain(led.Now().Add(-length), excused))
		if !r.threshold.Exceeded(c) || length == r.Long && c.Bad < led.Def.Policy.MinBadEvents {
			return false
		}
	}
	return true
}

// sum sums the events of the last `length`; bad ones in closed windows count as good.
func (f *firing) sum(led *ledger, length time.Duration) slo.Counts {
	c := led.History.Last(length)
	c.Bad -= f.closed.excused(led, led.Now().Add(-length))
	return c.Cut()
}

// burnRate is over the last `length`.
func (f *firing) burnRate(led *ledger, length time.Duration, target slo.Decimal) float64 {
	return slo.BurnRate(f.sum(led, length), target)
}

// closedWindows are the closed windows that rules still see, oldest first.
type closedWindows []excused

// excused is a closed window. For the rules its bad events count as good.
type excused struct {
	slo.Span
	From float64 `json:"from"` // bad events of the whole history up to its onset
	To   float64 `json:"to"`   // and up to its end

	Window *alert.Window `json:"window,omitempty"` // until its numbers are final
	Hold   time.Duration `json:"hold,omitempty"`   // the least time until it was declared over
}

// step forgets windows that rules no longer see, and adds late events to the others.
func (c *closedWindows) step(t *tick, memory time.Duration) {
	*c = slices.DeleteFunc(*c, func(x excused) bool { return t.Tick.Sub(x.End) > memory })
	for i := range *c {
		x := &(*c)[i]
		for _, l := range t.Late {
			x.From += l.Until(x.Start).Bad
			x.To += l.Until(x.End).Bad
		}
	}
}

// orLater returns the later of a time and the last end of a window.
func (c closedWindows) orLater(t time.Time) time.Time {
	for _, x := range c {
		if x.End.After(t) {
			t = x.End
		}
	}
	return t
}

// excused sums the bad events after a time that count as good: in closed windows, and before the
// definition changed.
func (c closedWindows) excused(led *ledger, from time.Time) (bad float64) {
	since := led.redefined.Since
	if len(c) == 0 && !since.After(from) {
		return 0
	}
	before := led.History.Cumulative(from).Bad
	if since.After(from) {
		bad, before, from = led.redefined.Bad-before, led.redefined.Bad, since
	}
	exact := led.History.EachTick(from)
	for _, x := range c {
		if exact && !x.End.After(from) {
			continue // bad events are signed: the sum at `from` may be below the one at its end
		}
		bad += max(0, x.To-max(x.From, before)) // 0 if it ended before `from`
	}
	return bad
}

// amend adds late events to recently closed windows, and reports these.
func (c closedWindows) amend(so reckoner, t *tick) (events []alert.Event) {
	for i := range c {
		x := &c[i]
		if x.Window == nil {
			continue
		}
		if t.Tick.Sub(x.End) > (CheckEvery+2*CheckAfter)*so.History.Interval()+x.Hold {
			x.Window = nil // its numbers are final
			continue
		}
		var more slo.Counts
		for _, l := range t.Late {
			more = more.Add(l.Until(x.End).Sub(l.Until(x.Start)))
		}
		if more == (slo.Counts{}) {
			continue
		}
		v := so.amend(*x.Window, more, x.To-x.From, t.Caveats)
		x.Window = &v
		events = append(events, alert.Event{Tick: t.Tick, Window: v})
	}
	return events
}

// settle replaces the state of a closed window.
func (c closedWindows) settle(v, settled alert.Window) {
	for i := range c {
		if x := c[i].Window; x != nil && x.Key() == v.Key() {
			c[i].Window = &settled
		}
	}
}
