package fold

import (
	"strconv"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// budget is what the events in an objective's window add up to.
type budget struct {
	seen slo.Counts
	all  slo.Counts // with an estimate, free of errors, for what of the window is still to come or was not watched
}

func (b budget) cut() budget { return budget{b.seen.Cut(), b.all.Cut()} }

// share sets the shares of a breach window.
func (b budget) share(v *alert.Window) {
	v.BudgetSpent = slo.BudgetSpent(v.Bad, b.all, v.Objective.Target)
	v.BudgetLeft = 1 - slo.BudgetSpent(b.seen.Bad, b.all, v.Objective.Target)
}

func (b budget) estimated() float64 { return b.all.Total - b.seen.Total }

// period is a period of a calendar window.
type period struct {
	slo.Span
	Before slo.Counts `json:"before"` // events of the whole history up to its start, which no bucket may remember in a while
}

// turn notes when a period of the calendar begins, and what came late for the time before it.
func (w *Watch) turn(s slo.Sample) {
	if w.Def.Objective.Window.Calendar == "" {
		return
	}
	if w.Period == nil || s.Tick.After(w.Period.End) {
		span := w.periods.At(s.Tick)
		w.Period = &period{span, w.History.Cumulative(span.Start)}
		return
	}
	for _, l := range s.Late {
		w.Period.Before = w.Period.Before.Add(l.Until(w.Period.Start))
	}
}

// budgetAt sums the events in an objective's window: in a rolling one up to now, in a calendar one
// in the period that holds `at`. What has no events yet counts at the mean rate of the last
// window's length, so that the first day of a month does not stand for all of it.
func (w *Watch) budgetAt(window slo.Window, at time.Time) budget {
	h := w.History
	if window.Calendar == "" {
		p := w.plannedIn(slo.Span{Start: h.Now().Add(-window.Rolling), End: h.Now()})
		p.Bad -= w.inFlight(h.Now().Add(-window.Rolling))
		return budget{h.Counted(window.Rolling).Add(p), h.Last(window.Rolling).Add(p)}.cut()
	}
	span := w.periodsOf(window).At(at)
	before := h.Cumulative(span.Start)
	if w.Period != nil && window == w.Def.Objective.Window && w.Period.Start.Equal(span.Start) {
		before = w.Period.Before
	}
	b := budget{seen: h.Cumulative(span.End).Sub(before).Add(w.plannedIn(span))}
	if h.Now().Before(span.End) {
		b.seen.Bad -= w.inFlight(span.Start)
	}
	unseen := max(0, h.Origin().Sub(span.Start)) + max(0, span.End.Sub(h.Now()))
	b.all = b.seen
	b.all.Total += h.Last(window.Length()).Total * float64(unseen) / float64(window.Length())
	return b.cut()
}

func (w *Watch) periodsOf(window slo.Window) slo.Periods {
	if window == w.Def.Objective.Window {
		return w.periods
	}
	p, _ := window.Periods() // of a window that is open under an older definition
	return p
}

// spend says what share of the budget a breach window has spent, and what is left: of the period in
// which it ends, where windows are of the calendar. If part of that is an estimate, a caveat says
// how much.
func (w *Watch) spend(v *alert.Window, end time.Time) {
	b := w.budgetAt(v.Objective.Window, end)
	b.share(v)
	if guess := b.estimated(); guess >= 0.5 {
		v.Caveats = slo.MergeCaveats(v.Caveats, []slo.Caveat{{Kind: slo.Estimated, Count: 1, Events: guess}})
	}
}

// stepBudget folds a sample into the window of kind budget. One of a calendar period is over when
// the period is. One is opened only at a tick that has, or has learnt of, bad events: the ratio
// also rises when the estimate shrinks, and that is no reason.
func (w *Watch) stepBudget(s slo.Sample, counts slo.Counts, allBad float64, start time.Time, hasBad bool) (events []alert.Event) {
	if open := w.Budget; open != nil {
		window := open.Window.Objective.Window
		if window.Calendar == "" || !s.Tick.After(w.periodsOf(window).At(open.Run.End).End) {
			return []alert.Event{w.goOnBudget(s, counts, allBad)}
		}
		state := w.Snapshot(open)
		state.Ended = open.Run.End
		w.Budget = nil
		events = append(events, alert.Event{Tick: s.Tick, Closed: true, Window: state})
	}
	b := w.budgetAt(w.Def.Objective.Window, s.Tick)
	if !w.Def.Policy.Budget || !w.mayOpen(s) || !hasBad || !w.base.Exceeded(b.all) {
		return events
	}
	if b.all = w.forOpening(b.all, w.periods.At(s.Tick).Start); !w.base.Exceeded(b.all) {
		return events
	}
	w.openBudget(s, counts, allBad, start, b)
	return append(events, alert.Event{Tick: s.Tick, Opened: true, Window: w.Snapshot(w.Budget)})
}

// openBudget opens a window of kind budget.
func (w *Watch) openBudget(s slo.Sample, counts slo.Counts, allBad float64, start time.Time, b budget) {
	w.Budget = &OpenWindow{
		Window:    alert.Window{Objective: w.Def.Objective, Labels: w.Labels, Kind: alert.Budget, Definition: w.digest, Detected: s.Tick},
		Run:       run{Onset: start, PeakBurn: budgetBurn(b.all, w.Def.Objective.Target)},
		Estimated: b.estimated(),
	}
	open := w.Budget
	open.Run.add(s, counts, w.base, allBad, nil)
	open.Run.End, open.Run.AtEnd = s.Tick, open.Run.Counts
}

// goOnBudget folds a sample into an open window of kind budget, and closes it where the target is
// met again: by events that were seen, and not by an estimate that has grown since it was opened.
func (w *Watch) goOnBudget(s slo.Sample, counts slo.Counts, allBad float64) alert.Event {
	open := w.Budget
	open.Run.add(s, counts, w.thresholdOf(open), allBad, nil)
	open.Run.End, open.Run.AtEnd = s.Tick, open.Run.Counts
	b := w.budgetAt(open.Window.Objective.Window, s.Tick)
	if open.Estimated == 0 {
		open.Estimated = b.estimated() // of a window that an older postburn opened
	}
	all := b.all
	all.Total = b.seen.Total + min(b.estimated(), open.Estimated)
	open.Run.PeakBurn = max(open.Run.PeakBurn, budgetBurn(all, open.Window.Objective.Target))
	state := w.Snapshot(open)
	if s.Blind || w.thresholdOf(open).Exceeded(all) {
		return alert.Event{Tick: s.Tick, Window: state}
	}
	state.Ended = s.Tick
	w.Budget = nil
	return alert.Event{Tick: s.Tick, Closed: true, Window: state}
}

// budgetBurn is the burn rate over an objective's window, to three digits. It hardly changes for
// weeks, and its peak to the last digit would have every tick of these read of a past.
func budgetBurn(all slo.Counts, target slo.Decimal) float64 {
	rate := slo.BurnRate(all, target)
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 3, 64), 64)
	if err != nil {
		return rate // infinite
	}
	return rounded
}
