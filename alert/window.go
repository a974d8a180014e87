package alert

import (
	"cmp"
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
	// Blindness is no breach that anybody knows of: there was no data. Its counts are what came to
	// light of that time when data was back.
	Blindness Kind = "blind"
	// Quietness is traffic far below what is usual. Nobody knows whether the target would be met:
	// those who do not get through are not counted.
	Quietness Kind = "quiet"
)

// Compare orders kinds by which an incident is about rather than the other.
func (k Kind) Compare(other Kind) int { return cmp.Compare(k.rank(), other.rank()) }

func (k Kind) rank() int { return slices.Index([]Kind{Burn, Quietness, Blindness, Budget}, k) }

// maxOverspent is how long before it was found a budget may have been overspent that counts from
// then on.
const maxOverspent = time.Hour

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
	BudgetSpent  float64       `json:"budget_spent"`           // the share of the objective's error budget that its bad events spent
	BudgetLeft   float64       `json:"budget_left"`            // the share of it that was left then, whatever spent the rest; below 0 it is overspent
	Severity     int           `json:"severity,omitempty"`     // the worst level that these numbers reach, 1 being the worst; 0: none
	UsualEvents  float64       `json:"usual_events,omitempty"` // that the same hours have usually, see fold.Watch; 0: not known
	Phases       []Phase       `json:"phases,omitempty"`
	Caveats      []slo.Caveat  `json:"caveats,omitempty"`
}

// IsOpen reports whether the breach goes on.
func (w Window) IsOpen() bool { return w.Ended.IsZero() }

// ID names the objective and label set that the window is of.
func (w Window) ID() slo.ID { return slo.ID{SLO: w.Objective.Name, Labels: w.Labels} }

// begin is when a window counts as begun for the incident that it is part of: at its onset. A
// budget that was overspent long before that was found counts from when it was found.
func (w Window) begin() time.Time {
	if w.Kind == Budget && w.Detected.Sub(w.Onset) > maxOverspent {
		return w.Detected
	}
	return w.Onset
}

// same reports whether v is an earlier or later state of w: an objective has one window of a kind
// open at a time.
func (w Window) same(v Window) bool {
	return w.ID() == v.ID() && w.Kind == v.Kind && w.Detected.Equal(v.Detected)
}

// Clip brings the bad events between 0 and the total, and says how many there were above it.
func (w *Window) Clip() {
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
