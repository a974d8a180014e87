package alert

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"time"
)

// MaxSpread is how long after an incident's onset a breach may begin and still be part of it.
const MaxSpread = 24 * time.Hour

// Incident is one or more breach windows that belong together.
type Incident struct {
	ID         string   `json:"id"`       // stable, unique, and fit for a file's name and a URL
	Revision   int      `json:"revision"` // rises with every change
	Group      string   `json:"group"`
	Repository string   `json:"repository,omitempty"`
	Windows    []Window `json:"windows"` // in the order they were found
}

// A budget stays spent for weeks, long after what spent it is over. So an incident's windows of
// kind budget do not decide when it begins and ends, unless it has no others.

// decides reports whether a window decides when the incident begins and ends.
func (i Incident) decides(w Window) bool {
	return w.Kind != Budget || !slices.ContainsFunc(i.Windows, func(v Window) bool { return v.Kind != Budget })
}

// IsOpen reports whether a breach is still going on. A spent budget beside other breaches does not
// keep it open.
func (i Incident) IsOpen() bool {
	return slices.ContainsFunc(i.Windows, func(w Window) bool { return w.IsOpen() && i.decides(w) })
}

// HasOpenWindow reports whether any window is open and so will change, even if it is only a spent
// budget.
func (i Incident) HasOpenWindow() bool { return slices.ContainsFunc(i.Windows, Window.IsOpen) }

// Onset returns the earliest onset of its windows. Beside others, a budget found long after it was
// overspent counts from its detection.
func (i Incident) Onset() time.Time {
	var onset time.Time
	for _, w := range i.Windows {
		at := w.Onset
		if !i.decides(w) {
			at = w.begin()
		}
		if onset.IsZero() || at.Before(onset) {
			onset = at
		}
	}
	return onset
}

// Detected returns when its first window was found.
func (i Incident) Detected() time.Time {
	return slices.MinFunc(i.Windows, func(a, b Window) int { return a.Detected.Compare(b.Detected) }).Detected
}

// Ended returns the latest end of its windows, or zero if it is open.
func (i Incident) Ended() time.Time {
	if i.IsOpen() {
		return time.Time{}
	}
	var end time.Time
	for _, w := range i.Windows {
		if i.decides(w) && w.Ended.After(end) {
			end = w.Ended
		}
	}
	return end
}

// Worst returns the window for the headline. Kinds rank burn, too little traffic, no data, budget;
// among equals, the window that spent most of its budget wins.
func (i Incident) Worst() Window {
	return slices.MinFunc(i.Windows, func(a, b Window) int {
		return cmp.Or(a.Kind.Compare(b.Kind), -cmp.Compare(a.BudgetSpent, b.BudgetSpent))
	})
}

// Severity returns the worst level of its windows: 1 is the worst, 0 means none has a level.
func (i Incident) Severity() int {
	worst := 0
	for _, w := range i.Windows {
		if w.Severity > 0 && (worst == 0 || w.Severity < worst) {
			worst = w.Severity
		}
	}
	return worst
}

// Correlate puts an event's breach window into the incident it belongs to, or into a new one. It
// returns the incidents and the index of the one that changed. The index is -1 if none did: a
// budget that stays spent adds nothing to an incident that is over.
//
// A new window of any kind joins an incident of its group and repository if it overlaps it or
// follows within the merge gap, and began at most 24 h after the incident did. If several fit, the
// one with the latest onset wins. Here a window of kind budget is only a moment, see Window.begin:
// it keeps no incident open, and a failure days later does not belong to it. A window that is found
// late joins no incident that began after it was over.
//
// It is deterministic. Events come ordered by tick, objective and labels. It may change the slice
// passed in.
func Correlate(incidents []Incident, e Event) ([]Incident, int) {
	policy := e.Policy
	if !e.Opened {
		for i := range incidents {
			if w := slices.IndexFunc(incidents[i].Windows, e.Window.Same); w >= 0 {
				if e.Window.Kind == Budget && !e.Closed && !incidents[i].IsOpen() {
					return incidents, -1
				}
				incidents[i].Windows = replace(incidents[i].Windows, w, e.Window)
				return incidents, i
			}
		}
	}
	found := e.Window
	if found.IsOpen() {
		found.Ended = e.Over
	}
	best := -1
	for i, have := range incidents {
		if have.Group != policy.Group || have.Repository != policy.Repository || !together(have, found, policy.MergeGap) {
			continue
		}
		if best < 0 || !have.begin().Before(incidents[best].begin()) {
			best = i
		}
	}
	if best >= 0 {
		incidents[best].Windows = append(slices.Clone(incidents[best].Windows), e.Window)
		return incidents, best
	}
	id := incidentID(policy.Group, policy.Repository, e.Window.begin())
	return append(incidents, Incident{ID: id, Group: policy.Group, Repository: policy.Repository, Windows: []Window{e.Window}}), len(incidents)
}

// replace returns a copy with one window replaced: snapshots already handed out stay as they are.
func replace(windows []Window, i int, w Window) []Window {
	windows = slices.Clone(windows)
	windows[i] = w
	return windows
}

// begin returns the earliest begin of its windows.
func (i Incident) begin() time.Time {
	return slices.MinFunc(i.Windows, func(a, b Window) int { return a.begin().Compare(b.begin()) }).begin()
}

// together reports whether a new window belongs to an incident.
func together(i Incident, w Window, gap time.Duration) bool {
	begin := w.begin()
	if begin.Sub(i.begin()) > MaxSpread {
		return false
	}
	return slices.ContainsFunc(i.Windows, func(v Window) bool {
		switch {
		case w.isOverBefore(v.begin().Add(-gap)):
			return false // it was found late
		case v.Kind == Budget:
			return begin.Sub(v.Detected) <= gap
		case v.IsOpen():
			return true
		}
		return begin.Sub(v.Ended) <= gap
	})
}

// isOverBefore reports whether a window counts as over for its incident before a time: one of kind
// budget once it was found.
func (w Window) isOverBefore(t time.Time) bool {
	if w.Kind == Budget {
		return w.Detected.Before(t)
	}
	return !w.IsOpen() && w.Ended.Before(t)
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// incidentID joins the group's name and the onset; a hash is added if the plain name could clash.
func incidentID(group, repository string, onset time.Time) string {
	plain := strings.Trim(notPlain.ReplaceAllString(strings.ToLower(group), "-"), "-")
	if len(plain) > 80 {
		plain = plain[:80]
	}
	id := plain + "-" + onset.UTC().Format("20060102t150405z")
	if plain == group && repository == "" {
		return id
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\n%s", group, repository)
	return fmt.Sprintf("%s-%08x", id, h.Sum32())
}

// NewestFirst orders incidents by onset, newest first, then by ID.
func NewestFirst(a, b Incident) int {
	if c := b.Onset().Compare(a.Onset()); c != 0 {
		return c
	}
	return slices.Compare([]byte(a.ID), []byte(b.ID))
}
