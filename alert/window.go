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
	// Blindness is a time without data; nobody knows of a breach. Its counts are what became known
	// of that time once data was back.
	Blindness Kind = "blind"
	// Quietness is traffic far below usual. The target may be missed: requests that don't get
	// through are not counted.
	Quietness Kind = "quiet"
)

// Compare puts the kind first that better describes an incident.
func (k Kind) Compare(other Kind) int { return cmp.Compare(k.rank(), other.rank()) }

func (k Kind) rank() int { return slices.Index([]Kind{Burn, Quietness, Blindness, Budget}, k) }

// maxOverspent is how long before its detection a budget's onset may be and still be its begin.
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
	PeakBurnRate float64       `json:"peak_burn_rate"` // over the rule's short window; kind budget: over the objective's
	slo.Counts                 // events from onset to end; while open, to when it was last getting worse
	BudgetSpent  float64       `json:"budget_spent"`           // share of the error budget that its bad events spent
	BudgetLeft   float64       `json:"budget_left"`            // share of it left then, whatever spent the rest; below 0: overspent
	Severity     int           `json:"severity,omitempty"`     // the worst level that these numbers reach, 1 is the worst; 0: none
	UsualEvents  float64       `json:"usual_events,omitempty"` // usual for the same hours, see fold.Watch; 0: not known
	Phases       []Phase       `json:"phases,omitempty"`
	Caveats      []slo.Caveat  `json:"caveats,omitempty"`
}

// IsOpen reports whether the breach is still going on.
func (w Window) IsOpen() bool { return w.Ended.IsZero() }

// ID returns the window's objective and label set.
func (w Window) ID() slo.ID { return slo.ID{SLO: w.Objective.Name, Labels: w.Labels} }

// begin returns when a window counts as begun for its incident: at its onset. A budget found more
// than maxOverspent after its onset counts from its detection.
func (w Window) begin() time.Time {
	if w.Kind == Budget && w.Detected.Sub(w.Onset) > maxOverspent {
		return w.Detected
	}
	return w.Onset
}

// WindowKey tells apart the windows of one objective and label set. Only one of each kind is open
// at a time.
type WindowKey struct {
	Kind     Kind
	Detected time.Time
}

// Key returns the window's key, which stays the same whatever its state.
func (w Window) Key() WindowKey { return WindowKey{w.Kind, w.Detected.UTC()} }

// Same reports whether v is an earlier or later state of w.
func (w Window) Same(v Window) bool { return w.ID() == v.ID() && w.Key() == v.Key() }

// Clip limits bad events to between 0 and the total. A caveat says how many were above.
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
