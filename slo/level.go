package slo

import (
	"encoding/binary"
	"slices"
)

// level is a ring of the cumulative counts at every multiple of `step` ticks. Only the lowest bytes
// of each are kept: a later sum completes them, unless more was counted in between than these bytes
// can hold. These counts take most of a daemon's memory: a point takes 11 bytes instead of 32,
// until a level holds too many events for that.
//
// Bad counts are signed, so one may be above a later sum. A sixteenth of the range is kept for
// that.
type level struct {
	step   int64
	count  int64 // of points
	width  width
	points []byte // the total and the bad events of each, little-endian, and 8 bytes more, so that any of them is read at one go
}

// width is how many bytes are kept for a total and for a bad count.
type width struct{ total, bad int }

// usual is the width that a level begins with: enough for a million events a second over 3 days,
// and 11,000 bad ones.
var usual = width{6, 5}

// wider returns the next larger width of a count in bytes; 16 hold all of it.
func wider(bytes int) int {
	if bytes < 8 {
		return 8
	}
	return 16
}

func (w width) size() int { return w.total + w.bad }

func newLevel(step int64, points int) level {
	return level{step: step, count: int64(points), width: usual, points: make([]byte, points*usual.size()+8)}
}

// len returns the number of points.
func (l *level) len() int { return int(l.count) }

// oldest returns the number of the oldest point that the ring holds if `now` is the last tick.
func (l *level) oldest(now int64) int64 { return now/l.step - l.count + 1 }

// first returns the number of the ring's oldest point after an origin if `now` is the last tick.
func (l *level) first(origin, now int64) int64 { return max(l.oldest(now), ceilDiv(origin, l.step)) }

// clone returns a copy that shares nothing.
func (l *level) clone() level {
	c := *l
	c.points = slices.Clone(l.points)
	return c
}

// at returns the n-th point; sum is the cumulative count now.
func (l *level) at(n int64, sum sums) sums { return l.slot(n%l.count, sum) }

func (l *level) slot(i int64, sum sums) sums {
	p := l.points[i*int64(l.width.size()):]
	return sums{
		total: earlier(sum.total, p, l.width.total),
		bad:   earlier(sum.bad, p[l.width.total:], l.width.bad),
	}
}

// set changes the n-th point to c; sum is the cumulative count now.
func (l *level) set(n int64, c, sum sums) {
	l.reserve(sum.sub(c), sum)
	p := l.points[n%l.count*int64(l.width.size()):]
	c.total.putLow(p[:l.width.total])
	c.bad.putLow(p[l.width.total:l.width.size()])
}

// reserve makes room for points that are so much below the cumulative count; sum is the count so
// far.
func (l *level) reserve(below, sum sums) {
	w := l.width
	for !fits(below.total, w.total) {
		w.total = wider(w.total)
	}
	for !fits(below.bad, w.bad) {
		w.bad = wider(w.bad)
	}
	if w == l.width {
		return
	}
	wide := level{step: l.step, count: l.count, width: w, points: make([]byte, l.len()*w.size()+8)}
	for i := range l.count {
		c, p := l.slot(i, sum), wide.points[i*int64(w.size()):]
		c.total.putLow(p[:w.total])
		c.bad.putLow(p[w.total:w.size()])
	}
	*l = wide
}

// above returns how far a count may be above a later sum and still be known by so many bytes.
func above(bytes int) uint64 { return 1 << (8*bytes - 4) }

// fits reports whether a count that is so much below the sum is known by so many of its lowest
// bytes.
func fits(below units, bytes int) bool {
	if bytes > 8 {
		return true
	}
	below = below.add(units{lo: above(bytes)})
	return below.hi == 0 && below.lo>>(8*bytes) == 0
}

// earlier completes a count before sum from its lowest bytes, which p begins with.
func earlier(sum units, p []byte, bytes int) units {
	low := binary.LittleEndian.Uint64(p)
	if bytes > 8 {
		return units{int64(binary.LittleEndian.Uint64(p[8:])), low}
	}
	below := (sum.lo - low + above(bytes)) & (1<<(8*bytes) - 1)
	return sum.add(units{lo: above(bytes)}).sub(units{lo: below})
}

// putLow writes the lowest bytes of a count, as many as fit.
func (u units) putLow(p []byte) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], u.lo)
	binary.LittleEndian.PutUint64(b[8:], uint64(u.hi))
	copy(p, b[:])
}
