package humanize

import "time"

// Date writes a day: "2026-10-14".
func Date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Minute writes a time to the minute: "2026-10-14 10:41 UTC".
func Minute(t time.Time) string { return Clock{}.Full(t) + " UTC" }

// Time writes a time, to the second unless it is a whole minute: "2026-10-14 10:41 UTC".
func Time(t time.Time) string { return NewClock(t).Full(t) + " UTC" }

// Clock writes times of day of one text all to the minute, or all to the second. The zero Clock
// writes minutes.
type Clock struct{ seconds bool }

// NewClock returns the clock for these times: to the minute if all of them are whole minutes.
func NewClock(times ...time.Time) Clock {
	for _, t := range times {
		if t.Second() != 0 || t.Nanosecond() != 0 {
			return Clock{seconds: true}
		}
	}
	return Clock{}
}

// Layout is the time of day's, for package time.
func (c Clock) Layout() string {
	if c.seconds {
		return time.TimeOnly
	}
	return "15:04"
}

// Of writes a time of day in UTC: "10:41".
func (c Clock) Of(t time.Time) string { return t.UTC().Format(c.Layout()) }

// In writes a time in a sentence: "10:41 UTC on 2026-10-14".
func (c Clock) In(t time.Time) string { return c.Of(t) + " UTC on " + Date(t) }

// Full writes a time in a table of UTC: "2026-10-14 10:41".
func (c Clock) Full(t time.Time) string { return Date(t) + " " + c.Of(t) }

// Since is like Full, for a time after another one: the date is left out if it is the same.
func (c Clock) Since(t, before time.Time) string {
	if Date(t) == Date(before) {
		return c.Of(t)
	}
	return c.Full(t)
}
