package report

import (
	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// attained adds up an objective's days in a period, without breach windows of excluded incidents
// that lie in it as a whole.
func (m *maker) attained(d alert.Days, p Period) (a Attained) {
	var counts slo.Counts
	for _, of := range d.Days {
		if !p.has(of.Date) || of.Known <= 0 {
			continue
		}
		since := of.Date
		if of.Known < day && !of.Date.Equal(midnight(m.AsOf)) {
			since = of.Date.Add(day - of.Known) // the first day is known up to its end
		}
		if a.Since == nil || since.Before(*a.Since) {
			a.Since = &since
		}
		a.Known += of.Known.Seconds()
		a.Blind += of.Blind.Seconds()
		counts = counts.Add(of.Counts)
	}
	for _, w := range m.windows[d.ID] {
		if p.has(w.onset) {
			a.InIncidents += w.Cut().Bad
		}
	}
	if a.Since == nil {
		return a
	}
	for _, w := range m.without[d.ID] {
		if p.has(w.onset) && !w.Onset.Before(*a.Since) && !w.IsOpen() && !w.Ended.After(p.End) {
			counts = counts.Sub(w.Counts)
		}
	}
	counts.Total = max(0, counts.Total)
	counts = counts.Cut()
	a.Total, a.Bad = counts.Total, counts.Bad
	if counts.Total > 0 {
		ratio, spent := 1-counts.ErrorRatio(), slo.BudgetSpent(counts.Bad, counts, d.Target)
		a.Ratio, a.Spent = &ratio, &spent
	}
	return a
}

// isMostlyKnown reports whether there are data for at least half of a period. A period with less is
// not compared with others.
func (a Attained) isMostlyKnown(p Period) bool {
	return a.Ratio != nil && a.Known-a.Blind >= p.End.Sub(p.Start).Seconds()/2
}

// isMet reports whether the target was met: the budget was not overspent.
func (a Attained) isMet() bool { return a.Spent != nil && *a.Spent <= 1 }
