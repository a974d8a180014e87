package alert

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// Kind is the kind of a breach window.
type Kind string

// The kinds of breach windows.
const (
	Burn   Kind = "burn"   // a rule fired
	Budget Kind = "budget" // the error ratio over the objective's whole window is above 1 - target
	// Blindness is no breach that anybody knows of: there was no data. Its counts are what came to light of that time when data was back.
	Blindness Kind = "blind"
)

// Window is a breach window: one objective missing its target from onset to end, with its numbers.
type Window struct {
	Objective    slo.Objective `json:"objective"` // as it was when the window was opened
	Labels       slo.Labels    `json:"labels"`
	Kind         Kind          `json:"kind"`
	Rule         *Rule         `json:"rule,omitempty"` // the rule that fired first; nil for kind budget
	Definition   string        `json:"definition"`     // digest of the definition it was opened under
	Onset        time.Time     `json:"onset"`          // start of the first tick of the breach
	Detected     time.Time     `json:"detected"`       // end of the tick at which it was found
	Ended        time.Time     `json:"ended,omitzero"` // end of its last tick; zero while open
	PeakBurnRate float64       `json:"peak_burn_rate"` // over the rule's short window; for kind budget over the objective's
	slo.Counts                 // events from onset to end, or to where the breach was last getting worse while it is open
	BudgetSpent  float64       `json:"budget_spent"`       // the share of the objective's error budget that its bad events spent
	BudgetLeft   float64       `json:"budget_left"`        // the share of it that was left then, whatever spent the rest; below 0 it is overspent
	Severity     int           `json:"severity,omitempty"` // the worst level that these numbers reach, 1 being the worst; 0: none
	Phases       []Phase       `json:"phases,omitempty"`
	Caveats      []slo.Caveat  `json:"caveats,omitempty"`
}

// IsOpen reports whether the breach goes on.
func (w Window) IsOpen() bool { return w.Ended.IsZero() }

// ID names the objective and label set that the window is of.
func (w Window) ID() slo.ID { return slo.ID{SLO: w.Objective.Name, Labels: w.Labels} }

// same reports whether v is an earlier or later state of w: an objective has one window of a kind open at a time.
func (w Window) same(v Window) bool {
	return w.ID() == v.ID() && w.Kind == v.Kind && w.Detected.Equal(v.Detected)
}

// cut brings the bad events between 0 and the total, and says how many there were above it.
func (w *Window) cut() {
	if above := w.Bad - w.Total; above > 0 {
		w.Caveats = slo.MergeCaveats(w.Caveats, []slo.Caveat{{Kind: slo.BadAboveTotal, Count: 1, Events: above}})
	}
	w.Counts = w.Cut()
}

// PhaseKind says how bad a stretch of a breach window was.
type PhaseKind string

// The kinds of phases.
const (
	Outage   PhaseKind = "outage"   // at least half of the events were bad
	Degraded PhaseKind = "degraded" // more events were bad than the target allows
	BlindGap PhaseKind = "blind"    // there was no data
)

// Phase is a stretch of a breach window.
type Phase struct {
	Kind PhaseKind `json:"kind"`
	slo.Span
	slo.Counts
}

// runsOf cuts (onset, end] into runs of outage, degradation, blindness and, with an empty kind, of neither.
func runsOf(h *slo.History, base slo.Threshold, onset, end time.Time) []Phase {
	var runs []Phase
	h.Buckets(onset, func(span slo.Span, c slo.Counts) bool {
		if !span.Start.Before(end) {
			return false
		}
		kind := classify(base, c)
		if covered(h.Blind(), span) {
			kind = BlindGap
		}
		runs = addRun(runs, Phase{kind, span, c})
		return true
	})
	return runs
}

// addRun appends a run, or extends the last one where it is of the same kind.
func addRun(runs []Phase, r Phase) []Phase {
	if n := len(runs); n > 0 && runs[n-1].Kind == r.Kind {
		runs[n-1].End = r.End
		runs[n-1].Counts = runs[n-1].Add(r.Counts)
		return runs
	}
	return append(runs, r)
}

// phases makes phases of runs. Runs of one kind that are less than `join` apart are one if it holds for the whole as well; a run of a
// single tick beside a longer one is part of that.
func phases(runs []Phase, base slo.Threshold, join, tick time.Duration) []Phase {
	runs = joinAcross(runs, Outage, join, func(c slo.Counts) bool { return c.Bad >= c.Total/2 })
	runs = joinAcross(runs, Degraded, join, base.Exceeded)
	runs = absorbSingles(runs, tick)
	for i := range runs {
		runs[i].Counts = runs[i].Cut()
	}
	return slices.DeleteFunc(runs, func(r Phase) bool { return r.Kind == "" })
}

// classify is the kind of a stretch with these events; empty where it was well.
func classify(base slo.Threshold, c slo.Counts) PhaseKind {
	switch {
	case c.Total > 0 && c.Bad >= c.Total/2:
		return Outage
	case base.Exceeded(c):
		return Degraded
	}
	return ""
}

// joinAcross joins runs of a kind over gaps shorter than `join`, where the whole still is of that kind.
func joinAcross(runs []Phase, kind PhaseKind, join time.Duration, holds func(slo.Counts) bool) []Phase {
	var out []Phase
	for i := 0; i < len(runs); {
		whole, next := runs[i], i+1
		if whole.Kind == kind {
			sum := whole.Counts
			for j, last := i+1, whole; j < len(runs); j++ {
				r := runs[j]
				sum = sum.Add(r.Counts)
				if r.Kind == BlindGap || (r.Kind != kind && r.End.Sub(last.End) >= join) || (r.Kind == Outage && kind == Degraded) {
					break
				}
				if r.Kind == kind {
					last = r
					if holds(sum) {
						whole = Phase{kind, slo.Span{Start: whole.Start, End: r.End}, sum}
						next = j + 1
					}
				}
			}
		}
		out = append(out, whole)
		i = next
	}
	return out
}

// absorbSingles gives a run of a single tick, which the edge of a fault falls into, to its longer neighbour.
func absorbSingles(runs []Phase, tick time.Duration) []Phase {
	length := func(i int) time.Duration {
		if i < 0 || i >= len(runs) || runs[i].Kind == "" || runs[i].Kind == BlindGap {
			return 0
		}
		return runs[i].End.Sub(runs[i].Start)
	}
	for i := 0; i < len(runs); i++ {
		if l := length(i); l == 0 || l > tick {
			continue
		}
		into := i - 1
		if length(i+1) > length(i-1) {
			into = i + 1
		}
		if length(into) <= tick {
			continue
		}
		merged := runs[into]
		merged.Counts = merged.Add(runs[i].Counts)
		if into > i {
			merged.Start = runs[i].Start
		} else {
			merged.End = runs[i].End
		}
		runs[min(i, into)] = merged
		runs = append(runs[:max(i, into)], runs[max(i, into)+1:]...)
		i = max(-1, i-2)
	}
	return runs
}

// covered reports whether one of the stretches holds all of span.
func covered(stretches []slo.Span, span slo.Span) bool {
	for _, s := range stretches {
		if !s.Start.After(span.Start) && !s.End.Before(span.End) {
			return true
		}
	}
	return false
}
