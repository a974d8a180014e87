// Package issue takes incidents to where people work on them: it makes a tracker (GitHub, a folder) agree with the newest revision of
// each incident, exactly once, and never overwrites what a person wrote. What an incident is, package alert decides; what the text
// says, package postmortem.
package issue

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Settings are how incidents of an objective are published. They come from the SLO file.
type Settings struct {
	Repository   string        `json:"repository,omitempty"` // owner/name
	Labels       []string      `json:"labels,omitempty"`
	Assign       string        `json:"assign,omitempty"`         // what is done with the objective's owner: AssignOwner, ...
	Template     string        `json:"template,omitempty"`       // path of a file; empty: built in
	PostMortemAt float64       `json:"post_mortem_at,omitempty"` // share of the budget from which the analysis form is included
	Evidence     EvidenceQuery `json:"evidence,omitzero"`
	MergeGap     time.Duration `json:"-"` // of the objective's policy; 0: not known
}

// What is done with the owner of an objective when its issue is opened.
const (
	AssignOwner   = "owner"   // the issue is assigned to it; a team, which can't be, is mentioned
	AssignMention = "mention" // it is mentioned in the issue
	AssignNone    = "none"
)

// EvidenceQuery is what else to look at when evidence is collected.
type EvidenceQuery struct {
	Queries    map[string]string `json:"queries,omitempty"`    // name to PromQL
	Repository string            `json:"repository,omitempty"` // where the service's code is merged
}

// Facts is all that is known about an incident; a post-mortem's facts are made of it and nothing else.
type Facts struct {
	Kind       Kind              // of the publication
	Incident   alert.Incident    // where it is for one
	Incidents  []alert.Incident  // where it is for many, earliest onset first
	AsOf       time.Time         // end of the last tick that is in the numbers
	Settings   Settings          // of the objective of its worst breach window
	Interval   time.Duration     // of the ticks that times are rounded to
	URL        string            // the incident's page, where the daemon has an external URL
	Pages      map[string]string // the same for many, by their IDs
	Evidence                     // its timeline is in any order
	SpentBy    []Spender         // for windows of kind budget: the incidents that spent them, earliest onset first
	Earlier    []Earlier         // incidents of the same objective in the 90 days before, newest first: a few of ...
	EarlierAll int               // ... that many
	Noise      int               // how many of those people called noise
	Edited     bool              // a person has changed the issue's body, so that it was left as it is
	Mention    []string          // owners to be mentioned: a user or a team, with its @
	Dropped    []string          // labels, and assignees with an @, that the tracker left out of the issue
	Original   string            // for the sweep: the issue that stays
}

// Entry is a row of the timeline.
type Entry struct {
	Time   time.Time
	Text   string // untrusted: may hold label values and the like
	Source string // how it is known: "postburn", "Prometheus", a person's login
	URL    string

	Symptom bool // it tells how things went, and is nothing that anybody did
	Person  bool // a person wrote it; the source is the login
}

// Spender is an incident that spent a part of an objective's budget: another one, or the incident
// that also has the window of kind budget.
type Spender struct {
	Of    slo.ID // the objective
	ID    string
	Onset time.Time
	Bad   float64 // events
	URL   string  // of its issue
}

// Text is what is posted: Markdown, with every untrusted part made inert.
type Text struct {
	Title string
	Body  string
}

// Stage is what a text is for.
type Stage string

// The stages of a publication's texts.
const (
	Opening  Stage = "opening"  // the issue's body, from when it is created
	Progress Stage = "progress" // the comment that is kept up to date while the incident goes on
	Recovery Stage = "recovery" // the comment that says that it is over, with the final numbers
	Return   Stage = "return"   // the comment that says that it came back
	Sweep    Stage = "sweep"    // the comment under a second issue for the same, before postburn closes that

	Relabel Stage = "labels" // no text: labels of the issue are exchanged
)

// Renderer writes the text of a stage. It returns the built-in text and an error where a template of the user's is bad.
type Renderer func(Facts, Stage) (Text, error)
