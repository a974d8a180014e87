package daemon

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/web"
)

// maxRedefinitions is how many changes are remembered: the latest.
const maxRedefinitions = 10_000

// redefined remembers which objectives the SLO files changed, and when, since the daemon began.
type redefined struct {
	mu    sync.Mutex
	known []alert.Definition // nil before the first definitions
	all   []redefinition     // in order
}

type redefinition struct {
	at   time.Time
	name string // of the objective
	text string // what became of it
}

// took compares definitions with those before, and returns what changed, by objective. The first
// ones are no change.
func (r *redefined) took(now time.Time, definitions []alert.Definition) (changed []redefinition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, before := r.known == nil, map[string]alert.Definition{}
	for _, d := range r.known {
		before[d.Objective.Name] = d
	}
	r.known = definitions
	if first {
		return nil
	}
	for _, d := range definitions {
		name := d.Objective.Name
		was, is := before[name]
		delete(before, name)
		if !is {
			changed = append(changed, redefinition{now, name, name + " is new"})
		} else if changes := alert.Changes(was, d); len(changes) > 0 {
			changed = append(changed, redefinition{now, name, name + ": " + strings.Join(changes, "; ")})
		}
	}
	for name := range before {
		changed = append(changed, redefinition{now, name, name + " is gone"})
	}
	slices.SortFunc(changed, func(a, b redefinition) int { return strings.Compare(a.name, b.name) })
	r.all = append(r.all, changed...)
	r.all = slices.Clone(r.all[max(0, len(r.all)-maxRedefinitions):])
	return changed
}

// of returns what the SLO files changed of an objective, oldest first.
func (r *redefined) of(name string) (changes []web.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.all {
		if c.name == name {
			changes = append(changes, web.Change{At: c.at, Text: c.text})
		}
	}
	return changes
}

// changes is an issue.Collector of what the SLO files changed of an incident's objectives, from two
// hours before the onset until the end.
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
			found.Timeline = append(found.Timeline, issue.Entry{Time: c.at, Text: "SLO file changed: " + c.text, Source: "postburn"})
		}
	}
	return found
}
