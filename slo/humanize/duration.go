package humanize

import (
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// unit is a unit of time, and the one in which the rest is written.
type unit struct {
	length      time.Duration
	name, short string
	rest        *unit
}

var (
	milliseconds = &unit{time.Millisecond, "millisecond", "ms", nil}
	seconds      = &unit{time.Second, "second", "s", nil}
	minutes      = &unit{time.Minute, "minute", "min", seconds}
	hours        = &unit{time.Hour, "hour", "h", minutes}
	days         = &unit{day, "day", "d", hours}
)

// Duration writes a length of time in words, rounded to what matters: "41 seconds", "17 minutes",
// "2 hours 5 minutes".
func Duration(d time.Duration) string {
	if d < time.Millisecond {
		return "less than a millisecond"
	}
	return inUnits(d, func(n int64, u *unit) string { return Plural(int(n), u.name) })
}

// ShortDuration is like Duration, for tables: "41 s", "17 min", "2 h 5 min".
func ShortDuration(d time.Duration) string {
	if d < time.Millisecond {
		return "0 s"
	}
	return inUnits(d, func(n int64, u *unit) string { return Number(float64(n)) + " " + u.short })
}

// inUnits rounds a length of time and writes it in its largest unit and the one below.
func inUnits(d time.Duration, write func(int64, *unit) string) string {
	switch {
	case d < time.Second:
	case d < 10*time.Minute:
		d = d.Round(time.Second)
	case d < day:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Hour)
	}
	u := milliseconds
	for _, larger := range []*unit{seconds, minutes, hours, days} {
		if d >= larger.length {
			u = larger
		}
	}
	text := write(int64(d/u.length), u)
	if u.rest != nil {
		if n := int64(d % u.length / u.rest.length); n > 0 {
			text += " " + write(n, u.rest)
		}
	}
	return text
}

// Period is like Duration, for use after "the last": "hour", "5 minutes".
func Period(d time.Duration) string {
	text := Duration(d)
	if one, ok := strings.CutPrefix(text, "1 "); ok && !strings.Contains(one, " ") {
		return one
	}
	return text
}

// Adjective is like Duration, for use before a noun: "30-day", "10-minute". It does not round.
func Adjective(d time.Duration) string {
	for _, u := range []*unit{days, hours, minutes, seconds} {
		if d >= u.length && d%u.length == 0 {
			return strconv.FormatInt(int64(d/u.length), 10) + "-" + u.name
		}
	}
	return strings.ReplaceAll(Duration(d), " ", "-")
}

// Latency writes how long an event may take, as exactly as a millionth of a second can be seen:
// "500 ms", "2.5 s", "250 µs".
func Latency(d time.Duration) string {
	x, name := latencyUnit(d)
	return Decimal(x, 3) + " " + name
}

// AboutLatency writes how long an event took, with two or three digits: the buckets of a histogram
// are no more exact. "1.2 s", "48 ms".
func AboutLatency(d time.Duration) string {
	x, name := latencyUnit(d)
	switch {
	case name == "ns":
		return "less than 1 µs"
	case x < 10:
		return Decimal(x, 1) + " " + name
	}
	return Number(x) + " " + name
}

// latencyUnit returns a length of time in the largest of ns, µs, ms and s that it reaches.
func latencyUnit(d time.Duration) (float64, string) {
	switch {
	case d < time.Microsecond:
		return float64(d), "ns"
	case d < time.Millisecond:
		return float64(d) / float64(time.Microsecond), "µs"
	case d < time.Second:
		return float64(d) / float64(time.Millisecond), "ms"
	}
	return d.Seconds(), "s"
}
