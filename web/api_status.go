package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Status is the JSON form of how postburn itself does. Nothing secret is in it.
type Status struct {
	// Version, commit and Go.
	Version string `json:"version"`
	// When the process started; null if not known.
	Started *time.Time `json:"started"`
	// Variables of the environment that are not secret, with their values; empty ones are not set.
	Settings map[string]string `json:"settings"`
	// The SLO files.
	SLOFiles SLOFilesStatus `json:"slo_files"`
	// How the objectives stand.
	Objectives ObjectiveCounts `json:"objectives"`
	// Seconds by which the newest tick of any objective is behind now; null before the first.
	LagSeconds *float64 `json:"lag_seconds"`
	// When Prometheus, or any of several sources, answered last; null if it has not yet.
	PrometheusAnswered *time.Time `json:"prometheus_answered"`
	// The sources, if there are others than the default one.
	Sources []SourceStatus `json:"sources,omitempty"`
	// Objectives that can't be read, by name.
	Failing []FailingObjective `json:"failing"`
	// Incidents whose texts the tracker has not taken, those that wait longest first.
	Waiting []WaitingIncident `json:"waiting"`
	// What is wrong with the store; absent if nothing is known.
	StoreProblem string `json:"store_problem,omitempty"`
	// The part that the replica that answers takes; absent with SQLite, which has only one.
	Replica *ReplicaStatus `json:"replica,omitempty"`
}

// ReplicaStatus is the part that one of several replicas takes.
type ReplicaStatus struct {
	// Number of replicas, as far as this one knows.
	Replicas int `json:"replicas"`
	// Number of lanes that it watches, of 32.
	Lanes int `json:"lanes"`
	// Whether it writes the issues.
	Publishes bool `json:"publishes"`
}

// SLOFilesStatus is what became of the SLO files.
type SLOFilesStatus struct {
	// Digest of those that are in use.
	Revision string `json:"revision"`
	// When they were read; null if not known.
	Loaded *time.Time `json:"loaded"`
	// When they last changed an objective; null if not since the start.
	Changed *time.Time `json:"changed"`
	// What they changed then, an objective each.
	Changes []string `json:"changes"`
	// Why the files can't be used as they are now; absent if they are in use.
	Refused string `json:"refused,omitempty"`
}

// ObjectiveCounts says how many label sets of objectives are in each state.
type ObjectiveCounts struct {
	// Number of all.
	All int `json:"all"`
	// Number of those that are well.
	OK int `json:"ok"`
	// Number of those with an open breach window.
	Burning int `json:"burning"`
	// Number of those without data.
	Blind int `json:"blind"`
	// Number of those with far less traffic than usual.
	Quiet int `json:"quiet"`
}

// SourceStatus is how a source does: a Prometheus, or a tenant of one.
type SourceStatus struct {
	// Its name; that of POSTBURN_PROMETHEUS_URL is "default".
	Source string `json:"source"`
	// When it answered last; null if it has not yet.
	PrometheusAnswered *time.Time `json:"prometheus_answered"`
	// Number of its objectives that can't be read.
	FailingObjectives int `json:"failing_objectives"`
}

// FailingObjective is an objective that can't be read.
type FailingObjective struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Why.
	Error string `json:"error"`
	// Name of its source; absent for the default one.
	Source string `json:"source,omitempty"`
}

// WaitingIncident is an incident whose texts the tracker has not taken.
type WaitingIncident struct {
	// ID of the incident.
	Incident string `json:"incident"`
	// Since when.
	Since time.Time `json:"since"`
}

// status answers with how postburn itself does.
func (h apiHandler) status(w http.ResponseWriter, _ *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	h.json(w, http.StatusOK, viewStatus(time.Now(), d))
}

// viewStatus reads nothing from the store: it has to answer while all else fails. Other replicas are
// asked, and not waited for.
func viewStatus(now time.Time, d *Data) Status {
	v := Status{Settings: map[string]string{}, Failing: []FailingObjective{}, Waiting: []WaitingIncident{}, StoreProblem: d.storeProblem()}
	statuses := d.Statuses(now)
	v.addObjectives(now, statuses)
	v.SLOFiles.Changes = []string{}
	if d.SLOFiles != nil {
		files := d.SLOFiles()
		v.SLOFiles.Changed, v.SLOFiles.Refused = present(files.Changed), shown(files.Refused)
		v.SLOFiles.Changes = append(v.SLOFiles.Changes, files.Changes...)
	}
	if d.About == nil {
		return v
	}
	about := d.About()
	v.Version, v.Started, v.PrometheusAnswered = about.Build, present(about.Started), present(about.Answered)
	v.SLOFiles.Revision, v.SLOFiles.Loaded = about.Revision, present(about.Loaded)
	for _, s := range about.Settings {
		v.Settings[s.Name] = s.Value
	}
	if r := about.Replica; r != nil {
		v.Replica = new(ReplicaStatus(*r))
	}
	sources := sourcesOf(statuses)
	for _, name := range slices.Sorted(maps.Keys(about.Failing)) {
		v.Failing = append(v.Failing, FailingObjective{name, shown(about.Failing[name].Error()), sources[name]})
	}
	for _, s := range about.bySource(statuses) {
		v.Sources = append(v.Sources, SourceStatus{s.Name, present(s.Answered), s.N})
	}
	for _, key := range slices.Sorted(maps.Keys(about.Waiting)) {
		v.Waiting = append(v.Waiting, WaitingIncident{key, about.Waiting[key]})
	}
	slices.SortStableFunc(v.Waiting, func(a, b WaitingIncident) int { return a.Since.Compare(b.Since) })
	return v
}

func (v *Status) addObjectives(now time.Time, statuses []alert.Status) {
	n := map[alert.State]int{}
	var newest time.Time
	for _, s := range statuses {
		n[s.State]++
		if s.Tick.After(newest) {
			newest = s.Tick
		}
	}
	v.Objectives = ObjectiveCounts{len(statuses), n[alert.OK], n[alert.Burning], n[alert.Blind], n[alert.Quiet]}
	if !newest.IsZero() {
		v.LagSeconds = new(now.Sub(newest).Seconds())
	}
}
