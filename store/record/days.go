package record

import (
	"fmt"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// DayList puts days together that come as rows: first all series, then their days in order.
type DayList struct {
	all   []alert.Days
	place map[int64]int // in all, by the series' ID
}

// Series adds an objective. The error wraps slo.ErrCorrupt if its target is no number.
func (l *DayList) Series(id int64, of alert.Days, target string) (err error) {
	if of.Target, err = slo.ParseDecimal(target); err != nil {
		return fmt.Errorf("the target of %s: %w: %w", of.SLO, slo.ErrCorrupt, err)
	}
	if l.place == nil {
		l.place = map[int64]int{}
	}
	l.place[id] = len(l.all)
	l.all = append(l.all, of)
	return nil
}

// Day adds a day to a series.
func (l *DayList) Day(series, day int64, d slo.Day) {
	d.Date = Date(day)
	of := &l.all[l.place[series]]
	of.Days = append(of.Days, d)
}

// All returns the objectives that have days.
func (l *DayList) All() []alert.Days {
	return slices.DeleteFunc(l.all, func(of alert.Days) bool { return len(of.Days) == 0 })
}

// IsKnownAsWell reports whether a day may replace what was known of the same day: after a restart
// the oldest days are read from a history that has forgotten part of them.
func IsKnownAsWell(now, before slo.Day) bool {
	return now.Known > before.Known || now.Known == before.Known && (now.Exact || !before.Exact)
}
