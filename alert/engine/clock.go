package engine

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// chunk is the most ticks read and committed at a time while catching up. If they can't be
	// read, it is halved, and halved again: for some objectives Prometheus takes longer than the
	// time limit.
	chunk = 1000
	// atOnce is how many samples a lane reads at a time while catching up, to bound memory. But it
	// reads at least `fewest` ticks, since each query has a fixed cost: per tick, a query of 50
	// ticks costs nearly twice as much as one of 500.
	atOnce = 40_000
	fewest = 50
)

// clock says when ticks are due.
type clock struct {
	now      func() time.Time // the wall clock
	interval time.Duration    // of the grid
	usual    time.Duration    // how long after its end a tick is sampled, unless its objective says otherwise
}

// due returns the newest tick that may be sampled, `delay` after its end.
func (c clock) due(delay time.Duration) time.Time {
	return slo.Floor(c.now().Add(-delay), c.interval)
}

// delay returns how long after its end an objective's tick is sampled.
func (c clock) delay(l *lane, d alert.Definition) time.Duration {
	delay := c.usual
	if d.Objective.Delay > 0 {
		delay = d.Objective.Delay
	}
	return delay + l.readers.of(d.Objective.Name).Extra
}

// shortestDelay returns the shortest delay of a lane's objectives.
func (c clock) shortestDelay(l *lane) time.Duration {
	shortest := time.Duration(-1)
	for _, d := range l.Definitions() {
		if delay := c.delay(l, d); shortest < 0 || delay < shortest {
			shortest = delay
		}
	}
	return max(0, shortest)
}

// missing returns the ticks up to `last` that an objective has not folded and that are due by its
// own delay.
func (c clock) missing(l *lane, d alert.Definition, last time.Time) slo.Ticks {
	if due := c.due(c.delay(l, d)); due.Before(last) {
		last = due
	}
	return slo.Ticks{First: l.CursorOf(d.Objective.Name).Add(l.Interval()), Last: last, Interval: l.Interval()}
}

// bounded cuts ticks to those read at a time for so many watches, and to `most` if that is not 0.
func bounded(ticks slo.Ticks, watches, most int) slo.Ticks {
	room := max(fewest, min(chunk, atOnce/max(1, watches)))
	if most > 0 {
		room = min(room, most)
	}
	if ticks.Len() > room {
		ticks.Last = ticks.At(room - 1)
	}
	return ticks
}

// stretched returns how many ticks to read next time, after so many could or could not be read.
func stretched(most, ticks int, read bool) int {
	switch {
	case !read:
		return max(1, ticks/2)
	case most > 0:
		return min(most+most/4+1, chunk)
	}
	return 0
}
