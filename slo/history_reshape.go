package slo

import (
	"slices"
	"time"
)

// Resized returns a copy with the resolutions that NewHistory would give it. If the copy is finer
// than the history was, events between two points are prorated.
func (h *History) Resized(rules, window time.Duration) *History {
	c := *h
	c.curve = curve{h.grid, h.points.resized(h.ticks(rules), h.ticks(window))}
	return &c
}

// Prepended returns a copy that also has what an older history of the same objective knows about
// the time before `at`. Known cumulative counts stay as they are, and earlier ones are lower. Both
// histories must have the same tick. The copy's origin is the older history's, or the oldest bucket
// that it has not forgotten: the copy takes time before that as not seen.
func (h *History) Prepended(older *History, at time.Time) *History {
	joint := h.tick(at)
	if h.tick(h.Origin()) < joint || older.tick(older.Origin()) >= joint || older.Empty() {
		return h
	}
	c := &History{curve: curve{h.grid, h.points.prepended(&older.points, joint)}, negative: h.negative}
	var dark int64
	for _, b := range older.blind {
		if b.End.After(at) {
			b.End = at
		}
		if b.Start.Before(c.Origin()) {
			b.Start = c.Origin()
		}
		if b.Start.Before(b.End) {
			c.blind = append(c.blind, b)
			dark += int64(b.End.Sub(b.Start) / h.Interval())
		}
	}
	if h.tick(h.Origin()) > joint {
		c.blind = append(c.blind, Span{at, h.Origin()})
	}
	c.blind = append(c.blind, h.blind...)
	c.blind = c.blind[max(0, len(c.blind)-maxBlind):]
	c.seen = h.seen + joint - c.tick(c.Origin()) - dark
	if older.negative <= joint {
		c.negative = max(c.negative, older.negative)
	}
	return c
}

// Regridded returns a history with another tick, up to its last tick that is not after this one's
// `now`. What was counted stays counted; inside a tick of the old grid, events are taken as spread
// evenly.
func (h *History) Regridded(interval, rules, window time.Duration) *History {
	c := &History{curve: h.regridded(interval, rules, window), blind: slices.Clone(h.blind)}
	c.seen = h.seen * int64(h.Interval()) / int64(interval)
	if h.negative > 0 {
		c.negative = c.tick(h.time(h.negative))
	}
	return c
}
