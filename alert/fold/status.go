package fold

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Status returns how the objective stands.
func (w *Watch) Status() alert.Status {
	target := w.Def.Objective.Target
	s := alert.Status{
		Objective: w.Def.Objective, Labels: w.Labels, Tick: w.History.Now(), State: alert.OK,
		BurnRates: make([]alert.BurnRate, 0, len(w.windows)),
		Redefined: w.redefined.At, Changes: w.redefined.Changes,
	}
	b := w.budget.at(&w.ledger, w.Def.Objective.Window, s.Tick)
	s.Window, s.Estimated = b.seen, b.estimated()
	s.BudgetRemaining = 1 - slo.BudgetSpent(b.seen.Bad, b.all, target)
	for _, length := range w.windows {
		s.BurnRates = append(s.BurnRates, alert.BurnRate{Window: length, Rate: slo.BurnRate(w.History.Last(length).Cut(), target)})
	}
	if w.quiet.low != nil {
		s.QuietSince = w.quiet.low.Since
	}
	switch {
	case w.Last.Blind || w.History.Empty():
		s.State = alert.Blind
		if !w.History.Empty() {
			s.BlindSince = s.Tick.Add(-time.Duration(w.blind.silent) * w.History.Interval())
		}
	case w.burn.open == nil && w.quiet.low != nil:
		s.State = alert.Quiet
	case w.burn.open != nil || w.budget.open != nil:
		s.State = alert.Burning
	}
	return s
}
