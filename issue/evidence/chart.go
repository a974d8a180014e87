package evidence

import (
	"time"

	"github.com/postburn/postburn/issue"
)

const (
	// maxPoints is how many labels with a time of day, such as 14:05, fit beside each other.
	maxPoints = 24
	// secondsPoints is the same with seconds, and datePoints with a date.
	secondsPoints = 16
	datePoints    = 10
	// least is the least number of ticks that a chart shows before and after the window.
	least = 5
)

// chart draws the course of the events, from so long before the window until so long after it.
func (r *reading) chart(around time.Duration) *issue.Chart {
	onset, last := r.window.Onset, r.ticks.Last
	if end := until(r.window).Add(around); end.Before(last) {
		last = end
	}
	if !last.After(onset) {
		return nil
	}
	first, step, n := grid(onset, last, around, r.ticks.Interval, maxPoints)
	chart := &issue.Chart{Of: r.window.ID(), Step: step, Points: make([]issue.Point, n)}
	for i := range chart.Points {
		at := first.Add(time.Duration(i) * step)
		chart.Points[i] = issue.Point{Time: at, Counts: r.between(at, at.Add(step), nil)[""], Blind: r.seen(at, at.Add(step)) == 0}
	}
	return chart
}

// grid cuts the time around a window into n points, so that one begins at the onset. The step
// between them is a multiple of the interval, and a round one if it is long.
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
