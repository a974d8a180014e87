package report

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

const day = 24 * time.Hour

// Period is what a report is about: whole days in UTC, from Start on and before End.
type Period struct {
	Name  string    `json:"name"`  // for people: "October 2026"
	Start time.Time `json:"start"` // midnight of its first day
	End   time.Time `json:"end"`   // midnight after its last day

	months int // its length; 0: it is some days
}

// Month returns the calendar month that holds a time.
func Month(t time.Time) Period {
	y, m, _ := t.UTC().Date()
	return months(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC), 1)
}

// ParseMonth reads a month like 2026-10.
func ParseMonth(text string) (Period, error) {
	start, err := time.Parse("2006-01", text)
	if err != nil {
		return Period{}, fmt.Errorf("a month is written like 2026-10, not %.50q", text)
	}
	return months(start, 1), nil
}

var quarter = regexp.MustCompile(`^(\d{4})-[Qq]([1-4])$`)

// ParseQuarter reads a quarter like 2026-Q4.
func ParseQuarter(text string) (Period, error) {
	m := quarter.FindStringSubmatch(text)
	if m == nil {
		return Period{}, fmt.Errorf("a quarter is written like 2026-Q4, not %.50q", text)
	}
	year, _ := strconv.Atoi(m[1]) // digits, as matched
	n, _ := strconv.Atoi(m[2])
	return months(time.Date(year, time.Month(3*n-2), 1, 0, 0, 0, 0, time.UTC), 3), nil
}

// Last returns as many days as fit into a length of time, today the last of them; at least one.
func Last(length time.Duration, now time.Time) Period {
	end := midnight(now).Add(day)
	return days(end.Add(-max(day, length.Truncate(day))), end)
}

func months(start time.Time, n int) Period {
	p := Period{Start: start, End: start.AddDate(0, n, 0), months: n}
	p.Name = start.Format("January 2006")
	if n == 3 {
		p.Name = fmt.Sprintf("quarter %d of %d", (int(start.Month())+2)/3, start.Year())
	}
	return p
}

func days(start, end time.Time) Period {
	return Period{Name: humanize.Date(start) + " to " + humanize.Date(end.Add(-day)), Start: start, End: end}
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(day) }

// Days returns how many days it has.
func (p Period) Days() int { return int(p.End.Sub(p.Start) / day) }

// Before returns the period before, as long.
func (p Period) Before() Period {
	if p.months > 0 {
		return months(p.Start.AddDate(0, -p.months, 0), p.months)
	}
	return days(p.Start.Add(-p.End.Sub(p.Start)), p.Start)
}

// until returns the period up to and including the day of a time; the name says so.
func (p Period) until(t time.Time) Period {
	end := midnight(t).Add(day)
	if !end.Before(p.End) {
		return p
	}
	cut := days(p.Start, end)
	if p.months == 0 {
		return cut
	}
	cut.Name, cut.months = p.Name+", up to "+humanize.Date(end.Add(-day)), p.months
	return cut
}

// first returns the first days of a period, for a fair comparison with another that is not over.
func (p Period) first(n int) Period {
	if n >= p.Days() {
		return p
	}
	cut := days(p.Start, p.Start.Add(time.Duration(n)*day))
	if p.months > 0 {
		cut.Name = fmt.Sprintf("the first %s of %s", humanize.Plural(n, "day"), p.Name)
	}
	return cut
}

// has reports whether a time is in the period.
func (p Period) has(t time.Time) bool { return !t.Before(p.Start) && t.Before(p.End) }
