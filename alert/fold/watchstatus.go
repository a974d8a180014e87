package fold

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Status is how the watch's objective stands.
func (w *Watch) Status() alert.Status {
	target := w.Def.Objective.Target
	s := alert.Status{
		Objective: w.Def.Objective, Labels: w.Labels, Tick: w.History.Now(), State: alert.OK,
		BurnRates: make([]alert.BurnRate, 0, len(w.windows)),
		Redefined: w.Redefined.At, Changes: w.Redefined.Changes,
	}
	b := w.budgetAt(w.Def.Objective.Window, s.Tick)
	s.Window, s.Estimated = b.seen, b.estimated()
	s.BudgetRemaining = 1 - slo.BudgetSpent(b.seen.Bad, b.all, target)
	for _, length := range w.windows {
		s.BurnRates = append(s.BurnRates, alert.BurnRate{Window: length, Rate: slo.BurnRate(w.History.Last(length).Cut(), target)})
	}
	if w.Low != nil {
		s.QuietSince = w.Low.Since
	}
	switch {
	case w.Last.Blind || w.History.Empty():
		s.State = alert.Blind
		if !w.History.Empty() {
			s.BlindSince = s.Tick.Add(-time.Duration(w.Silent) * w.History.Interval())
		}
	case w.Burn == nil && w.Low != nil:
		s.State = alert.Quiet
	case w.Burn != nil || w.Budget != nil:
		s.State = alert.Burning
	}
	return s
}
