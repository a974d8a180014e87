package openslo

import (
	"regexp"
	"strconv"
	"time"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
)

var shorthand = regexp.MustCompile(`^([1-9][0-9]{0,5})([mhdwMQY])$`)

// duration reads OpenSLO's form of durations: a number and a unit, of which m is a minute and M a
// month. A month is 30 days here and a quarter 90; calendar says which of them it is.
func duration(n config.Node) (length time.Duration, calendar string, ok bool) {
	text := n.Text("a duration like 28d")
	found := shorthand.FindStringSubmatch(text)
	if found == nil {
		if n.IsText() {
			n.Errorf("it must be a duration like 28d, with one of the units m, h, d, w, M and Q, not %q", text)
		}
		return 0, "", false
	}
	number, _ := strconv.Atoi(found[1])
	return lengthOf(n, number, found[2])
}

func lengthOf(n config.Node, number int, unit string) (length time.Duration, calendar string, ok bool) {
	units := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day, "M": 30 * day, "Q": 90 * day}
	length, ok = units[unit]
	if !ok {
		n.Errorf("a year has no native form: a window has at most 90 days")
		return 0, "", false
	}
	if number == 1 {
		calendar = map[string]string{"w": "week", "M": "month", "Q": "quarter"}[unit]
	}
	return time.Duration(number) * length, calendar, true
}

// window sets the time over which an SLO holds, and returns its length; 0 if it can't be told.
func window(s *config.SLO, spec config.Mapping, o config.Node) time.Duration {
	list := spec.Get("timeWindow")
	if !list.Exists() {
		list = spec.Get("timeWindows")
	}
	items := list.List("time windows")
	if len(items) != 1 {
		at := list
		if !at.Exists() {
			at = o
		}
		at.Errorf("an SLO has to have one timeWindow, not %d", len(items))
		return 0
	}
	m := items[0].Mapping("duration", "isRolling", "calendar", "count", "unit")
	at := m.Get("duration")
	length, calendar, ok := duration(at)
	if !at.Exists() {
		at = items[0]
		length, calendar, ok = alphaWindow(m)
	}
	starts := m.Get("calendar")
	switch {
	case !ok:
		return 0
	case starts.Exists() && m.Get("isRolling").Truth():
		starts.Errorf("a window that is rolling has no calendar; give one of them")
	case starts.Exists():
		calendarWindow(s, starts, at, calendar)
	case m.Get("isRolling").Exists() && !m.Get("isRolling").Truth():
		m.Get("isRolling").Errorf("a window that is not rolling needs a calendar, with a startTime")
	default:
		if length%(30*day) == 0 && calendar != "" {
			at.Warnf("a rolling %s is taken to have %d days", calendar, length/day)
		}
		foreign.Window(s, length, at)
	}
	return length
}

// alphaWindow reads the count and unit of v1alpha.
func alphaWindow(m config.Mapping) (length time.Duration, calendar string, ok bool) {
	unit := m.Need("unit", "it is Minute, Hour, Day, Week, Month or Quarter")
	count := m.Need("count", "say how many of the unit")
	number, err := strconv.Atoi(count.Text("a number like 30"))
	letter := map[string]string{"Minute": "m", "Hour": "h", "Day": "d", "Week": "w", "Month": "M", "Quarter": "Q", "Year": "Y"}[text(m, "unit")]
	switch {
	case !unit.Exists() || !count.Exists():
		return 0, "", false
	case err != nil || number < 1 || number > 999_999:
		count.Errorf("count must be a number like 30")
		return 0, "", false
	case letter == "":
		unit.Errorf("unit must be Minute, Hour, Day, Week, Month or Quarter")
		return 0, "", false
	}
	return lengthOf(unit, number, letter)
}

// calendarWindow sets a window of the calendar: a week from Monday, a month or a quarter from its
// first day, each at midnight.
func calendarWindow(s *config.SLO, n, length config.Node, calendar string) {
	m := n.Mapping("startTime", "timeZone")
	start := m.Need("startTime", "say when a period begins, like 2024-01-01 00:00:00")
	var begins time.Time
	var err error
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", time.DateOnly, time.RFC3339, "2006-01-02T15:04:05"} {
		if begins, err = time.Parse(layout, start.Text("a time like 2024-01-01 00:00:00")); err == nil {
			break
		}
	}
	midnight := begins.Truncate(day).Equal(begins)
	switch {
	case calendar == "":
		length.Errorf("a calendar window has to be of one week (1w), month (1M) or quarter (1Q); 1m is a minute")
	case err != nil:
		start.Errorf("startTime must be a time like 2024-01-01 00:00:00")
	case calendar == "week" && (begins.Weekday() != time.Monday || !midnight):
		start.Errorf("a calendar week has to begin on a Monday at midnight, not on a %s at %s", begins.Weekday(), begins.Format("15:04"))
	case calendar != "week" && (begins.Day() != 1 || !midnight):
		start.Errorf("a calendar %s has to begin on the first of a month at midnight", calendar)
	case calendar == "quarter" && (begins.Month()-1)%3 != 0:
		start.Errorf("a calendar quarter has to begin in January, April, July or October, not in %s", begins.Month())
	}
	s.Set("window.calendar", calendar, length)
	if zone := m.Get("timeZone"); zone.Exists() {
		s.Set("window.timezone", zone.Text("a time zone like Europe/Berlin"), zone)
	}
}
