package evidence

import (
	"context"
	"math"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// usualSteps is how many ticks another time is read in at most.
const usualSteps = 12

const week = 7 * 24 * time.Hour

// quantiles are the shares of the events for which a duration is told.
var quantiles = [...]float64{0.5, 0.95, 0.99}

// usual compares breach windows with other times.
type usual struct {
	scope
	read      *reader
	traffic   []issue.Traffic
	durations []issue.Durations
}

// compareDurations asks how long the events of a latency objective took, in a window and in the
// same hours a week before.
func (u *usual) compareDurations(ctx context.Context, p Prometheus, w alert.Window) (err error) {
	found := issue.Durations{Of: w.ID()}
	if found.Window, err = u.quantiles(ctx, p, w, w.Onset); err != nil || found.Window == nil {
		return err
	}
	found.WeekBefore, err = u.quantiles(ctx, p, w, w.Onset.Add(-week))
	u.durations = append(u.durations, found)
	return err
}

// quantiles asks for those of a stretch as long as a window.
func (u *usual) quantiles(ctx context.Context, p Prometheus, w alert.Window, start time.Time) ([]slo.Quantile, error) {
	step, n := steps(until(w).Sub(w.Onset), u.interval, usualSteps)
	for n > 1 && start.Add(time.Duration(n)*step).After(u.newest) {
		n--
	}
	ticks := slo.Ticks{First: start.Add(step), Last: start.Add(time.Duration(n) * step), Interval: step}
	return p.Quantiles(ctx, w.Objective, w.Labels, ticks, quantiles[:]...)
}

// compare compares a window's events with those of the hour before, which its reading has (if it
// could be read), and of the same hours a week before.
func (u *usual) compare(ctx context.Context, p Prometheus, w alert.Window, r *reading) error {
	found := issue.Traffic{Of: w.ID(), Window: w.Counts, Length: seen(w)}
	add := func(when string, r *reading, from time.Time, length time.Duration) {
		to := from.Add(length)
		one := issue.Usual{When: when, Length: length, Counts: r.between(from, to, nil)[""]}
		if r.seen(from, to) == length && one.Total > 0 {
			found.Usual = append(found.Usual, one)
		}
	}
	if r != nil {
		add(issue.HourBefore, r, w.Onset.Add(-time.Hour), time.Hour)
	}
	start := w.Onset.Add(-week)
	step, n := steps(until(w).Sub(w.Onset), u.interval, usualSteps)
	length := time.Duration(n) * step
	before, err := u.read.by(ctx, p, w, nil, slo.Ticks{First: start.Add(step), Last: start.Add(length), Interval: step})
	if err == nil {
		add(issue.WeekBefore, before, start, length)
	}
	if len(found.Usual) > 0 && found.Length > 0 {
		u.traffic = append(u.traffic, found)
	}
	return err
}

// steps cuts a length into at most so many equal steps, which together are at least as long, and as
// little longer as possible. For example, 13 ticks in at most 12 steps are 7 steps of 2 ticks.
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

// seen returns how long a window was, without the stretches that have no data.
func seen(w alert.Window) time.Duration {
	length := until(w).Sub(w.Onset)
	for _, p := range w.Phases {
		if p.Kind == alert.BlindGap {
			length -= p.End.Sub(p.Start)
		}
	}
	return length
}
