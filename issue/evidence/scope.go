package evidence

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxObjectives is for how many objectives of an incident the contributors are looked for: those
// with the worst breach windows.
const maxObjectives = 3

// scope is what to look around, and what is final of it. Each role has a copy; nobody changes it.
type scope struct {
	incident alert.Incident
	worst    alert.Window // of the incident
	interval time.Duration
	newest   time.Time // the newest tick that is final
}

// end returns until when changes are looked for: a little past the incident's end.
func (s scope) end() time.Time {
	var end time.Time
	for _, w := range s.incident.Windows {
		if u := until(w); u.After(end) {
			end = u
		}
	}
	if end = end.Add(issue.LookPast(s.interval)); end.After(s.newest) {
		return s.newest
	}
	return end
}

// others returns the worst windows of the incident's other objectives, worst first.
func (s scope) others() (windows []alert.Window) {
	seen := map[slo.ID]bool{s.worst.ID(): true}
	for rest := s.incident; len(windows) < maxObjectives-1; {
		var left []alert.Window
		for _, w := range rest.Windows {
			if !seen[w.ID()] && w.Kind == alert.Burn {
				left = append(left, w)
			}
		}
		if len(left) == 0 {
			break
		}
		rest = alert.Incident{Windows: left}
		next := issue.Headline(rest)
		seen[next.ID()] = true
		windows = append(windows, next)
	}
	return windows
}

// until returns the end of the last tick that is known to be a window's.
func until(w alert.Window) time.Time {
	if !w.IsOpen() {
		return w.Ended
	}
	if n := len(w.Phases); n > 0 {
		return w.Phases[n-1].End
	}
	return w.Detected
}
