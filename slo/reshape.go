package slo

import (
	"slices"
	"time"
)

// Resized is a copy with the resolutions that NewHistory would give it. Where the copy is finer
// than the history was, what is between two points is prorated.
func (h *History) Resized(rules, window time.Duration) *History {
	c := NewHistory(h.interval, h.Now(), rules, window)
	c.origin, c.seen, c.sum, c.base, c.blind = h.origin, h.seen, h.sum, h.base, h.blind
	c.negative, c.peak, c.fall = h.negative, h.peak, h.fall
	for i := range c.levels {
		l := &c.levels[i]
		for n := l.first(c); n <= c.now/l.step; n++ {
			at := h.position(n * l.step)
			l.set(n, at.point.add(sumsOf(Counts{Quantize(at.part.Total), Quantize(at.part.Bad)})), h.sum)
		}
	}
	return c
}

// Prepended returns a copy that also has what an older history of the same objective knows of the
// time before `at`. Cumulative counts that are known stay as they are, and those before it are
// lower. Both histories must have the same tick.
func (h *History) Prepended(older *History, at time.Time) *History {
	joint := at.UnixNano() / int64(h.interval)
	if h.origin < joint || older.origin >= joint || older.Empty() {
		return h
	}
	c := h.Clone()
	begin := older.position(joint)
	for i := range c.levels {
		l := &c.levels[i]
		for n := max(ceilDiv(older.origin, l.step), l.oldest(c.now)); n*l.step <= h.origin; n++ {
			p := h.base
			if n*l.step < joint {
				back := begin.since(older.position(n * l.step).point).Sub(older.position(n * l.step).part)
				p = h.base.sub(sumsOf(Counts{Quantize(back.Total), Quantize(back.Bad)}))
			}
			l.reserve(h.sum.sub(p), h.sum)
			l.set(n, p, h.sum)
		}
	}
	whole := older.between(older.origin, joint)
	c.base = h.base.sub(sumsOf(Counts{Quantize(whole.Total), Quantize(whole.Bad)}))
	c.origin = older.origin
	c.blind = nil
	var dark int64
	for _, b := range older.blind {
		if b.End.After(at) {
			b.End = at
		}
		if b.Start.Before(b.End) {
			c.blind = append(c.blind, b)
			dark += int64(b.End.Sub(b.Start) / h.interval)
		}
	}
	if h.origin > joint {
		c.blind = append(c.blind, Span{at, h.Origin()})
	}
	c.blind = append(c.blind, h.blind...)
	c.blind = c.blind[max(0, len(c.blind)-maxBlind):]
	c.seen = h.seen + joint - older.origin - dark
	if older.negative <= joint {
		c.negative = max(c.negative, older.negative)
	}
	c.findFall()
	return c
}

// Regridded returns a history of another tick, up to the last of its ticks that is not after `now`
// of this one. What was counted stays counted; inside a tick of the old grid, events are taken as
// spread evenly.
func (h *History) Regridded(interval, rules, window time.Duration) *History {
	c := NewHistory(interval, h.Now(), rules, window)
	at := func(tick int64) sums {
		t := c.time(tick).UnixNano()
		n, rest := t/int64(h.interval), t%int64(h.interval)
		p := h.position(n)
		if rest > 0 {
			next := h.between(n, n+1)
			part := float64(rest) / float64(h.interval)
			p.part = p.part.Add(Counts{next.Total * part, next.Bad * part})
		}
		return p.point.add(sumsOf(Counts{Quantize(p.part.Total), Quantize(p.part.Bad)}))
	}
	c.origin = h.Origin().UnixNano() / int64(interval)
	c.base, c.sum = h.base, at(c.now)
	c.seen = h.seen * int64(h.interval) / int64(interval)
	c.blind = slices.Clone(h.blind)
	if h.negative > 0 {
		c.negative = h.time(h.negative).UnixNano() / int64(interval)
	}
	for i := range c.levels {
		l := &c.levels[i]
		for n := l.first(c); n <= c.now/l.step; n++ {
			p := at(n * l.step)
			l.reserve(c.sum.sub(p), c.sum)
			l.set(n, p, c.sum)
		}
	}
	c.findFall()
	return c
}
