package report

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/postburn/postburn/issue"
)

// Report is how a period went. Numbers of objectives are never added up: an event of one is not an
// event of another.
type Report struct {
	Period    Period    `json:"period"`    // what it is about
	Before    Period    `json:"before"`    // what it is compared with
	AsOf      time.Time `json:"as_of"`     // what came later is not in it
	Sentences Sentences `json:"sentences"` // what people read first
	Incidents Incidents `json:"incidents"` // of the period, and of the one before
	Services  []Service `json:"services"`  // by name; never null

	Bins []Bin `json:"bins"` // incidents of both periods over time; never null

	CameBack []CameBack `json:"came_back"` // what incidents had in common; never null
	Repeats  []Repeat   `json:"repeats"`   // incidents that follow-ups may have prevented; never null
	Labelled int        `json:"labelled"`  // number of incidents with a cause

	Excluded []Excluded `json:"excluded"` // incidents that people took out; never null
	Drills   int        `json:"drills"`   // number of practice incidents, which count nowhere
}

// IsKnown reports whether anything is known of the period.
func (r Report) IsKnown() bool {
	return r.Incidents.Now.Count > 0 || slices.ContainsFunc(r.objectives(), func(o Objective) bool { return o.Now.Since != nil })
}

// Sentences are what people read first. Each holds only what the numbers carry.
type Sentences struct {
	Better   string `json:"better"`    // what is better than before
	Worse    string `json:"worse"`     // what is worse than before
	CameBack string `json:"came_back"` // what came back
}

// Incidents are the incidents that began in a period, and in the one before.
type Incidents struct {
	Now    Figures `json:"now"`    // of the period
	Before Figures `json:"before"` // of the period before
}

// Figures count incidents that began in a period. Noise, duplicates, drills and what people
// excluded are in none of them but their own.
type Figures struct {
	Count      int     `json:"count"`               // number of incidents
	Open       int     `json:"open"`                // number of those still going on
	Severities []Level `json:"severities"`          // worst first, those that there are; never null
	LittleHarm int     `json:"little_harm"`         // number of those without a severity
	Blind      int     `json:"blind"`               // number of those about missing data
	Quiet      int     `json:"quiet"`               // number of those about too little traffic
	Noise      int     `json:"noise"`               // number that people called noise
	Duplicates int     `json:"duplicates"`          // number that people called duplicates
	Promised   int     `json:"follow_ups_promised"` // number of follow-ups made in the period
	Kept       int     `json:"follow_ups_kept"`     // number of these done by now
	Detect     *Times  `json:"time_to_detect"`      // from the onset; of breaches that rules found; null: none
	Recover    *Times  `json:"time_to_recover"`     // from the onset to the end, of those that are over
}

// Level counts the incidents of a severity; 0 is none.
type Level struct {
	Severity int `json:"severity"` // level, 1 being the worst; 0: none
	Count    int `json:"count"`    // number of incidents
}

// Times are lengths of time, by rank: each is one that occurred. The P90 needs ten of them.
type Times struct {
	Count   int      `json:"count"`           // number of times
	Median  float64  `json:"median_seconds"`  // in seconds
	P90     *float64 `json:"p90_seconds"`     // in seconds; null: fewer than ten
	Longest float64  `json:"longest_seconds"` // in seconds
}

// Service is a service with its objectives.
type Service struct {
	Name       string      `json:"service"`    // its name
	Incidents  Incidents   `json:"incidents"`  // those of its objectives
	Objectives []Objective `json:"objectives"` // by name; never null
}

// Objective is what an objective, or a label set of it, attained.
type Objective struct {
	SLO    string            `json:"slo"`              // its name
	Labels map[string]string `json:"labels"`           // its label set
	Target json.Number       `json:"target,omitempty"` // ratio of good events, the newest; absent: not known
	Now    Attained          `json:"now"`              // in the period
	Before Attained          `json:"before"`           // in the period before
	Days   []Day             `json:"days"`             // of the period, those that are known, of objectives that pages show; never null

	name   string // with its labels, for people
	target float64
}

// Attained is what is known of an objective in a period. Nothing is put in place of what is not.
type Attained struct {
	Since       *time.Time `json:"known_since"`             // null: nothing is known
	Known       float64    `json:"known_seconds"`           // seconds that are known
	Blind       float64    `json:"blind_seconds"`           // seconds of these without data
	Total       float64    `json:"total_events"`            // events
	Bad         float64    `json:"bad_events"`              // bad events
	InIncidents float64    `json:"bad_events_in_incidents"` // bad events in breach windows
	Ratio       *float64   `json:"attained_ratio"`          // ratio of good events; null: there were none
	Spent       *float64   `json:"budget_spent_ratio"`      // ratio spent of this period's own budget; null: not known
}

// Day is a day of an objective.
type Day struct {
	Date  string  `json:"date"`          // like "2026-10-31", in UTC
	Total float64 `json:"total_events"`  // events
	Bad   float64 `json:"bad_events"`    // bad events
	Blind float64 `json:"blind_seconds"` // seconds without data

	at time.Time
}

// CameBack is something that more than one incident had in common.
type CameBack struct {
	Kind    string `json:"kind"`              // "cause", "contributor" or "change"
	Service string `json:"service,omitempty"` // of a contributor or change; absent: any
	What    string `json:"what"`              // untrusted
	Count   int    `json:"count"`             // number of incidents that had it
	Before  int    `json:"before"`            // number of them in the period before
	Last    []Ref  `json:"last"`              // the newest
}

// The kinds of CameBack.
const (
	Cause       = "cause"       // as people labelled it
	Contributor = "contributor" // where the bad events were
	Change      = "change"      // what came before
)

// Ref is an incident.
type Ref struct {
	ID       string    `json:"id"`                  // of the incident
	Onset    time.Time `json:"onset"`               // when it began
	IssueURL string    `json:"issue_url,omitempty"` // address of its issue; absent: none
}

// Repeat is an incident that began while follow-ups of an earlier one were not done.
type Repeat struct {
	Ref
	Services []string `json:"services"` // those it was about
	Undone   []string `json:"undone"`   // the follow-ups; untrusted
}

// Excluded is an incident that people took out.
type Excluded struct {
	Ref
	issue.Exclusion
}
