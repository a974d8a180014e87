package issue

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Settings say how to publish an objective's incidents. They come from the SLO file. Texts include
// the analysis form if an incident spent at least the share PostMortemAt of the budget.
type Settings struct {
	Repository   string        `json:"repository,omitempty"` // owner/name
	Labels       []string      `json:"labels,omitempty"`
	Assign       string        `json:"assign,omitempty"`         // AssignOwner, ...: for the owner
	Template     Template      `json:"template,omitzero"`        // zero: the built-in text
	PostMortemAt float64       `json:"post_mortem_at,omitempty"` // in shares of the budget
	Lint         bool          `json:"lint,omitempty"`           // what people wrote, once they close the issue
	RemindAfter  time.Duration `json:"remind_after,omitempty"`   // of follow-ups that are open for that long; 0: never
	Report       bool          `json:"report,omitempty"`         // its repository gets an issue with a report each month
	Evidence     EvidenceQuery `json:"evidence,omitzero"`
	MergeGap     time.Duration `json:"-"` // of the objective's policy; 0: not known
}

// Template is a user's template for the text of issues, as read with the SLO files.
type Template struct {
	File string `json:"file"` // its path, for people
	Text string `json:"-"`
}

// What to do with an objective's owner when its issue is opened.
const (
	AssignOwner   = "owner"   // assign the issue; mention a team, which can't be assigned
	AssignMention = "mention" // mention it in the issue
	AssignNone    = "none"
)

// EvidenceQuery says what else to look at when collecting evidence.
type EvidenceQuery struct {
	Queries    map[string]string `json:"queries,omitempty"`    // name to PromQL
	Repository string            `json:"repository,omitempty"` // the service's code: owner/name
}

// Facts is all that is known about an incident. Post-mortems take their facts from nowhere else.
type Facts struct {
	Kind       Kind              // of the publication
	Incident   alert.Incident    // if it is for one
	Incidents  []alert.Incident  // if it is for many, earliest onset first
	AsOf       time.Time         // end of the last tick that is in the numbers
	Settings   Settings          // of the objective of its worst breach window
	Interval   time.Duration     // of the ticks that times are rounded to
	URL        string            // the incident's page; empty without an external URL
	Pages      map[string]string // the same for many, by incident ID
	Queries    []Query           // with which people can check the numbers, the headline's first
	Evidence                     // its timeline is in any order
	SpentBy    []Spender         // incidents that spent the budgets, earliest onset first
	Earlier    []Earlier         // same objective, 90 days before, newest first: some of ...
	EarlierAll int               // ... that many
	Noise      int               // how many of them people called noise
	Edited     bool              // a person changed the issue's body, so it was left alone
	Mention    []string          // owners to be mentioned: a user or a team, with its @
	Dropped    []string          // labels, and @assignees, that the tracker left out
	Hints      []Hint            // for the lint
	FollowUps  []FollowUp        // that the text is about, of this very post-mortem
	Now        time.Time         // when it is written, for a reminder
	Original   string            // for the sweep: the issue that stays
}

// Entry is a row of the timeline.
type Entry struct {
	Time   time.Time
	Text   string // untrusted: may hold label values and the like
	Source string // how it is known: "postburn", "Prometheus", a person's login
	URL    string

	Symptom bool // it says how things went, not what anybody did
	Aside   bool // it most likely has nothing to do with the incident
	Person  bool // a person wrote it; the source is the login
}

// Spender is an incident that spent part of an objective's budget. It may be the incident with the
// budget window itself.
type Spender struct {
	Of    slo.ID // the objective
	ID    string
	Onset time.Time
	Bad   float64 // events
	URL   string  // of its issue
}

// Text is the posted Markdown, with every untrusted part made inert.
type Text struct {
	Title string
	Body  string
}

// Renderer writes the text of a stage. If the user's template is bad, it returns the built-in text
// and an error.
type Renderer func(Facts, Stage) (Text, error)
