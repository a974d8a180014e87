package issue

import (
	"context"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Collector looks for evidence around an incident. It has a few seconds: what it could not find out by then, it names in Unresolved. It is
// called when the issue is opened, and again when the incident has ended.
type Collector func(ctx context.Context, i alert.Incident) Evidence

// Evidence is what was found around an incident. None of it is called a cause: that is for people to say.
type Evidence struct {
	Chart        *Chart        // of the worst breach window; nil: none
	Contributors []Contributor // where the bad events are, where something stands out
	Traffic      []Traffic     // of each objective whose traffic could be compared
	Durations    []Durations   // of the latency objectives
	Timeline     []Entry       // what changed
	People       []string      // logins of those who did what is listed
	FollowUps    []FollowUp    // of earlier incidents
	Unresolved   []string      // what could not be found out, a sentence each
}

// Chart is the course of an objective's events from before the onset of a breach window until after its end.
type Chart struct {
	Of     slo.ID
	Step   time.Duration // between two points
	Points []Point       // in the order of time
}

// Point is what was counted in (Time, Time + Step].
type Point struct {
	Time time.Time
	slo.Counts
	Blind bool // there was no data, so the counts mean nothing
}

// Contributor is a part of an objective's events that holds much more of the bad ones than the rest.
type Contributor struct {
	Of      slo.ID
	Where   []Clause   // what all its events have in common
	Outcome bool       // a part of the bad events alone, such as those of a status code; the totals mean nothing
	In      slo.Counts // events of the part in the breach window
	All     slo.Counts // events of the objective then
}

// Clause says which values of a label the events of a part have.
type Clause struct {
	Label  string
	Values []string // sorted
	Of     int      // how many values the label has, in the part that the clauses before leave
	Also   []Label  // labels that say the same, such as a pod's name and its address; only where there is one value
}

// Label is a label's name and value.
type Label struct{ Name, Value string }

// Traffic compares the events in a breach window with those of another time.
type Traffic struct {
	Of     slo.ID
	Window slo.Counts
	Length time.Duration // of the window
	Usual  []Usual
}

// What is usual is taken from these times.
const (
	HourBefore = "the hour before"
	WeekBefore = "the same hours a week before"
)

// Usual is what was counted at another time.
type Usual struct {
	When   string // HourBefore or WeekBefore
	Length time.Duration
	slo.Counts
}

// Durations are how long a latency objective's events took in a breach window, and usually.
type Durations struct {
	Of         slo.ID
	Window     []slo.Quantile // p50, p95 and p99
	WeekBefore []slo.Quantile // the same, in the same hours a week before; nil: not known
}

// Earlier is an incident of the same objective that is over.
type Earlier struct {
	ID           string
	Onset, Ended time.Time
	Worst        alert.Window
	URL          string // of its issue
}

// Add puts more evidence to what there is.
func (e *Evidence) Add(more Evidence) {
	if e.Chart == nil {
		e.Chart = more.Chart
	}
	e.Contributors = append(e.Contributors, more.Contributors...)
	e.Traffic = append(e.Traffic, more.Traffic...)
	e.Durations = append(e.Durations, more.Durations...)
	e.Timeline = append(e.Timeline, more.Timeline...)
	e.People = appendNew(e.People, more.People...)
	e.FollowUps = append(e.FollowUps, more.FollowUps...)
	e.Unresolved = append(e.Unresolved, more.Unresolved...)
}
