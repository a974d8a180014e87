package web

import (
	"encoding/json"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Objective is the JSON form of an objective, for the API and for `postburn replay`: how one label
// set of it stands at the newest tick.
type Objective struct {
	// Name of the objective in the SLO file.
	SLO string `json:"slo"`
	// The label set, by the labels of group_by; empty without them.
	Labels map[string]string `json:"labels"`
	// Ratio of events that have to be good: 0.999 is 99.9 %.
	Target json.Number `json:"target"`
	// Events in the objective's window.
	TotalEvents float64 `json:"total_events"`
	// Bad events in the objective's window.
	BadEvents float64 `json:"bad_events"`
	// Events that the error budget counts for the part of the window that is still to come, or was
	// not watched.
	EstimatedEvents float64 `json:"estimated_events"`
	// Ratio of the error budget that is left: 1 is all of it, below 0 it is overspent.
	BudgetRemainingRatio float64 `json:"budget_remaining_ratio"`
	// How it stands; "blind" is without data, "quiet" with far less traffic than usual.
	State alert.State `json:"state"`
	// Since when there is no data; null with data, or if there never was any.
	BlindSince *time.Time `json:"blind_since"`
	// Since when there is far less traffic than usual.
	QuietSince *time.Time `json:"quiet_since,omitempty"`
	// The tick after which the present definition holds; absent if it always did.
	Redefined *time.Time `json:"redefined,omitempty"`
	// What changed then, from what to what.
	Changes []string `json:"changes,omitempty"`
	// What makes its numbers less than exact.
	Caveats []string `json:"caveats,omitempty"`
	// The service that the objective is about.
	Service string `json:"service"`
	// The objective's window: a duration like "30d", or "calendar month".
	Window string `json:"window"`
	// End of the newest tick that is in these numbers; null before the first.
	AsOf *time.Time `json:"as_of"`
	// Ratio of good events in the objective's window; null without events.
	AttainedRatio *float64 `json:"attained_ratio"`
	// Ratio of bad events lately, over the time that current_over says; null if blind or not known.
	CurrentErrorRatio *float64 `json:"current_error_ratio"`
	// Burn rate lately: 1 spends exactly the error budget in the objective's window; null if blind
	// or not known.
	CurrentBurnRate *float64 `json:"current_burn_rate"`
	// Over how long the current ratio and burn rate are, as a duration: the rules' shortest window
	// of an hour or more.
	CurrentOver string `json:"current_over,omitempty"`
	// ID of its open incident; absent if there is none, or the store can't be read.
	Incident string `json:"incident,omitempty"`
	// Severity level of its open incident, 1 being the worst; absent if it has none.
	Severity int `json:"severity,omitempty"`
	// Name of the Prometheus, or tenant, that it is read from; absent for the default one.
	Source string `json:"source,omitempty"`
}

// Incident is the JSON form of an incident: breach windows that belong together.
type Incident struct {
	// Stable, unique, and fit for a URL.
	ID string `json:"id"`
	// "recovered", or if it is open "burning", "blind" (no data) or "quiet" (far less traffic than
	// usual).
	State string `json:"state"`
	// What the SLO file groups its breaches by: the service, unless it says otherwise.
	Group string `json:"group"`
	// When its first breach began.
	Onset time.Time `json:"onset"`
	// When its first breach was found.
	Detected time.Time `json:"detected"`
	// When its last breach was over; null while it is open.
	Ended *time.Time `json:"ended"`
	// Address of its issue, or path of its post-mortem with the local tracker; null without one.
	IssueURL *string `json:"issue_url"`
	// What people made of the issue; absent if nothing yet.
	Triage string `json:"triage,omitempty"`
	// Its breach windows, in the order they were found.
	Windows []Window `json:"windows"`
	// Follow-ups of its post-mortem; only of one incident that is asked for.
	FollowUps []FollowUp `json:"follow_ups,omitempty"`
	// Set if people took it out of budgets, reports and trends.
	Excluded *issue.Exclusion `json:"excluded,omitempty"`
	// The service of its headline's objective.
	Service string `json:"service"`
	// The worst severity level of its breach windows, 1 being the worst; absent if none has one.
	Severity int `json:"severity,omitempty"`
	// The numbers of its headline. Numbers are never summed over objectives.
	Impact Impact `json:"impact"`
	// Ratio of bad events of its headline's objective lately; absent if it is over, blind or not
	// known.
	CurrentErrorRatio *float64 `json:"current_error_ratio,omitempty"`
	// What was found around it; only of one incident that is asked for, and once it was looked for.
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Impact is the headline of an incident: the numbers of its worst breach window.
type Impact struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Its label set.
	Labels map[string]string `json:"labels"`
	// Events in the breach window.
	TotalEvents float64 `json:"total_events"`
	// Bad events in the breach window.
	BadEvents float64 `json:"bad_events"`
	// Ratio of bad events in the breach window; null without events.
	ErrorRatio *float64 `json:"error_ratio"`
	// Ratio of the error budget that the bad events spent.
	BudgetSpentRatio float64 `json:"budget_spent_ratio"`
}

// Window is the JSON form of a breach window: one objective missing its target.
type Window struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Its label set; empty without group_by.
	Labels map[string]string `json:"labels"`
	// What was found: a rule fired, the whole window's target was missed, no data, little traffic.
	Kind alert.Kind `json:"kind"`
	// The rule that fired first; null if none did.
	Rule *Rule `json:"rule"`
	// Start of the first tick of the breach.
	Onset time.Time `json:"onset"`
	// End of the tick at which it was found.
	Detected time.Time `json:"detected"`
	// End of its last tick; null while it is open.
	Ended *time.Time `json:"ended"`
	// The highest burn rate over the rule's short window; of kind budget, over the objective's.
	PeakBurnRate float64 `json:"peak_burn_rate"`
	// Events from onset to end; while it is open, until it was last getting worse.
	TotalEvents float64 `json:"total_events"`
	// Bad events in that time.
	BadEvents float64 `json:"bad_events"`
	// Events that are usual: the smaller count of the same hours a day and a week before; absent if
	// not known.
	UsualEvents float64 `json:"usual_events,omitempty"`
	// Ratio of the error budget that its bad events spent.
	BudgetSpentRatio float64 `json:"budget_spent_ratio"`
	// How it went, in order of time.
	Phases []Phase `json:"phases"`
	// What makes its numbers less than exact.
	Caveats []string `json:"caveats"`
	// The service that the objective is about.
	Service string `json:"service"`
	// The worst severity level that its numbers reach, 1 being the worst; absent if none.
	Severity int `json:"severity,omitempty"`
	// Ratio of bad events from onset to end; null without events.
	ErrorRatio *float64 `json:"error_ratio"`
}

// Rule is the JSON form of a burn rate rule: it fires if the burn rate over both windows is above
// its rate.
type Rule struct {
	// Burn rate above which it fires: 1 spends exactly the error budget in the objective's window.
	Rate json.Number `json:"rate"`
	// The long window: a duration like "1h".
	Long string `json:"long"`
	// The short window: a duration like "5m".
	Short string `json:"short"`
}

// Phase is the JSON form of a stretch of a breach window.
type Phase struct {
	// "outage" is at least half of the events bad, "degraded" more than the target allows, "blind"
	// no data.
	Kind alert.PhaseKind `json:"kind"`
	// When it began.
	Start time.Time `json:"start"`
	// When it ended.
	End time.Time `json:"end"`
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
		Service: s.Objective.Service, Window: s.Objective.Window.String(), AsOf: present(s.Tick), Source: s.Objective.Source,
	}
	if s.Window.Total > 0 {
		v.AttainedRatio = new((s.Window.Total - s.Window.Cut().Bad) / s.Window.Total)
	}
	if rate, over := recentBurnRate(s); over > 0 && s.State != alert.Blind {
		v.CurrentOver, v.CurrentBurnRate, v.CurrentErrorRatio = model.Duration(over).String(), &rate, currentErrorRatio(s)
	}
	for _, c := range s.Objective.Indicator.Caveats() {
		v.Caveats = append(v.Caveats, c.String())
	}
	return v
}

// currentErrorRatio returns the share of bad events lately; nil if the objective is blind, or its
// rules have no windows.
func currentErrorRatio(s alert.Status) *float64 {
	rate, over := recentBurnRate(s)
	if over == 0 || s.State == alert.Blind {
		return nil
	}
	return new(math.Round(rate*s.Objective.Target.Complement().Float()*1e9) / 1e9)
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
	headline := viewWindow(issue.Headline(i))
	v := Incident{
		ID: i.ID, State: stateOf(i), Group: i.Group, Onset: i.Onset(), Detected: i.Detected(), Ended: present(i.Ended()),
		Triage: string(s.Triage), Windows: make([]Window, 0, len(i.Windows)), Excluded: s.Excluded,
		Service: headline.Service, Severity: i.Severity(),
		Impact: Impact{headline.SLO, headline.Labels, headline.TotalEvents, headline.BadEvents, headline.ErrorRatio, headline.BudgetSpentRatio},
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
		Service: w.Objective.Service, Severity: w.Severity, ErrorRatio: errorRatio(w.Counts),
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

// errorRatio returns the share of bad events; nil without events.
func errorRatio(c slo.Counts) *float64 {
	if c.Total <= 0 {
		return nil
	}
	return new(c.Cut().ErrorRatio())
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
