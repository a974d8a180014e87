package daemon

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// maxRedefinitions is how many changes are remembered: the latest.
const maxRedefinitions = 10_000

// redefined remembers which objectives the SLO files changed, and when, since the daemon began.
type redefined struct {
	mu    sync.Mutex
	known map[string]alert.Definition // by objective; nil before the first definitions
	all   []redefinition              // in order
}

type redefinition struct {
	at   time.Time
	name string // of the objective
	text string // what became of it
}

// took compares definitions with those before. The first ones are no change.
func (r *redefined) took(now time.Time, definitions []alert.Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.known, make(map[string]alert.Definition, len(definitions))
	for _, d := range definitions {
		name := d.Objective.Name
		known[name] = d
		was, is := before[name]
		changes := alert.Changes(was, d)
		switch {
		case before == nil || is && len(changes) == 0:
		case is:
			text := "The SLO file defines " + name + " in another way from here on: " + strings.Join(changes, "; ")
			r.all = append(r.all, redefinition{now, name, text})
		default:
			r.all = append(r.all, redefinition{now, name, "The SLO file defines " + name + " from here on"})
		}
	}
	r.known = known
	r.all = r.all[max(0, len(r.all)-maxRedefinitions):]
}

// changes is an issue.Collector of what the SLO files changed of an incident's objectives, from two hours before the onset until the end.
func (r *redefined) changes(_ context.Context, i alert.Incident) (found issue.Evidence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := map[string]bool{}
	for _, w := range i.Windows {
		names[w.Objective.Name] = true
	}
	from, to := i.Onset().Add(-issue.Lookback), i.Ended()
	for _, c := range r.all {
		if names[c.name] && !c.at.Before(from) && (to.IsZero() || !c.at.After(to)) {
			found.Timeline = append(found.Timeline, issue.Entry{Time: c.at, Text: c.text, Source: "postburn"})
		}
	}
	return found
}
