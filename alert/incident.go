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

// maxSpread is how long after an incident's onset a breach may begin and still be part of it.
const MaxSpread = 24 * time.Hour

// Incident is one or more breach windows that belong together.
type Incident struct {
	ID         string   `json:"id"`       // stable, unique, and fit for a file's name and a URL
	Revision   int      `json:"revision"` // rises with every change
	Group      string   `json:"group"`
	Repository string   `json:"repository,omitempty"`
	Windows    []Window `json:"windows"` // in the order in which they were found
}

// IsOpen reports whether one of its breaches goes on.
func (i Incident) IsOpen() bool { return slices.ContainsFunc(i.Windows, Window.IsOpen) }

// Onset is the earliest onset of its windows.
func (i Incident) Onset() time.Time {
	return slices.MinFunc(i.Windows, func(a, b Window) int { return a.Onset.Compare(b.Onset) }).Onset
}

// Detected is when the first of its windows was found.
func (i Incident) Detected() time.Time {
	return slices.MinFunc(i.Windows, func(a, b Window) int { return a.Detected.Compare(b.Detected) }).Detected
}

// Ended is the latest end of its windows; zero while one is open.
func (i Incident) Ended() time.Time {
	if i.IsOpen() {
		return time.Time{}
	}
	return i.lastEnd()
}

// Worst is the window that the incident's headline is about: the one that spent most of its budget, a burn before a budget one.
func (i Incident) Worst() Window {
	return slices.MinFunc(i.Windows, func(a, b Window) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), -cmp.Compare(a.BudgetSpent, b.BudgetSpent))
	})
}

// Severity is the worst level that one of its windows has, 1 being the worst; 0 where none has any.
func (i Incident) Severity() int {
	worst := 0
	for _, w := range i.Windows {
		if w.Severity > 0 && (worst == 0 || w.Severity < worst) {
			worst = w.Severity
		}
	}
	return worst
}

// lastEnd is the latest end of its windows that are over.
func (i Incident) lastEnd() time.Time {
	var end time.Time
	for _, w := range i.Windows {
		if w.Ended.After(end) {
			end = w.Ended
		}
	}
	return end
}

// Correlate puts an event's breach window into the incident that it belongs to, or into a new one, and returns the incidents with the
// index of the one that changed. A new window joins an incident of the same group and repository that it overlaps, or follows
// within its merge gap, if it began at most 24 h after the incident did; the one with the latest onset where there are several.
// Windows of kind budget are grouped with nothing but earlier ones of the same objective, those of kind blind with others of that kind.
//
// It is deterministic; events come in the order of (tick, objective, labels). The slice that is passed in may be changed.
func Correlate(incidents []Incident, e Event, policy Policy) ([]Incident, int) {
	if !e.Opened {
		for i := range incidents {
			if w := slices.IndexFunc(incidents[i].Windows, e.Window.same); w >= 0 {
				incidents[i].Windows = replace(incidents[i].Windows, w, e.Window)
				return incidents, i
			}
		}
	}
	group := policy.Group
	switch e.Window.Kind {
	case Budget:
		group = e.Window.ID().String() + " budget"
	case Blindness:
		group += " blind"
	}
	best := -1
	for i, have := range incidents {
		if have.Group != group || have.Repository != policy.Repository || !together(have, e.Window, policy.MergeGap) {
			continue
		}
		if best < 0 || !have.Onset().Before(incidents[best].Onset()) {
			best = i
		}
	}
	if best >= 0 {
		incidents[best].Windows = append(slices.Clone(incidents[best].Windows), e.Window)
		return incidents, best
	}
	id := incidentID(group, policy.Repository, e.Window.Onset)
	return append(incidents, Incident{ID: id, Group: group, Repository: policy.Repository, Windows: []Window{e.Window}}), len(incidents)
}

// replace is a copy with one window exchanged: snapshots of an incident that were handed out stay as they are.
func replace(windows []Window, i int, w Window) []Window {
	windows = slices.Clone(windows)
	windows[i] = w
	return windows
}

// together reports whether a new window belongs to an incident.
func together(i Incident, w Window, gap time.Duration) bool {
	if w.Onset.Sub(i.Onset()) > MaxSpread {
		return false
	}
	return i.IsOpen() || w.Onset.Sub(i.lastEnd()) <= gap
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// incidentID is made of the group's name and the onset; a hash tells apart what a plain name can't.
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
