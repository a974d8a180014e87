// Package web shows what postburn knows over HTTP: status pages, a JSON API, metrics, and the
// endpoints that an orchestrator asks. It decides nothing and changes nothing. The pages need no
// JavaScript, and nothing from anywhere else.
package web

import (
	"encoding/json"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// Objective is the JSON form of an objective, for the API and for `postburn replay`. The budget
// counts EstimatedEvents for the part of the window that is still to come or was not watched.
// QuietSince is set while there is far less traffic than usual. Redefined is the tick after which
// the present definition holds, and Changes says what changed then, from what to what.
type Objective struct {
	SLO                  string            `json:"slo"`
	Labels               map[string]string `json:"labels"`
	Target               json.Number       `json:"target"`
	TotalEvents          float64           `json:"total_events"` // in the objective's window
	BadEvents            float64           `json:"bad_events"`
	EstimatedEvents      float64           `json:"estimated_events"`
	BudgetRemainingRatio float64           `json:"budget_remaining_ratio"`
	State                alert.State       `json:"state"`
	BlindSince           *time.Time        `json:"blind_since"` // null with data
	QuietSince           *time.Time        `json:"quiet_since,omitempty"`
	Redefined            *time.Time        `json:"redefined,omitempty"`
	Changes              []string          `json:"changes,omitempty"`
	Caveats              []string          `json:"caveats,omitempty"` // of all its numbers
}

// Incident is the JSON form of an incident. State is "burning", "recovered", "blind" (no data) or
// "quiet" (far less traffic than usual). Excluded is set if people took it out of budgets, reports
// and trends.
type Incident struct {
	ID       string     `json:"id"`
	State    string     `json:"state"`
	Group    string     `json:"group"`
	Onset    time.Time  `json:"onset"`
	Detected time.Time  `json:"detected"`
	Ended    *time.Time `json:"ended"` // null while open
	IssueURL *string    `json:"issue_url"`
	Triage   string     `json:"triage,omitempty"` // what people made of the issue
	Windows  []Window   `json:"windows"`

	FollowUps []FollowUp       `json:"follow_ups,omitempty"` // only of one incident that is asked for
	Excluded  *issue.Exclusion `json:"excluded,omitempty"`
}

// Window is the JSON form of a breach window. UsualEvents is the smaller count of the same hours a
// day and a week before; absent if not known.
type Window struct {
	SLO              string            `json:"slo"`
	Labels           map[string]string `json:"labels"`
	Kind             alert.Kind        `json:"kind"`
	Rule             *Rule             `json:"rule"` // null for kind budget
	Onset            time.Time         `json:"onset"`
	Detected         time.Time         `json:"detected"`
	Ended            *time.Time        `json:"ended"`
	PeakBurnRate     float64           `json:"peak_burn_rate"`
	TotalEvents      float64           `json:"total_events"`
	BadEvents        float64           `json:"bad_events"`
	UsualEvents      float64           `json:"usual_events,omitempty"`
	BudgetSpentRatio float64           `json:"budget_spent_ratio"`
	Phases           []Phase           `json:"phases"`
	Caveats          []string          `json:"caveats"`
}

// Rule is the JSON form of a rule. Its windows are written as Prometheus writes durations: "1h".
type Rule struct {
	Rate  json.Number `json:"rate"`
	Long  string      `json:"long"`
	Short string      `json:"short"`
}

// Phase is the JSON form of a phase.
type Phase struct {
	Kind  alert.PhaseKind `json:"kind"`
	Start time.Time       `json:"start"`
	End   time.Time       `json:"end"`
}

// ViewObjectives makes the JSON form of statuses; it is never null.
func ViewObjectives(statuses []alert.Status) []Objective {
	views := make([]Objective, 0, len(statuses))
	for _, s := range statuses {
		views = append(views, viewObjective(s))
	}
	return views
}

func viewObjective(s alert.Status) Objective {
	v := Objective{
		SLO: s.Objective.Name, Labels: s.Labels.Map(), Target: json.Number(s.Objective.Target.String()),
		TotalEvents: s.Window.Total, BadEvents: s.Window.Bad, EstimatedEvents: math.Round(s.Estimated), BudgetRemainingRatio: s.BudgetRemaining, State: s.State,
		BlindSince: present(s.BlindSince), QuietSince: present(s.QuietSince), Redefined: present(s.Redefined), Changes: s.Changes,
	}
	for _, c := range s.Objective.Indicator.Caveats() {
		v.Caveats = append(v.Caveats, c.String())
	}
	return v
}

// ViewIncidents makes the JSON form of incidents; it is never null. The summaries are of their
// publications, by the ID of the incident.
func ViewIncidents(incidents []alert.Incident, summaries map[string]issue.Summary) []Incident {
	views := make([]Incident, 0, len(incidents))
	for _, i := range incidents {
		views = append(views, viewIncident(i, summaries[i.ID]))
	}
	return views
}

func viewIncident(i alert.Incident, s issue.Summary) Incident {
	v := Incident{
		ID: i.ID, State: stateOf(i), Group: i.Group, Onset: i.Onset(), Detected: i.Detected(), Ended: present(i.Ended()),
		Triage: string(s.Triage), Windows: make([]Window, 0, len(i.Windows)), Excluded: s.Excluded,
	}
	if s.URL != "" {
		v.IssueURL = &s.URL
	}
	for _, w := range i.Windows {
		v.Windows = append(v.Windows, viewWindow(w))
	}
	return v
}

func stateOf(i alert.Incident) string {
	switch {
	case i.IsOpen() && i.Worst().Kind == alert.Blindness:
		return string(alert.Blind)
	case i.IsOpen() && i.Worst().Kind == alert.Quietness:
		return string(alert.Quiet)
	case i.IsOpen():
		return string(alert.Burning)
	}
	return "recovered"
}

func viewWindow(w alert.Window) Window {
	v := Window{
		SLO: w.Objective.Name, Labels: w.Labels.Map(), Kind: w.Kind, Onset: w.Onset, Detected: w.Detected, Ended: present(w.Ended),
		PeakBurnRate: w.PeakBurnRate, TotalEvents: w.Total, BadEvents: w.Bad, UsualEvents: w.UsualEvents, BudgetSpentRatio: w.BudgetSpent,
		Phases: make([]Phase, 0, len(w.Phases)), Caveats: make([]string, 0, len(w.Caveats)),
	}
	if r := w.Rule; r != nil {
		rule := viewRule(*r)
		v.Rule = &rule
	}
	for _, p := range w.Phases {
		v.Phases = append(v.Phases, Phase{p.Kind, p.Start, p.End})
	}
	for _, c := range w.Caveats {
		v.Caveats = append(v.Caveats, c.String())
	}
	return v
}

func viewRule(r alert.Rule) Rule {
	return Rule{json.Number(r.Rate.String()), model.Duration(r.Long).String(), model.Duration(r.Short).String()}
}

func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
