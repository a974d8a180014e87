package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// incidents is one publication's incidents; at least one.
type incidents []alert.Incident

// open reports whether any incident goes on.
func (all incidents) open() bool { return slices.ContainsFunc(all, issue.IsOpen) }

// hasOpenWindow reports whether any window is open. Its incident still changes, if only in how far
// a budget is overspent.
func (all incidents) hasOpenWindow() bool { return slices.ContainsFunc(all, alert.Incident.IsOpen) }

// burning reports whether any open incident has progress to report. A spent budget has none.
func (all incidents) burning() bool {
	return slices.ContainsFunc(all, func(i alert.Incident) bool {
		return slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.IsOpen() && w.Kind != alert.Budget })
	})
}

// onset returns the earliest onset.
func (all incidents) onset() time.Time {
	return slices.MinFunc(all, func(a, b alert.Incident) int { return a.Onset().Compare(b.Onset()) }).Onset()
}

// ended returns the latest end; zero while any incident goes on.
func (all incidents) ended() time.Time {
	if all.open() {
		return time.Time{}
	}
	return issue.Ended(slices.MaxFunc(all, func(a, b alert.Incident) int { return issue.Ended(a).Compare(issue.Ended(b)) }))
}

// worst returns the window that texts about all of them are about.
func (all incidents) worst() alert.Window { return issue.Headline(issue.WorstFirst(all)[0]) }

// revision rises whenever an incident changes or joins.
func (all incidents) revision() (sum int) {
	for _, i := range all {
		sum += i.Revision
	}
	return sum
}

// facts returns a digest of what texts say about the incidents: all windows in full, but only the
// start and end of a spent budget beside other windows. How far it is overspent changes with every
// tick for weeks, and must not change texts.
func (all incidents) facts() string {
	h := sha256.New()
	for _, i := range all {
		core := issue.Core(i)
		told := []any{i.ID, core.Windows}
		if len(core.Windows) < len(i.Windows) {
			for _, w := range i.Windows {
				if w.Kind == alert.Budget {
					told = append(told, w.ID(), w.Onset, w.Ended)
				}
			}
		}
		text, err := json.Marshal(told)
		if err != nil {
			return strconv.Itoa(all.revision()) // then each revision counts as new
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// mergeGap returns the shortest merge gap of the incident's objectives; 0 if none is known.
func (all incidents) mergeGap(settings func(slo string) issue.Settings) (shortest time.Duration) {
	for _, w := range all[0].Windows {
		if gap := settings(w.Objective.Name).MergeGap; gap > 0 && (shortest == 0 || gap < shortest) {
			shortest = gap
		}
	}
	return shortest
}
