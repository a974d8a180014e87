package issue

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postburn/postburn/alert"
)

// maxReason is the most characters of a reason that are kept.
const maxReason = 300

// Exclusion says that people took a publication's incidents out of budgets, reports and trends,
// because what was measured was planned, wrong, or not theirs.
type Exclusion struct {
	By     string    `json:"by,omitempty"`     // who added the label; empty if the tracker does not say
	At     time.Time `json:"at,omitzero"`      // when
	Reason string    `json:"reason,omitempty"` // from a comment; empty: none given yet
}

// NoReason is what stands for a reason that was not given.
const NoReason = "no reason given yet"

// Why returns the reason, or that there is none yet.
func (x Exclusion) Why() string {
	if x.Reason == "" {
		return NoReason
	}
	return x.Reason
}

// Marked is one of postburn's own issues, and whether it carries ExcludeLabel.
type Marked struct {
	Key       string // of its marker; empty if a person removed that
	Ref       Ref
	Updated   time.Time  // by the tracker's clock
	Exclusion *Exclusion // nil without the label; its time is zero if the tracker does not say
}

// MarkedLister lists postburn's own issues in a repository that changed since a time, by the
// tracker's clock. Its errors are those of a Tracker.
type MarkedLister func(ctx context.Context, repository string, since time.Time) ([]Marked, error)

// reasonLine matches a line that gives a reason.
var reasonLine = regexp.MustCompile(`(?im)^[ \t]*postburn:(.*)$`)

// ReasonIn returns the reason that a comment gives: the rest of the first line that begins with
// `postburn:`; empty if there is none. It has no control characters, and is cut if it is long.
func ReasonIn(comment string) string {
	for _, found := range reasonLine.FindAllStringSubmatch(comment, -1) {
		reason := strings.Join(strings.FieldsFunc(found[1], func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }), " ")
		if reason == "" || strings.HasPrefix(found[1], strings.TrimPrefix(ExcludeLabel, OwnLabel+":")) {
			continue // it is the label, not a reason
		}
		if utf8.RuneCountInString(reason) > maxReason {
			reason = string([]rune(reason)[:maxReason]) + "…"
		}
		return reason
	}
	return ""
}

// Exclude notes that people took the incidents out, and reports whether that is news. If the
// tracker does not say when, it was when that was first seen: now.
func (f *Feedback) Exclude(x Exclusion, now time.Time) (changed bool) {
	switch {
	case !x.At.IsZero():
	case f.Excluded != nil:
		x.At = f.Excluded.At
	default:
		x.At = now
	}
	x.At = x.At.UTC()
	if had := f.Excluded; had != nil && had.By == x.By && had.Reason == x.Reason && had.At.Equal(x.At) {
		return false
	}
	f.Excluded = &x
	return true
}

// Readmit notes that the incidents count again, and reports whether that is news.
func (f *Feedback) Readmit() (changed bool) {
	changed, f.Excluded = f.Excluded != nil, nil
	return changed
}

// Corrections returns what the exclusion of an incident takes out of budgets.
func (x Exclusion) Corrections(i alert.Incident) []alert.Correction {
	all := i.Corrections()
	for n := range all {
		all[n].By, all[n].At, all[n].Reason = x.By, x.At, x.Reason
	}
	return all
}
