package web

import (
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Evidence is the JSON form of what was found around an incident. None of it is a cause: that is
// for people to say. Its texts come from elsewhere, and nothing in them is to be trusted.
type Evidence struct {
	// The worst breach window's events over time; null: none.
	Chart *Chart `json:"chart"`
	// Parts that stand out for their bad events.
	Contributors []Contributor `json:"contributors"`
	// Traffic in the breach windows and at other times.
	Traffic []Traffic `json:"traffic"`
	// How long the events of latency objectives took.
	Durations []Durations `json:"durations"`
	// What changed, in no order.
	Timeline []TimelineEntry `json:"timeline"`
	// What the timeline leaves out, a sentence each.
	LeftOut []string `json:"left_out"`
	// Follow-ups of earlier incidents that were not done when it began.
	Unfinished []Unfinished `json:"unfinished_follow_ups"`
	// What could not be found out, a sentence each.
	Unresolved []string `json:"unresolved"`
}

// Chart is the events of an objective, from before a breach window until after its end.
type Chart struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Its label set.
	Labels map[string]string `json:"labels"`
	// Seconds between two points.
	StepSeconds float64 `json:"step_seconds"`
	// In order of time.
	Points []ChartPoint `json:"points"`
}

// ChartPoint is what was counted in a step of a chart.
type ChartPoint struct {
	// When the step began.
	Time time.Time `json:"time"`
	// Events in the step.
	TotalEvents float64 `json:"total_events"`
	// Bad events in the step.
	BadEvents float64 `json:"bad_events"`
	// Ratio of bad events in the step; null without events.
	ErrorRatio *float64 `json:"error_ratio"`
	// There was no data, so the counts mean nothing.
	Blind bool `json:"blind,omitempty"`
}

// Contributor is a part of an objective's events with far more of the bad ones than the rest.
type Contributor struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Its label set.
	Labels map[string]string `json:"labels"`
	// What all events of the part have in common.
	Where []Clause `json:"where"`
	// It splits the bad events only, such as by status code: ratios of bad events mean nothing.
	Outcome bool `json:"outcome"`
	// Events of the part in the breach window.
	TotalEvents float64 `json:"total_events"`
	// Bad events of the part.
	BadEvents float64 `json:"bad_events"`
	// Events of the objective in the breach window.
	AllTotalEvents float64 `json:"all_total_events"`
	// Bad events of the objective.
	AllBadEvents float64 `json:"all_bad_events"`
}

// Clause says which values the events of a part have for one label.
type Clause struct {
	// Name of the label.
	Label string `json:"label"`
	// Its values, sorted.
	Values []string `json:"values"`
	// Number of values that the label has after the clauses before this one.
	Of int `json:"of"`
	// Labels that say the same, such as a pod's address, with their values.
	Also map[string]string `json:"also,omitempty"`
}

// Traffic compares the events in a breach window with those of other times.
type Traffic struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Its label set.
	Labels map[string]string `json:"labels"`
	// The breach window, and then the times to compare with.
	Periods []TrafficPeriod `json:"periods"`
}

// TrafficPeriod is the events of a time.
type TrafficPeriod struct {
	// Which time: "then", "the hour before" or "the same hours a week before".
	When string `json:"when"`
	// Its length in seconds.
	LengthSeconds float64 `json:"length_seconds"`
	// Events in it.
	TotalEvents float64 `json:"total_events"`
	// Bad events in it.
	BadEvents float64 `json:"bad_events"`
}

// Durations say how long a latency objective's events took.
type Durations struct {
	// Name of the objective.
	SLO string `json:"slo"`
	// Its label set.
	Labels map[string]string `json:"labels"`
	// In the breach window.
	Then []Quantile `json:"then"`
	// In the same hours a week before; empty if not known.
	WeekBefore []Quantile `json:"week_before"`
}

// Quantile says how long the slowest of a share of the events took.
type Quantile struct {
	// Ratio of the events: 0.99 for the p99.
	Quantile float64 `json:"quantile"`
	// Seconds it took, as exact as the histogram's buckets are fine.
	Seconds float64 `json:"seconds"`
	// It took longer than that, the histogram's last boundary; how long is not known.
	Above bool `json:"above,omitempty"`
}

// TimelineEntry is something that changed.
type TimelineEntry struct {
	// When.
	Time time.Time `json:"time"`
	// What.
	Text string `json:"text"`
	// How it is known: "Prometheus", or a person's login.
	Source string `json:"source"`
	// Where to read more; absent if nowhere.
	URL string `json:"url,omitempty"`
}

// Unfinished is a follow-up of an earlier incident that was not done.
type Unfinished struct {
	// ID of the earlier incident.
	Incident string `json:"incident"`
	FollowUp
}

// viewEvidence makes the JSON form of evidence. No list in it is null.
func viewEvidence(e issue.Evidence) *Evidence {
	v := &Evidence{
		Chart: viewChart(e.Chart), Contributors: []Contributor{}, Traffic: []Traffic{}, Durations: []Durations{}, Timeline: []TimelineEntry{},
		LeftOut: append([]string{}, e.LeftOut...), Unfinished: []Unfinished{}, Unresolved: append([]string{}, e.Unresolved...),
	}
	for _, c := range e.Contributors {
		v.Contributors = append(v.Contributors, viewContributor(c))
	}
	for _, t := range e.Traffic {
		row := Traffic{t.Of.SLO, t.Of.Labels.Map(), []TrafficPeriod{{"then", t.Length.Seconds(), t.Window.Total, t.Window.Bad}}}
		for _, u := range t.Usual {
			row.Periods = append(row.Periods, TrafficPeriod{u.When, u.Length.Seconds(), u.Total, u.Bad})
		}
		v.Traffic = append(v.Traffic, row)
	}
	for _, d := range e.Durations {
		v.Durations = append(v.Durations, Durations{d.Of.SLO, d.Of.Labels.Map(), viewQuantiles(d.Window), viewQuantiles(d.WeekBefore)})
	}
	for _, entry := range e.Timeline {
		v.Timeline = append(v.Timeline, TimelineEntry{entry.Time, entry.Text, entry.Source, link(entry.URL)})
	}
	for _, u := range e.Unfinished {
		v.Unfinished = append(v.Unfinished, Unfinished{u.Incident, viewFollowUp(u.FollowUp)})
	}
	return v
}

func viewChart(c *issue.Chart) *Chart {
	if c == nil {
		return nil
	}
	v := &Chart{c.Of.SLO, c.Of.Labels.Map(), c.Step.Seconds(), make([]ChartPoint, 0, len(c.Points))}
	for _, p := range c.Points {
		v.Points = append(v.Points, ChartPoint{p.Time, p.Total, p.Bad, errorRatio(p.Counts), p.Blind})
	}
	return v
}

func viewContributor(c issue.Contributor) Contributor {
	v := Contributor{
		SLO: c.Of.SLO, Labels: c.Of.Labels.Map(), Where: make([]Clause, 0, len(c.Where)), Outcome: c.Outcome,
		TotalEvents: c.In.Total, BadEvents: c.In.Bad, AllTotalEvents: c.All.Total, AllBadEvents: c.All.Bad,
	}
	for _, clause := range c.Where {
		row := Clause{Label: clause.Label, Values: append([]string{}, clause.Values...), Of: clause.Of}
		for _, also := range clause.Also {
			if row.Also == nil {
				row.Also = map[string]string{}
			}
			row.Also[also.Name] = also.Value
		}
		v.Where = append(v.Where, row)
	}
	return v
}

func viewQuantiles(all []slo.Quantile) []Quantile {
	views := make([]Quantile, 0, len(all))
	for _, q := range all {
		views = append(views, Quantile{q.Share, q.Value.Seconds(), q.Above})
	}
	return views
}
