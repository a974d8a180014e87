package postmortem

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

const day = 24 * time.Hour

// duration is a length of time in plain words, rounded to what matters: "41 seconds", "17 minutes", "2 hours 5 minutes".
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "less than a millisecond"
	case d < time.Second:
		return many(int64(d/time.Millisecond), "millisecond")
	case d < 10*time.Minute:
		d = d.Round(time.Second)
	case d < day:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Hour)
	}
	for _, u := range []struct {
		whole, part time.Duration
		name, rest  string
	}{
		{day, time.Hour, "day", "hour"},
		{time.Hour, time.Minute, "hour", "minute"},
		{time.Minute, time.Second, "minute", "second"},
	} {
		if d < u.whole {
			continue
		}
		text := many(int64(d/u.whole), u.name)
		if n := int64(d % u.whole / u.part); n > 0 {
			text += " " + many(n, u.rest)
		}
		return text
	}
	return many(int64(d/time.Second), "second")
}

// period is a length of time after "the last": "hour", "5 minutes".
func period(d time.Duration) string {
	text := duration(d)
	if one, ok := strings.CutPrefix(text, "1 "); ok && !strings.Contains(one, " ") {
		return one
	}
	return text
}

// windowName names an objective's window before a noun: "30-day", "10-minute", "monthly".
func windowName(w slo.Window) string {
	switch w.Calendar {
	case "week", "month", "quarter":
		return w.Calendar + "ly"
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if w.Rolling >= u.unit && w.Rolling%u.unit == 0 {
			return fmt.Sprintf("%d-%s", w.Rolling/u.unit, u.name)
		}
	}
	return strings.ReplaceAll(duration(w.Rolling), " ", "-")
}

// windowPeriod is an objective's window in a sentence: "30 days", "the calendar month".
func windowPeriod(w slo.Window) string {
	if w.Calendar != "" {
		return "the calendar " + w.Calendar
	}
	return duration(w.Rolling)
}

// percent is a ratio in per cent with sensible digits: "30.1 %", "0.12 %", "<0.01 %".
func percent(ratio float64) string {
	p := ratio * 100
	switch {
	case !(p > 0):
		return "0 %"
	case p < 0.01:
		return "<0.01 %"
	case p < 0.995:
		return trimmed(p, 2) + " %"
	case p < 99.95:
		return trimmed(p, 1) + " %"
	case p < 100:
		return ">99.9 %"
	}
	return thousands(math.Round(p)) + " %"
}

// times is a burn rate: "14.4×".
func times(x float64) string {
	switch {
	case x < 9.995:
		return trimmed(x, 2) + "×"
	case x < 99.95:
		return trimmed(x, 1) + "×"
	}
	return thousands(math.Round(x)) + "×"
}

// exact is a number with three digits that matter.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }

// trimmed is a number with at most that many decimals.
func trimmed(x float64, decimals int) string {
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// count is a number of events. Parts of events come of interpolation only.
func count(x float64) string {
	if x > 0 && x < 1 {
		return "less than 1"
	}
	return thousands(math.Round(x))
}

// thousands is a whole number with separators: "15,337".
func thousands(x float64) string {
	text := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func many(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(float64(n)) + " " + noun + "s"
}

// clock writes times of day: to the minute where all times are whole minutes.
type clock struct{ layout string }

func newClock(times []time.Time) clock {
	for _, t := range times {
		if t.Second() != 0 || t.Nanosecond() != 0 {
			return clock{"15:04:05"}
		}
	}
	return clock{"15:04"}
}

// in is a time in a sentence: "10:41 UTC on 2026-10-14".
func (c clock) in(t time.Time) string { return t.UTC().Format(c.layout + " UTC on 2006-01-02") }

// full is a time in a table: "2026-10-14 10:41".
func (c clock) full(t time.Time) string { return t.UTC().Format("2006-01-02 " + c.layout) }

// since is a time in a table after another one: the date is left out where it is the same.
func (c clock) since(t, before time.Time) string {
	if t.UTC().Format(time.DateOnly) == before.UTC().Format(time.DateOnly) {
		return t.UTC().Format(c.layout)
	}
	return c.full(t)
}
