package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// maxFaults is how many failing objectives and waiting publications the page of postburn's own
// state lists.
const maxFaults = 50

// About says how postburn itself is doing: what to ask for first when helping somebody.
type About struct {
	Build    string    // version, commit, Go
	Started  time.Time // the process
	Settings []Setting
	Loaded   time.Time            // when the SLO files that are in use were read
	Revision string               // of the SLO files that are in use
	Answered time.Time            // when Prometheus answered last, of several sources any; zero: not yet
	Sources  []SourceAbout        // if there are others than the default one
	Failing  map[string]error     // why an objective can't be read, by its name
	Waiting  map[string]time.Time // publications with texts that the tracker has not taken: since when, by key
	Replica  *Replica             // nil if it can't be one of several
}

// Replica is the part that this process takes in what several do.
type Replica struct {
	Replicas  int  // that there are, as far as this one knows
	Lanes     int  // that it watches
	Publishes bool // it writes the issues
}

// SourceAbout is how a source does.
type SourceAbout struct {
	Name     string
	Answered time.Time // last; zero: not yet
}

// sourceFaults is what can't be read of a source.
type sourceFaults struct {
	SourceAbout
	N   int    // objectives
	Why string // of the first of them
}

// bySource returns what can't be read of each source; none if there is only the default one.
func (a About) bySource(statuses []alert.Status) (all []sourceFaults) {
	sources := sourcesOf(statuses)
	names := slices.Sorted(maps.Keys(a.Failing))
	for _, s := range a.Sources {
		faults := sourceFaults{SourceAbout: s}
		for _, name := range names {
			if cmp.Or(sources[name], slo.DefaultSource) != s.Name {
				continue
			}
			if faults.N++; faults.N == 1 {
				faults.Why = shown(a.Failing[name].Error())
			}
		}
		all = append(all, faults)
	}
	return all
}

// sourcesOf returns the sources of objectives, by the objective's name.
func sourcesOf(statuses []alert.Status) map[string]string {
	sources := map[string]string{}
	for _, s := range statuses {
		sources[s.Objective.Name] = s.Objective.Source
	}
	return sources
}

// longestWaiting returns the keys of the publications that wait, the one that waits longest first.
func (a About) longestWaiting() []string {
	return slices.SortedFunc(maps.Keys(a.Waiting), func(one, other string) int {
		return cmp.Or(a.Waiting[one].Compare(a.Waiting[other]), cmp.Compare(one, other))
	})
}

// Setting is a variable of the environment, without what is secret.
type Setting struct{ Name, Value string }

// statusView is the page of postburn's own state.
type statusView struct {
	page
	StoreProblem string
	SLOFiles     SLOFiles
	About        About
	Up           time.Duration
	Behind       time.Duration // how far the newest tick is behind now; 0: nothing is watched yet
	Objectives   string        // how many there are
	Sources      []sourceFaults
	Failing      []fault
	MoreFailing  int
	Waiting      []fault
	MoreWaiting  int
}

// fault is something that does not work now, and why.
type fault struct {
	Name, Address string // of the objective or incident
	Since         *time.Time
	Why           string
}

func (h pageHandler) status(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.starting(w, "./")
		return
	}
	v, err := newStatusView(r.Context(), time.Now(), d)
	if err != nil {
		h.unreadable(w, "./", err)
		return
	}
	h.show(w, http.StatusOK, "status", v)
}

func newStatusView(ctx context.Context, now time.Time, d *Data) (statusView, error) {
	v := statusView{page: page{Title: "Status · postburn", Root: "./", Now: now}, StoreProblem: d.storeProblem()}
	v.SLOFiles, _ = d.sloFiles(now)
	if d.About != nil {
		v.About = d.About()
	}
	if started := v.About.Started; !started.IsZero() {
		v.Up = now.Sub(started)
	}
	statuses := d.Statuses(now)
	v.Sources = v.About.bySource(statuses)
	v.Objectives = humanize.Plural(len(statuses), "objective")
	for _, s := range statuses {
		if behind := now.Sub(s.Tick); !s.Tick.IsZero() && (v.Behind == 0 || behind < v.Behind) {
			v.Behind = behind
		}
	}
	v.addFailing()
	return v, v.addWaiting(ctx, d)
}

// addFailing lists the objectives that can't be read.
func (v *statusView) addFailing() {
	names := slices.Sorted(maps.Keys(v.About.Failing))
	v.MoreFailing = max(0, len(names)-maxFaults)
	for _, name := range names[:len(names)-v.MoreFailing] {
		v.Failing = append(v.Failing, fault{
			Name: shown(name), Address: "slos/" + url.PathEscape(name), Why: shown(v.About.Failing[name].Error()),
		})
	}
}

// addWaiting lists the publications that wait, those that wait longest first.
func (v *statusView) addWaiting(ctx context.Context, d *Data) error {
	waiting := v.About.Waiting
	keys := v.About.longestWaiting()
	v.MoreWaiting = max(0, len(keys)-maxFaults)
	for _, key := range keys[:len(keys)-v.MoreWaiting] {
		p, _, err := d.Store.Publication(ctx, key)
		if err != nil {
			return fmt.Errorf("reading the publication of incident %s: %w", key, err)
		}
		v.Waiting = append(v.Waiting, fault{
			Name: shown(key), Address: "incidents/" + url.PathEscape(key), Since: present(waiting[key]), Why: shown(p.WaitsFor()),
		})
	}
	return nil
}
