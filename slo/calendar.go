package slo

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// calendars are the calendar windows, with a nominal length for each: rates and rules need one that
// stays the same.
var calendars = map[string]time.Duration{"week": 7 * day, "month": 30 * day, "quarter": 90 * day}

// String writes a window as SLO files do: "30d", or "calendar month (Europe/Berlin)".
func (w Window) String() string {
	switch {
	case w.Calendar == "":
		return FormatDuration(w.Rolling)
	case w.Timezone == "":
		return "calendar " + w.Calendar
	}
	return "calendar " + w.Calendar + " (" + w.Timezone + ")"
}

// Length returns the window's length; a calendar window's is nominal (a week is 7 days, a month 30,
// a quarter 90).
func (w Window) Length() time.Duration {
	if w.Calendar != "" {
		return calendars[w.Calendar]
	}
	return w.Rolling
}

// Longest returns the greatest length of the window. A quarter has up to 92 days, and a change of
// the clock adds to it.
func (w Window) Longest() time.Duration {
	switch w.Calendar {
	case "":
		return w.Rolling
	case "quarter":
		return 93 * day
	}
	return w.Length() + 2*day
}

// Periods are the stretches of time that a window covers, one after the other for a calendar
// window.
type Periods struct {
	window Window
	zone   *time.Location
}

// Periods places the window in time. It returns an error, and periods in UTC, if the window's time
// zone or calendar is unknown.
func (w Window) Periods() (Periods, error) {
	if _, known := calendars[w.Calendar]; w.Calendar != "" && !known {
		return Periods{w, time.UTC}, fmt.Errorf("a calendar window is a week, month or quarter, not %q", w.Calendar)
	}
	zone, err := time.LoadLocation(w.Timezone)
	if err != nil {
		return Periods{w, time.UTC}, fmt.Errorf("loading a window's time zone: %w", err)
	}
	return Periods{w, zone}, nil
}

// At returns the stretch, (Start, End], that the window covers at t: a rolling one ends there; a
// calendar period holds t, and may go on. A week begins on Monday. A day without a midnight, or
// with two, begins at its first moment.
func (p Periods) At(t time.Time) Span {
	if p.window.Calendar == "" {
		return Span{t.Add(-p.window.Rolling), t}
	}
	n := p.index(t)
	start, end := p.start(n), p.start(n+1)
	switch {
	case !t.After(start): // the start is the last moment of the period before
		start, end = p.start(n-1), start
	case t.After(end): // a date may come back for a while when the clock is put back
		start, end = end, p.start(n+2)
	}
	return Span{start.UTC(), end.UTC()}
}

// index numbers the period of t's local date: weeks since 1970-01-05, months or quarters since year
// 0.
func (p Periods) index(t time.Time) int {
	y, m, d := t.In(p.zone).Date()
	switch p.window.Calendar {
	case "week":
		days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(firstMonday) / day)
		return floorDiv(days, 7)
	case "month":
		return 12*y + int(m) - 1
	}
	return 4*y + (int(m)-1)/3
}

var firstMonday = time.Date(1970, time.January, 5, 0, 0, 0, 0, time.UTC)

// start returns when the n-th period begins.
func (p Periods) start(n int) time.Time {
	switch p.window.Calendar {
	case "week":
		return p.midnight(firstMonday.AddDate(0, 0, 7*n))
	case "month":
		return p.midnight(time.Date(0, time.Month(n+1), 1, 0, 0, 0, 0, time.UTC))
	}
	return p.midnight(time.Date(0, time.Month(3*n+1), 1, 0, 0, 0, 0, time.UTC))
}

// midnight returns the first moment of a date in the window's time zone: time.Date takes the first
// of two midnights.
func (p Periods) midnight(date time.Time) time.Time {
	y, m, d := date.Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, p.zone)
	if t.Day() != d {
		_, t = t.ZoneBounds() // the clock was put forward over midnight
	}
	return t
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}
