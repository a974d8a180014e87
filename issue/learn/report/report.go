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
	Period    Period    `json:"period"`
	Before    Period    `json:"before"` // what it is compared with
	AsOf      time.Time `json:"as_of"`  // what came later is not in it
	Sentences Sentences `json:"sentences"`
	Incidents Incidents `json:"incidents"`
	Services  []Service `json:"services"` // by name; never null

	Bins []Bin `json:"bins"` // incidents of both periods over time; never null

	CameBack []CameBack `json:"came_back"` // never null
	Repeats  []Repeat   `json:"repeats"`   // never null
	Labelled int        `json:"labelled"`  // incidents with a cause

	Excluded []Excluded `json:"excluded"` // incidents that people took out; never null
	Drills   int        `json:"drills"`   // practice incidents, which count nowhere
}

// IsKnown reports whether anything is known of the period.
func (r Report) IsKnown() bool {
	return r.Incidents.Now.Count > 0 || slices.ContainsFunc(r.objectives(), func(o Objective) bool { return o.Now.Since != nil })
}

// Sentences are what people read first. Each holds only what the numbers carry.
type Sentences struct {
	Better   string `json:"better"`
	Worse    string `json:"worse"`
	CameBack string `json:"came_back"`
}

// Incidents are the incidents that began in a period, and in the one before.
type Incidents struct {
	Now    Figures `json:"now"`
	Before Figures `json:"before"`
}

// Figures count incidents that began in a period. Noise, duplicates, drills and what people
// excluded are in none of them but their own.
type Figures struct {
	Count      int     `json:"count"`
	Open       int     `json:"open"`       // still going on
	Severities []Level `json:"severities"` // worst first, those that there are; never null
	LittleHarm int     `json:"little_harm"`
	Blind      int     `json:"blind"` // about missing data
	Quiet      int     `json:"quiet"` // about too little traffic
	Noise      int     `json:"noise"`
	Duplicates int     `json:"duplicates"`
	Promised   int     `json:"follow_ups_promised"` // in the period
	Kept       int     `json:"follow_ups_kept"`     // of these, by now
	Detect     *Times  `json:"time_to_detect"`      // from the onset; of breaches that rules found; null: none
	Recover    *Times  `json:"time_to_recover"`     // from the onset to the end, of those that are over
}

// Level counts the incidents of a severity; 0 is none.
type Level struct {
	Severity int `json:"severity"`
	Count    int `json:"count"`
}

// Times are lengths of time, by rank: each is one that occurred. The P90 needs ten of them.
type Times struct {
	Count   int      `json:"count"`
	Median  float64  `json:"median_seconds"`
	P90     *float64 `json:"p90_seconds"`
	Longest float64  `json:"longest_seconds"`
}

// Service is a service with its objectives.
type Service struct {
	Name       string      `json:"service"`
	Incidents  Incidents   `json:"incidents"`
	Objectives []Objective `json:"objectives"` // by name; never null
}

// Objective is what an objective, or a label set of it, attained.
type Objective struct {
	SLO    string            `json:"slo"`
	Labels map[string]string `json:"labels"`
	Target json.Number       `json:"target,omitempty"` // the newest; empty: not known
	Now    Attained          `json:"now"`
	Before Attained          `json:"before"`
	Days   []Day             `json:"days"` // of the period, those that are known, of objectives that pages show; never null

	name   string // with its labels, for people
	target float64
}

// Attained is what is known of an objective in a period. Nothing is put in place of what is not.
type Attained struct {
	Since       *time.Time `json:"known_since"` // null: nothing is known
	Known       float64    `json:"known_seconds"`
	Blind       float64    `json:"blind_seconds"` // of the known time
	Total       float64    `json:"total_events"`
	Bad         float64    `json:"bad_events"`
	InIncidents float64    `json:"bad_events_in_incidents"`
	Ratio       *float64   `json:"attained_ratio"`     // of good events; null: there were none
	Spent       *float64   `json:"budget_spent_ratio"` // of this period's own budget
}

// Day is a day of an objective.
type Day struct {
	Date  string  `json:"date"`
	Total float64 `json:"total_events"`
	Bad   float64 `json:"bad_events"`
	Blind float64 `json:"blind_seconds"`

	at time.Time
}

// CameBack is something that more than one incident had in common.
type CameBack struct {
	Kind    string `json:"kind"` // "cause", "contributor" or "change"
	Service string `json:"service,omitempty"`
	What    string `json:"what"` // untrusted
	Count   int    `json:"count"`
	Before  int    `json:"before"`
	Last    []Ref  `json:"last"` // the newest
}

// The kinds of CameBack.
const (
	Cause       = "cause"       // as people labelled it
	Contributor = "contributor" // where the bad events were
	Change      = "change"      // what came before
)

// Ref is an incident.
type Ref struct {
	ID       string    `json:"id"`
	Onset    time.Time `json:"onset"`
	IssueURL string    `json:"issue_url,omitempty"`
}

// Repeat is an incident that began while follow-ups of an earlier one were not done.
type Repeat struct {
	Ref
	Services []string `json:"services"`
	Undone   []string `json:"undone"` // untrusted
}

// Excluded is an incident that people took out.
type Excluded struct {
	Ref
	issue.Exclusion
}
