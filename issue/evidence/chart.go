package evidence

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

const (
	// maxPoints of a chart fit beside each other with the time of day, secondsPoints where it has seconds, datePoints where it has a date.
	maxPoints     = 24
	secondsPoints = 16
	datePoints    = 10
	// least is how many ticks before and after the window are shown at least.
	least = 5
)

// aroundOf is how much of the time before and after a window its chart shows.
func (c *collector) aroundOf(w alert.Window) time.Duration {
	return max(until(w).Sub(w.Onset)/4, least*c.Interval)
}

// chart draws the course of a window from its reading.
func (c *collector) chart(r *reading) {
	onset, last := r.window.Onset, r.ticks.Last
	if end := until(r.window).Add(c.aroundOf(r.window)); end.Before(last) {
		last = end
	}
	if !last.After(onset) {
		return
	}
	first, step, n := grid(onset, last, c.aroundOf(r.window), r.ticks.Interval, maxPoints)
	chart := &issue.Chart{Of: r.window.ID(), Step: step, Points: make([]issue.Point, n)}
	for i := range chart.Points {
		at := first.Add(time.Duration(i) * step)
		chart.Points[i] = issue.Point{Time: at, Counts: r.between(at, at.Add(step), nil)[""], Blind: r.seen(at, at.Add(step)) == 0}
	}
	c.found.Chart = chart
}

// grid cuts the time around a window into n points a step apart, so that one begins at the onset. The step is a multiple of the interval,
// and a round one where it is long.
func grid(onset, last time.Time, around, interval time.Duration, points int) (first time.Time, step time.Duration, n int) {
	for step = interval; ; step += interval {
		if !isRound(step, interval) {
			continue
		}
		before := int((around + step - 1) / step)
		n = before + int(last.Sub(onset)/step)
		most := points
		switch {
		case time.Duration(n)*step > 24*time.Hour:
			most = min(most, datePoints)
		case step%time.Minute != 0 || onset.Truncate(time.Minute) != onset:
			most = min(most, secondsPoints)
		}
		if n <= most {
			return onset.Add(-time.Duration(before) * step), step, n
		}
	}
}

// isRound reports whether people would choose a step.
func isRound(step, interval time.Duration) bool {
	for _, r := range []struct{ above, unit time.Duration }{
		{4 * time.Hour, 2 * time.Hour}, {2 * time.Hour, time.Hour}, {20 * time.Minute, 10 * time.Minute}, {5 * time.Minute, 5 * time.Minute},
	} {
		if step > r.above && r.unit%interval == 0 {
			return step%r.unit == 0
		}
	}
	return true
}
