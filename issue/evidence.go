package issue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// Collector looks for evidence around an incident. It has a few seconds, and names in Unresolved
// what it could not find out by then. It is called when the issue is opened, and again when the
// incident has ended.
type Collector func(ctx context.Context, i alert.Incident) Evidence

// Evidence is what was found around an incident. None of it is called a cause: that is for people
// to say.
type Evidence struct {
	Chart        *Chart        // of the worst breach window; nil: none
	Contributors []Contributor // parts that stand out for their bad events
	Traffic      []Traffic     // for each objective with traffic to compare
	Durations    []Durations   // of the latency objectives
	Timeline     []Entry       // what changed
	LeftOut      []string      // what the timeline leaves out, a sentence each
	People       []string      // logins of the people behind the timeline
	Unfinished   []Unfinished  `json:"FollowUps"` // follow-ups of earlier incidents
	Unresolved   []string      // what could not be found out, a sentence each

	// StoreError is why postburn's own store could not be read. It tells nothing of the incident, so
	// the evidence is neither published nor stored, but collected again.
	StoreError error `json:"-"`
}

// Chart is the course of an objective's events from before the onset of a breach window until after
// its end.
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

// Contributor is a part of an objective's events with far more of the bad ones than the rest.
type Contributor struct {
	Of      slo.ID
	Where   []Clause   // what all its events have in common
	Outcome bool       // splits the bad events only, such as by status code: ignore totals
	In      slo.Counts // events of the part in the breach window
	All     slo.Counts // events of the objective then
}

// Clause says which values the events of a part have for one label.
type Clause struct {
	Label  string
	Values []string // sorted
	Of     int      // how many values the label has after the clauses before this one
	Also   []Label  // labels that say the same, such as a pod's address; only for one value
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

// The times to compare with.
const (
	HourBefore = "the hour before"
	WeekBefore = "the same hours a week before"
)

// Usual is the count at another time.
type Usual struct {
	When   string // HourBefore or WeekBefore
	Length time.Duration
	slo.Counts
}

// Durations say how long a latency objective's events took, in a breach window and usually.
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

// Unfinished is a follow-up of an earlier incident that is not done.
type Unfinished struct {
	Incident string // its ID
	FollowUp
}

// Add appends more evidence.
func (e *Evidence) Add(more Evidence) {
	if e.Chart == nil {
		e.Chart = more.Chart
	}
	e.Contributors = append(e.Contributors, more.Contributors...)
	e.Traffic = append(e.Traffic, more.Traffic...)
	e.Durations = append(e.Durations, more.Durations...)
	e.Timeline = append(e.Timeline, more.Timeline...)
	e.LeftOut = append(e.LeftOut, more.LeftOut...)
	for _, login := range more.People {
		if !slices.Contains(e.People, login) {
			e.People = append(e.People, login)
		}
	}
	e.Unfinished = append(e.Unfinished, more.Unfinished...)
	e.Unresolved = append(e.Unresolved, more.Unresolved...)
	e.StoreError = errors.Join(e.StoreError, more.StoreError)
}
