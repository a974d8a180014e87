package evidence

import (
	"context"
	"math"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// usualSteps is how many ticks another time is read in.
const usualSteps = 12

const week = 7 * 24 * time.Hour

// quantiles are those that are told of a latency.
var quantiles = [...]float64{0.5, 0.95, 0.99}

// howLong asks how long the events of a latency objective took, in a window and in the same hours a
// week before.
func (c *collector) howLong(ctx context.Context, w alert.Window) {
	if w.Objective.Indicator.Latency == nil {
		return
	}
	c.part(ctx, durationsQueries, "How long the events of "+w.ID().String()+" took", func(ctx context.Context, p Prometheus) (err error) {
		found := issue.Durations{Of: w.ID()}
		if found.Window, err = c.quantiles(ctx, p, w, w.Onset); err != nil || found.Window == nil {
			return err
		}
		found.WeekBefore, err = c.quantiles(ctx, p, w, w.Onset.Add(-week))
		c.found.Durations = append(c.found.Durations, found)
		return err
	})
}

// quantiles are those of as long as a window, from a time on.
func (c *collector) quantiles(ctx context.Context, p Prometheus, w alert.Window, start time.Time) ([]slo.Quantile, error) {
	step, n := steps(until(w).Sub(w.Onset), c.Interval, usualSteps)
	for n > 1 && start.Add(time.Duration(n)*step).After(c.newest) {
		n--
	}
	ticks := slo.Ticks{First: start.Add(step), Last: start.Add(time.Duration(n) * step), Interval: step}
	return p.Quantiles(ctx, w.Objective, w.Labels, ticks, quantiles[:]...)
}

// usual compares a window's events with those of the hour before, which its reading has, and of the
// same hours a week before.
func (c *collector) usual(ctx context.Context, p Prometheus, w alert.Window, r *reading) error {
	found := issue.Traffic{Of: w.ID(), Window: w.Counts, Length: seen(w)}
	add := func(when string, r *reading, from time.Time, length time.Duration) {
		to := from.Add(length)
		u := issue.Usual{When: when, Length: length, Counts: r.between(from, to, nil)[""]}
		if r.seen(from, to) == length && u.Total > 0 {
			found.Usual = append(found.Usual, u)
		}
	}
	if r != nil {
		add(issue.HourBefore, r, w.Onset.Add(-time.Hour), time.Hour)
	}
	start := w.Onset.Add(-week)
	step, n := steps(until(w).Sub(w.Onset), c.Interval, usualSteps)
	length := time.Duration(n) * step
	before, err := c.readBy(ctx, p, w, nil, slo.Ticks{First: start.Add(step), Last: start.Add(length), Interval: step})
	if err == nil {
		add(issue.WeekBefore, before, start, length)
	}
	if len(found.Usual) > 0 && found.Length > 0 {
		c.found.Traffic = append(c.found.Traffic, found)
	}
	return err
}

// steps cuts a length into at most that many equal steps, so that they are longer than it by as
// little as can be.
func steps(length, interval time.Duration, most int) (step time.Duration, n int) {
	ticks := max(1, int(length/interval))
	over := math.MaxInt
	for try := min(most, ticks); try >= 1 && try > most/2; try-- {
		each := (ticks + try - 1) / try
		if each*try-ticks < over {
			over, step, n = each*try-ticks, time.Duration(each)*interval, try
		}
	}
	if n == 0 {
		return interval, ticks
	}
	return step, n
}

// seen is how long a window was without the stretches that have no data.
func seen(w alert.Window) time.Duration {
	length := until(w).Sub(w.Onset)
	for _, p := range w.Phases {
		if p.Kind == alert.BlindGap {
			length -= p.End.Sub(p.Start)
		}
	}
	return length
}
