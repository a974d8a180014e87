package slo

import "time"

// curve is the cumulative count of events over time. The sum over any window is one subtraction,
// whatever its length, and an oldest bucket that the window only cuts is prorated.
type curve struct {
	grid
	points
}

func newCurve(interval time.Duration, now time.Time, rules, window time.Duration) curve {
	g := grid(interval)
	return curve{g, newPoints(g.tick(now), g.ticks(rules), g.ticks(window))}
}

func (c *curve) clone() curve { return curve{c.grid, c.points.clone()} }

// Interval returns the length of a tick.
func (c *curve) Interval() time.Duration { return time.Duration(c.grid) }

// Now returns the last tick that was added.
func (c *curve) Now() time.Time { return c.time(c.now) }

// Origin returns when data begins: the start of the first tick that was not blind.
func (c *curve) Origin() time.Time { return c.time(c.origin) }

// Known returns from when on the events are known: the origin, or the oldest bucket that is kept.
func (c *curve) Known() time.Time { return c.time(c.known()) }

// Resolution returns the length of the history's longest buckets.
func (c *curve) Resolution() time.Duration { return c.length(c.levels.coarsest().step) }

// Grain returns the length of the bucket in which the history now keeps t.
func (c *curve) Grain(t time.Time) time.Duration {
	step, _ := c.levels.grain(c.tick(t), c.now)
	return c.length(step)
}

// EachTick reports whether every tick after `from` is still kept by itself.
func (c *curve) EachTick(from time.Time) bool {
	step, kept := c.levels.grain(c.tick(from), c.now)
	return kept && step == 1
}

// Counted sums the events in the last `length` of time that were seen, and adds nothing for time
// before the origin.
func (c *curve) Counted(length time.Duration) Counts {
	return c.between(c.now-c.ticks(length), c.now)
}

// All sums every event since the origin.
func (c *curve) All() Counts { return c.sum.counts() }

// Cumulative returns the number of events from the first origin to t, less than 0 before that,
// prorated inside the bucket that t falls in.
func (c *curve) Cumulative(t time.Time) Counts { return c.position(c.tick(t)).since(sums{}) }

// Between sums the events in (from, to], each end prorated inside the bucket that it falls in.
// However large the cumulative counts are, the difference is exact to a float64's own precision.
func (c *curve) Between(from, to time.Time) Counts {
	return c.between(c.tick(from), c.tick(to))
}

// Buckets calls yield for each bucket in (from, now], oldest first, at the finest resolution that
// is kept, until yield returns false.
func (c *curve) Buckets(from time.Time, yield func(Span, Counts) bool) {
	start := max(c.origin, c.tick(from))
	for start < c.now {
		step, _ := c.levels.grain(start, c.now)
		end := min(c.now, (start/step+1)*step)
		if !yield(Span{c.time(start), c.time(end)}, c.between(start, end)) {
			return
		}
		start = end
	}
}

// LastActive sums the most recent stretches after `since` that had events, `length` of them in all;
// silence and blind stretches in between do not count. It reports false if the history holds less
// than that.
func (c *curve) LastActive(length time.Duration, since time.Time) (Counts, bool) {
	sum, _, enough := c.lastActive(length, since)
	return sum, enough
}

// ActiveSince returns when the oldest stretch that LastActive sums begins.
func (c *curve) ActiveSince(length time.Duration, since time.Time) time.Time {
	_, start, _ := c.lastActive(length, since)
	return c.time(start)
}

func (c *curve) lastActive(length time.Duration, since time.Time) (sum Counts, oldest int64, enough bool) {
	wanted, end := c.ticks(length), c.now
	first := max(c.origin, c.tick(since))
	for wanted > 0 && end > first {
		start := first
		if step, kept := c.levels.grain(end-1, c.now); kept {
			start = max(first, (end-1)/step*step)
		}
		if events := c.between(start, end); events.Total > 0 {
			sum = sum.Add(events)
			wanted -= end - start
		}
		end = start
	}
	return sum, end, wanted <= 0
}

// regridded returns the curve with another tick, up to its last tick that is not after this one's
// `now`. Inside a tick of the old grid, events are taken as spread evenly.
func (c *curve) regridded(interval, rules, window time.Duration) curve {
	r := newCurve(interval, c.Now(), rules, window)
	r.resume(r.tick(c.Origin()), c.base, func(tick int64) sums {
		t := r.time(tick).UnixNano()
		n, rest := t/int64(c.grid), t%int64(c.grid)
		at := c.position(n)
		if rest > 0 {
			next := c.between(n, n+1)
			part := float64(rest) / float64(c.grid)
			at.part = at.part.Add(Counts{next.Total * part, next.Bad * part})
		}
		return at.sums()
	})
	return r
}
