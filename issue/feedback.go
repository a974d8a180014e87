package issue

import (
	"slices"
	"strings"
)

// Feedback is what people did with a publication's issue, and what they say of its incidents.
type Feedback struct {
	Triage   Triage     `json:"triage,omitempty"`
	Causes   []string   `json:"causes,omitempty"`   // what kinds of causes it had: their labels cause:*, sorted
	Drill    bool       `json:"drill,omitempty"`    // it was one
	Excluded *Exclusion `json:"excluded,omitempty"` // its incidents don't count; nil: they do
}

// Triage is what people did with an issue; empty while it is open, or if the tracker does not say.
type Triage string

// What people do with an issue.
const (
	Completed   Triage = "completed"   // closed
	Noise       Triage = "noise"       // closed as not planned: not worth an issue
	Duplicate   Triage = "duplicate"   // closed as one, or labelled so
	Transferred Triage = "transferred" // moved to another repository
	Deleted     Triage = "deleted"
)

// IsUnwanted reports whether a person said that the issue is not worth having. Then postburn writes
// no more there.
func (t Triage) IsUnwanted() bool { return t == Noise || t == Duplicate }

// maxCauses bounds how many kinds of causes are noted, and maxCause the length of each.
const maxCauses, maxCause = 10, 50

// Note notes what people say with labels, and reports whether that is news.
func (f *Feedback) Note(labels []string) (changed bool) {
	var causes []string
	drill := false
	for _, l := range labels {
		l = strings.ToLower(l)
		kind, is := strings.CutPrefix(l, CauseLabel)
		if kind = strings.TrimSpace(kind); is && kind != "" && len(kind) <= maxCause {
			causes = append(causes, kind)
		}
		drill = drill || l == DrillLabel
	}
	slices.Sort(causes)
	causes = slices.Compact(causes)
	causes = causes[:min(len(causes), maxCauses)]
	changed = !slices.Equal(causes, f.Causes) || drill != f.Drill
	f.Causes, f.Drill = causes, drill
	return changed
}
