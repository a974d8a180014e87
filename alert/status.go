package alert

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// State is how an objective is doing.
type State string

// The states of an objective.
const (
	OK      State = "ok"
	Burning State = "burning" // a breach window is open
	Blind   State = "blind"   // there is no data, or none could be had: never "ok"
)

// Status is how an objective stands at the last committed tick.
type Status struct {
	Objective       slo.Objective
	Labels          slo.Labels
	Tick            time.Time  // zero while nothing was committed
	Window          slo.Counts // events counted in the objective's window
	Estimated       float64    // events that stand for the part of the window that is still to come, or was not watched
	BudgetRemaining float64    // share of the error budget: 1 is untouched, below 0 is overspent
	BurnRates       []BurnRate // one for each window of the rules, shortest first
	State           State
	Unread          time.Duration // how much of the objective's window, before what is known, is still to be read from Prometheus
	BlindSince      time.Time     // from when on there is no data, or none that could be had; zero where there is, and where there never was

	extra time.Duration // that is added to the delay
}

// BurnRate is how fast the budget burned over a window: 1 spends all of it in exactly the objective's window.
type BurnRate struct {
	Window time.Duration
	Rate   float64
}

// statuses are how the lane's objectives stand. One that has no label set yet is blind.
func (l *Lane) statuses() []Status {
	all := make([]Status, 0, len(l.watches))
	seen := map[string]bool{}
	for _, w := range l.watches {
		all = append(all, w.Status())
		seen[w.def.Objective.Name] = true
	}
	for i := range all {
		all[i].extra = l.late.Extra
		all[i].Unread = l.past.left[all[i].Objective.Name]
	}
	for _, d := range l.defs {
		if !seen[d.Objective.Name] {
			all = append(all, Status{Objective: d.Objective, Tick: l.cursor, BudgetRemaining: 1, State: Blind})
		}
	}
	return all
}

// Status is how the watch's objective stands.
func (w *Watch) Status() Status {
	target := w.def.Objective.Target
	s := Status{
		Objective: w.def.Objective, Labels: w.labels, Tick: w.history.Now(), State: OK,
		BurnRates: make([]BurnRate, 0, len(w.windows)),
	}
	b := w.budgetAt(w.def.Objective.Window, s.Tick)
	s.Window, s.Estimated = b.seen, b.estimated()
	s.BudgetRemaining = 1 - slo.BudgetSpent(b.seen.Bad, b.all, target)
	for _, length := range w.windows {
		s.BurnRates = append(s.BurnRates, BurnRate{length, slo.BurnRate(w.history.Last(length).Cut(), target)})
	}
	switch {
	case w.last.Blind || w.history.Empty():
		s.State = Blind
		if !w.history.Empty() {
			s.BlindSince = s.Tick.Add(-time.Duration(w.Silent) * w.history.Interval())
		}
	case w.Burn != nil || w.Budget != nil:
		s.State = Burning
	}
	return s
}
