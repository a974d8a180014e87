package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// reckoner sets the numbers of breach windows.
type reckoner struct {
	*ledger
	budget *budgetTracker
	quiet  *quietTracker
}

// soFar returns an open burn or budget window with its numbers so far.
func (r reckoner) soFar(open *OpenWindow) alert.Window {
	v := open.Window
	v.Onset, v.Counts, v.PeakBurnRate = open.Run.Onset, open.Run.AtEnd, open.Run.PeakBurn
	v.Caveats = slices.Clone(open.Run.Caveats)
	v.Clip()
	span := slo.Span{Start: v.Onset, End: open.Run.End}
	if v.Kind == alert.Burn {
		v.Phases = phases(slices.Clone(open.Runs), open.target(), v.Rule.Short, r.History.Interval())
		v.UsualEvents = r.quiet.usualOf(r.ledger, span)
	}
	v.Caveats = slo.MergeCaveats(v.Caveats, r.gaps(span, v.Kind == alert.Burn))
	r.finish(&v, span.End)
	return v
}

// count sets the numbers of a window of kind quiet, up to its end or up to now.
func (r reckoner) count(v *alert.Window) {
	end := r.Now()
	if !v.IsOpen() {
		end = v.Ended
	}
	v.Counts = r.History.Between(v.Onset, end)
	v.UsualEvents = r.quiet.usualOf(r.ledger, slo.Span{Start: v.Onset, End: end})
	v.Clip()
	r.finish(v, end)
}

// finish sets a window's shares of the budget and its severity. For calendar windows the budget is
// that period's in which it ends. If part of the budget is an estimate, a caveat says how much.
func (r reckoner) finish(v *alert.Window, end time.Time) {
	sum := r.budget.at(r.ledger, v.Objective.Window, end)
	sum.share(v)
	if guess := sum.estimated(); guess >= 0.5 {
		v.Caveats = slo.MergeCaveats(v.Caveats, []slo.Caveat{{Kind: slo.Estimated, Count: 1, Events: guess}})
	}
	v.Caveats = slo.MergeCaveats(v.Caveats, v.Objective.Indicator.Caveats())
	v.Severity = r.Def.Policy.SeverityOf(*v)
}

// amend adds late events to a closed window's numbers. bad is its bad events by now.
func (r reckoner) amend(v alert.Window, more slo.Counts, bad float64, late []slo.Caveat) alert.Window {
	v.Counts = slo.Counts{Total: v.Total + more.Total, Bad: bad} // not the clipped number
	v.Caveats = slo.MergeCaveats(slices.Clone(v.Caveats), late)
	v.Counts = v.Cut()
	r.budget.at(r.ledger, v.Objective.Window, v.Ended).share(&v)
	return v
}
