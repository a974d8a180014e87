package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// budgetStays reports whether no window of kind budget can open or close in a step.
func (p *sparse) budgetStays(b *budgetTracker, counts slo.Counts, length time.Duration) bool {
	window, open := p.Def.Objective.Window, b.open
	first, last := p.Now().Add(p.History.Interval()), p.Now().Add(length)
	if window.Calendar != "" && (b.period == nil || p.periods.At(first) != p.periods.At(last)) {
		return false
	}
	if open == nil && !p.Def.Policy.Budget {
		return true
	}
	least, most := p.budgetBounds(b, counts, length)
	if open == nil {
		return !could(p.base, least, most)
	}
	over := window.Calendar != "" && last.After(p.periods.At(open.Run.End).End)
	return open.Window.Definition == p.digest && !over && least.Total > 0 && must(open.target(), least, most)
}

// budgetBounds returns the least and the most events in the objective's window at any tick of a
// step, with the estimate.
func (p *sparse) budgetBounds(b *budgetTracker, counts slo.Counts, length time.Duration) (least, most slo.Counts) {
	window := p.Def.Objective.Window
	least, most = p.unsure().Bounds(window.Length(), length, counts)
	if window.Calendar == "" {
		return least, most
	}
	span := p.periods.At(p.Now().Add(p.History.Interval()))
	begun, _ := b.begun(p.ledger, span)
	seen := p.History.All().Sub(begun)
	before := max(0, p.History.Origin().Sub(span.Start))
	share := func(now time.Time) float64 {
		return float64(before+max(0, span.End.Sub(now))) / float64(window.Length())
	}
	usual := slo.Counts{Total: least.Total * share(p.Now().Add(length))}
	usually := slo.Counts{Total: most.Total * share(p.Now())}
	return seen.Add(usual), seen.Add(counts).Add(usually)
}

// worstBudget returns the counts with the highest burn rate that an open window of kind budget can
// have in a step. Its estimate is at most what it was when it opened.
func (p *sparse) worstBudget(b *budgetTracker, counts slo.Counts, length time.Duration) slo.Counts {
	least, most := p.budgetBounds(b, counts, length)
	seen, _ := p.unsure().CountedBounds(p.Def.Objective.Window.Length(), length, counts)
	if b.period != nil {
		seen = p.History.All().Sub(b.period.Before)
	}
	total := min(least.Total, seen.Total+b.open.Estimated)
	return slo.Counts{Total: total * (1 - margin), Bad: most.Bad}
}

// mayBeSpent reports whether the budget may be overspent at the last tick, if that opens or keeps a
// window.
func (p *sparse) mayBeSpent(b *budgetTracker, blind bool) bool {
	if b.open != nil {
		return true
	}
	if !p.Def.Policy.Budget || blind {
		return false
	}
	least, most := p.budgetBounds(b, slo.Counts{}, 0)
	return could(p.base, least, most)
}

// summit is a step in which an open window of kind budget may have got worse than is known.
type summit struct {
	slo.Span
	burn, excess float64 // upper bounds of the peaks
}

type summits []summit

// forgetSummits drops the steps that can't have been worse than the open window's known peaks. It
// looks at them only if a peak has risen.
func (c *Coarse) forgetSummits() {
	open := c.budget.open
	if open == nil || open.peaks() == c.above {
		return
	}
	c.above = open.peaks()
	c.summits = slices.DeleteFunc(c.summits, func(s summit) bool { return s.isBelow(open) })
}

// peaks are the open window's known peaks.
func (o *OpenWindow) peaks() [2]float64 { return [2]float64{o.Run.PeakBurn, o.Run.PeakExcess} }

// add adds a step, unless it can't have been worse than the open window's known peaks.
func (all *summits) add(s summit, open *OpenWindow) {
	if !s.isBelow(open) {
		*all = append(*all, s)
	}
}

func (s summit) isBelow(open *OpenWindow) bool {
	return s.burn <= open.Run.PeakBurn && s.excess <= open.Run.PeakExcess
}

// spans returns the steps in which the window may have been worse than known.
func (all summits) spans() (spans []slo.Span) {
	for _, s := range all {
		spans = append(spans, s.Span)
	}
	return spans
}
