package evidence

import (
	"context"
	"errors"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// maxPoints of a chart fit beside each other with the time of day, secondsPoints where it has seconds, datePoints where it has a date.
	maxPoints     = 24
	secondsPoints = 16
	datePoints    = 10
	// coarsePoints is how many there are where more would take too many queries.
	coarsePoints = 12
	// finePoints is how finely a chart is read: a counter that is reset inside one step would lose what it counted before.
	finePoints = 240
	// least is how many ticks before and after the window are shown at least.
	least = 5
)

// chart reads the course of the worst window.
func (c *collector) chart(ctx context.Context, p Prometheus) error {
	onset, end := c.worst.Onset, until(c.worst)
	around := max(end.Sub(onset)/4, least*c.Interval)
	last := end.Add(around)
	if last.After(c.newest) {
		last = c.newest
	}
	if !last.After(onset) {
		return errNothing
	}
	first, step, n := grid(onset, last, around, c.Interval, maxPoints)
	var samples []slo.Sample
	err := c.fine(p, func(p Prometheus) (err error) {
		samples, err = c.read(ctx, p, c.worst, finer(first, step, n, c.Interval))
		return err
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, errNothing) {
		first, step, n = grid(onset, last, around, c.Interval, coarsePoints)
		samples, err = c.read(ctx, p, c.worst, slo.Ticks{First: first.Add(step), Last: first.Add(time.Duration(n) * step), Interval: step})
	}
	if err != nil {
		return err
	}
	c.found.Chart = &issue.Chart{Of: c.worst.ID(), Step: step, Points: sum(samples, first, step, n)}
	return nil
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

// finer are the ticks of several parts of each step.
func finer(first time.Time, step time.Duration, n int, interval time.Duration) slo.Ticks {
	parts := int(step / interval)
	for parts > 1 && (parts*n > finePoints || step%(time.Duration(parts)*interval) != 0) {
		parts--
	}
	part := step / time.Duration(parts)
	return slo.Ticks{First: first.Add(part), Last: first.Add(time.Duration(n) * step), Interval: part}
}

// sum adds samples up to points. Late events are spread over the time in which they went unseen. A point is blind where all of its
// samples are.
func sum(samples []slo.Sample, first time.Time, step time.Duration, n int) []issue.Point {
	points := make([]issue.Point, n)
	for i := range points {
		points[i] = issue.Point{Time: first.Add(time.Duration(i) * step), Blind: true}
	}
	for _, s := range samples {
		i := int((s.Tick.Sub(first) - 1) / step)
		if i < 0 || i >= n || s.Blind {
			continue
		}
		points[i].Blind = false
		points[i].Counts = points[i].Add(s.Counts)
		for _, late := range s.Late {
			for j := range i + 1 {
				start := points[j].Time
				points[j].Counts = points[j].Add(late.Until(start.Add(step)).Sub(late.Until(start)))
			}
		}
	}
	return points
}
