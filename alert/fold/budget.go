package fold

import (
	"strconv"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// budget sums the events in an objective's window.
type budget struct {
	seen slo.Counts
	all  slo.Counts // plus an error-free estimate for what is still to come or was not watched
}

func (b budget) cut() budget { return budget{b.seen.Cut(), b.all.Cut()} }

// share sets a breach window's shares of the budget.
func (b budget) share(v *alert.Window) {
	v.BudgetSpent = slo.BudgetSpent(v.Bad, b.all, v.Objective.Target)
	v.BudgetLeft = 1 - slo.BudgetSpent(b.seen.Bad, b.all, v.Objective.Target)
}

func (b budget) estimated() float64 { return b.all.Total - b.seen.Total }

// period is a period of a calendar window.
type period struct {
	slo.Span
	Before slo.Counts `json:"before"` // events of the whole history up to its start, which buckets will forget
}

// budgetTracker sums an objective's budget, and opens and closes windows of kind budget.
type budgetTracker struct {
	open   *OpenWindow
	period *period // of a calendar window: the last tick's
}

// notePeriod notes when a calendar period begins, and events that come late for the time before.
func (b *budgetTracker) notePeriod(led *ledger, t *tick) {
	if led.Def.Objective.Window.Calendar == "" {
		return
	}
	if b.period == nil || t.Tick.After(b.period.End) {
		span := led.periods.At(t.Tick)
		b.period = &period{span, led.History.Cumulative(span.Start)}
		return
	}
	for _, l := range t.Late {
		b.period.Before = b.period.Before.Add(l.Until(b.period.Start))
	}
}

// begun returns the events of the whole history up to the start of a period, and whether the
// history has prorated them.
func (b *budgetTracker) begun(led *ledger, span slo.Span) (before slo.Counts, prorated bool) {
	if b.period != nil && b.period.Start.Equal(span.Start) {
		return b.period.Before, false
	}
	return led.History.Cumulative(span.Start), true
}

// at sums the events in an objective's window: a rolling one ends now, a calendar one is the period
// that holds `at`. Time without events yet counts at the mean rate of the last window's length, so
// that the first day of a month does not stand for all of it. Corrections are left out.
func (b *budgetTracker) at(led *ledger, window slo.Window, at time.Time) budget {
	return b.without(led, window, at, led.forBudget())
}

// without is at, with another overlay.
func (b *budgetTracker) without(led *ledger, window slo.Window, at time.Time, o overlay) budget {
	h := led.History
	if window.Calendar == "" {
		seen, all := o.last(window.Rolling)
		from := h.Now().Add(-window.Rolling)
		p := o.plannedIn(slo.Span{Start: from, End: h.Now()})
		p.Bad -= led.inFlight(from)
		return budget{seen.Add(p), all.Add(p)}.cut()
	}
	span := led.periodsOf(window).At(at)
	before, prorated := h.Cumulative(span.Start), true
	if window == led.Def.Objective.Window {
		before, prorated = b.begun(led, span)
	}
	sum := budget{seen: h.Cumulative(span.End).Sub(before).Add(o.plannedIn(span))}
	sum.seen = sum.seen.Sub(o.correctedIn(span, prorated))
	if h.Now().Before(span.End) {
		sum.seen.Bad -= led.inFlight(span.Start)
	}
	unseen := max(0, o.begun().Sub(span.Start)) + max(0, span.End.Sub(h.Now()))
	sum.all = sum.seen
	_, last := o.last(window.Length())
	sum.all.Total += last.Total * float64(unseen) / float64(window.Length())
	return sum.cut()
}

// step folds a tick into the window of kind budget. A calendar period's window ends with the
// period. A window opens only at a tick that has, or learns of, bad events: the ratio also rises if
// the estimate shrinks, which is no reason.
func (b *budgetTracker) step(so reckoner, t *tick) (events []alert.Event) {
	led := so.ledger
	if open := b.open; open != nil {
		window := open.Window.Objective.Window
		if window.Calendar == "" || !t.Tick.After(led.periodsOf(window).At(open.Run.End).End) {
			return []alert.Event{b.goOn(so, t)}
		}
		state := so.soFar(open)
		state.Ended = open.Run.End
		b.open = nil
		events = append(events, alert.Event{Tick: t.Tick, Closed: true, Window: state})
	}
	sum := b.at(led, led.Def.Objective.Window, t.Tick)
	if !led.Def.Policy.Budget || !led.mayOpen(t) || t.learnt.Bad <= 0 || !led.base.Exceeded(sum.all) {
		return events
	}
	if !led.base.Exceeded(b.whatMayOpen(led, t, sum)) {
		return events
	}
	b.open = &OpenWindow{
		Window:    led.window(alert.Budget, time.Time{}, t.Tick),
		Run:       run{Onset: t.start, PeakBurn: budgetBurn(sum.all, led.Def.Objective.Target)},
		Estimated: sum.estimated(),
	}
	b.add(t)
	return append(events, alert.Event{Tick: t.Tick, Opened: true, Window: so.soFar(b.open)})
}

// whatMayOpen returns the counts by which a budget may open a window: changing the definition or a
// correction opens nothing about the past.
func (b *budgetTracker) whatMayOpen(led *ledger, t *tick, sum budget) slo.Counts {
	if len(led.corrections) > 0 {
		sum = b.without(led, led.Def.Objective.Window, t.Tick, led.forOpening())
	}
	return led.sinceRedefined(sum.all, led.periods.At(t.Tick).Start)
}

// add adds a tick to the open window.
func (b *budgetTracker) add(t *tick) {
	r := &b.open.Run
	r.add(t, t.spent, b.open.target(), nil)
	r.End, r.AtEnd = t.Tick, r.Counts
}

// goOn folds a tick into the open window, and closes it if the target is met again by events that
// were seen, not by an estimate that has grown since it was opened.
func (b *budgetTracker) goOn(so reckoner, t *tick) alert.Event {
	open := b.open
	b.add(t)
	all := b.peak(so.ledger, t.Tick)
	state := so.soFar(open)
	if t.Blind || open.target().Exceeded(all) {
		return alert.Event{Tick: t.Tick, Window: state}
	}
	state.Ended = t.Tick
	b.open = nil
	return alert.Event{Tick: t.Tick, Closed: true, Window: state}
}

// peak notes how fast the open window's budget burns, and returns the events that say so.
func (b *budgetTracker) peak(led *ledger, at time.Time) (all slo.Counts) {
	open := b.open
	sum := b.at(led, open.Window.Objective.Window, at)
	if open.Estimated == 0 {
		open.Estimated = sum.estimated() // an older postburn opened the window
	}
	all = sum.all
	all.Total = sum.seen.Total + min(sum.estimated(), open.Estimated)
	open.Run.PeakBurn = max(open.Run.PeakBurn, budgetBurn(all, open.Window.Objective.Target))
	return all
}

// follow takes over an older tracker's open window if it was open at the start.
func (b *budgetTracker) follow(old *budgetTracker, history *slo.History, start time.Time) {
	if old.open == nil || !old.open.Run.Onset.Before(start) {
		return
	}
	open := *old.open
	since := history.Between(start, history.Now())
	open.Run = open.Run.clone()
	open.Run.Counts = open.Run.Counts.Sub(since)
	open.Run.AtEnd, open.Run.End, open.Run.EndBad = open.Run.Counts, start, 0
	open.Run.Excess -= open.target().Excess(since)
	b.open = &open
}

// budgetBurn returns the burn rate over an objective's window, to three digits. It hardly changes
// for weeks; a peak to the last digit would make a past be read at every tick of them.
func budgetBurn(all slo.Counts, target slo.Decimal) float64 {
	rate := slo.BurnRate(all, target)
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 3, 64), 64)
	if err != nil {
		return rate // infinite
	}
	return rounded
}
