package learn

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/internal/lazyregexp"
)

// Record is what postburn recorded of an incident, as its text says it. The zero Record is one of a
// text that postburn did not write.
type Record struct {
	Windows []Window // rows of its table of impact, with the final numbers if they are known
	Rows    []Event  // of its timeline

	// All that the facts say, rounded as they say it.
	Durations []time.Duration
	Percents  []float64
}

// Window is a row of the table of impact.
type Window struct {
	Objective, Service, Target string
	Onset, Ended               time.Time // Ended is zero while it is open
	Events, Bad                float64
	ErrorRatio, BudgetSpent    float64 // in per cent
}

// Event is a row of the timeline that a machine wrote.
type Event struct {
	Time   time.Time
	Text   string
	Source string
}

// IsKnown reports whether postburn wrote down numbers.
func (r Record) IsKnown() bool { return len(r.Windows) > 0 }

// IsOpen reports whether the incident went on when the numbers were written.
func (r Record) IsOpen() bool {
	return !r.IsKnown() || slices.ContainsFunc(r.Windows, func(w Window) bool { return w.Ended.IsZero() })
}

// Onset returns the earliest onset; zero if it is not known.
func (r Record) Onset() (onset time.Time) {
	for _, w := range r.Windows {
		if !w.Onset.IsZero() && (onset.IsZero() || w.Onset.Before(onset)) {
			onset = w.Onset
		}
	}
	return onset
}

// Ended returns the latest end; zero while the incident is open.
func (r Record) Ended() (ended time.Time) {
	if r.IsOpen() {
		return ended
	}
	for _, w := range r.Windows {
		if w.Ended.After(ended) {
			ended = w.Ended
		}
	}
	return ended
}

// Worst returns the window that spent most of its budget; the zero Window if there is none.
func (r Record) Worst() (worst Window) {
	for i, w := range r.Windows {
		if i == 0 || w.BudgetSpent > worst.BudgetSpent {
			worst = w
		}
	}
	return worst
}

// newRecord reads the record from a post-mortem's facts.
func newRecord(d Document) Record {
	var r Record
	r.update(d)
	return r
}

// update takes over the numbers of a later text: postburn's comments have later ones than an
// edited issue.
func (r *Record) update(d Document) {
	var windows []Window
	day := time.Time{}
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if w, ok := windowOf(b); ok {
				windows = append(windows, w)
			}
			if b.HasColumn("source") && IsMachine(b.Cell("source")) {
				if e, ok := eventOf(b, &day); ok {
					r.Rows = append(r.Rows, e)
				}
			}
		}
	}
	if len(windows) > 0 {
		r.Windows = windows
	}
	if !r.IsKnown() {
		return
	}
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if s.Kind == Summary || s.Kind == Facts || s.Kind == Resolved && b.Form || b.Shape == Row && IsMachine(b.Cell("source")) {
				r.note(b)
			}
		}
	}
}

// note adds the quantities in a block of the facts.
func (r *Record) note(b Block) {
	for _, m := range durations.FindAllString(b.Text, -1) {
		r.Durations = append(r.Durations, ParseDuration(m))
	}
	for _, m := range percents.FindAllStringSubmatch(b.Text, -1) {
		r.Percents = append(r.Percents, ParseNumber(m[1]))
	}
}

// windowOf reads a row of the table of impact.
func windowOf(b Block) (w Window, ok bool) {
	if b.Shape != Row || !b.HasColumn("objective") || !b.HasColumn("bad events") || !b.HasColumn("onset (utc)") {
		return w, false
	}
	w = Window{
		Objective: b.Cell("objective"), Service: b.Cell("service"), Target: b.Cell("target"),
		Events: ParseNumber(b.Cell("events")), Bad: ParseNumber(b.Cell("bad events")),
		ErrorRatio: percent(b.Cell("error ratio")), BudgetSpent: percent(b.Cell("budget spent")),
	}
	w.Onset, _ = timeIn(b.Cell("onset (utc)"), time.Time{})
	w.Ended, _ = timeIn(b.Cell("end (utc)"), w.Onset)
	return w, true
}

func percent(cell string) float64 {
	if m := percents.FindStringSubmatch(cell); m != nil {
		return ParseNumber(m[1])
	}
	return 0
}

// eventOf reads a row of the timeline. day is that of the row before.
func eventOf(b Block, day *time.Time) (e Event, ok bool) {
	at, ok := timeIn(b.Cell("time (utc)"), *day)
	if !ok {
		return e, false
	}
	*day = at
	return Event{at, b.Cell("what happened"), b.Cell("source")}, true
}

var moment = lazyregexp.New(`^(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d):(\d\d)(?::(\d\d))?$`)

// timeIn reads a cell with a time in UTC. Without a date it has the date of the time before.
func timeIn(cell string, before time.Time) (time.Time, bool) {
	m := moment.FindStringSubmatch(strings.TrimSpace(cell))
	if m == nil {
		return time.Time{}, false
	}
	day := before
	if m[1] != "" {
		parsed, err := time.Parse(time.DateOnly, m[1])
		if err != nil {
			return time.Time{}, false
		}
		day = parsed
	}
	if day.IsZero() {
		return time.Time{}, false
	}
	hour, _ := strconv.Atoi(m[2])
	minute, _ := strconv.Atoi(m[3])
	second, _ := strconv.Atoi(m[4])
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, time.UTC), true
}

// IsMachine reports whether a row's source is not a person.
func IsMachine(source string) bool {
	name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(source)), ",")
	switch name {
	case "postburn", "prometheus", "github", "alertmanager", "kubernetes":
		return true
	}
	return false
}
