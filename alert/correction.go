package alert

import (
	"time"

	"github.com/postburn/postburn/slo"
)

// Correction takes a stretch of an objective, or of one of its label sets, out of its error budget:
// what was measured then was planned, wrong, or not the service's own. The budget stands as if
// those ticks never had data.
type Correction struct {
	slo.ID
	AllLabels bool       // of each label set; then ID has none
	slo.Span             // no End: it goes on
	Events    slo.Counts // in it, if that is known better than from a history; else zero
	Planned   bool       // Events are with those of planned work
	Incident  string
	By        string // who says so; empty if not known
	At        time.Time
	Reason    string
}

// IsOf reports whether the correction is of an objective or label set.
func (c Correction) IsOf(id slo.ID) bool {
	return c.ID == id || c.AllLabels && c.SLO == id.SLO
}

// Covers reports whether a breach window is about a time that the correction takes out.
func (c Correction) Covers(w Window) bool {
	return c.IsOf(w.ID()) && (c.End.IsZero() || w.Onset.Before(c.End)) && (w.IsOpen() || c.Start.Before(w.Ended))
}

// Corrections returns what excluding an incident takes out: the time of each of its windows. A
// budget stays spent for weeks, so a window of kind budget counts only if its objective has no
// other in the incident, and ends with the incident if that has others.
func (i Incident) Corrections() (all []Correction) {
	for _, w := range i.Windows {
		span := slo.Span{Start: w.Onset, End: w.Ended}
		if w.Kind == Budget {
			if i.hasOther(w.ID()) {
				continue
			}
			if ended := i.Ended(); !ended.IsZero() && (span.End.IsZero() || ended.Before(span.End)) {
				span.End = ended
			}
			if !span.End.IsZero() && !span.End.After(span.Start) {
				continue
			}
		}
		c := Correction{ID: w.ID(), Span: span, Incident: i.ID}
		if !w.IsOpen() && span.End.Equal(w.Ended) {
			c.Events, c.Planned = w.unclipped(), w.Kind == Budget
		}
		all = append(all, c)
	}
	return all
}

// hasOther reports whether an objective has a window in the incident that is not of kind budget.
func (i Incident) hasOther(id slo.ID) bool {
	for _, w := range i.Windows {
		if w.Kind != Budget && w.ID() == id {
			return true
		}
	}
	return false
}

// unclipped returns the events of a window as they were counted, before Clip.
func (w Window) unclipped() slo.Counts {
	c := w.Counts
	for _, caveat := range w.Caveats {
		if caveat.Kind == slo.BadAboveTotal {
			c.Bad += caveat.Events
		}
	}
	return c
}
