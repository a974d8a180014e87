package slo

import "encoding/binary"

// level is a ring of the cumulative counts at every multiple of `step` ticks. Only the lowest
// bytes of each are kept: a later sum makes the whole count again, unless more than these bytes
// can tell has been counted in between. Most of a daemon's memory is such counts: a point takes 11
// bytes instead of 32, until a level holds too many events for that.
//
// Bad counts are signed, so one may be above the sum that comes after it. A sixteenth of the range
// is for that.
type level struct {
	step   int64
	width  width
	points []byte // the total and the bad events of each, little-endian, and 8 bytes more, so that any of them is read at one go
}

// width is how many bytes of a total and of a bad count are kept.
type width struct{ total, bad int }

// usual is the width that a level begins with: enough for a million events a second over 3 days,
// and 11,000 bad ones.
var usual = width{6, 5}

// wider returns the next width in which more is kept of a count; 16 bytes are all.
func wider(bytes int) int {
	if bytes < 8 {
		return 8
	}
	return 16
}

func (w width) size() int { return w.total + w.bad }

func newLevel(step int64, points int) level {
	return level{step: step, width: usual, points: make([]byte, points*usual.size()+8)}
}

// len is the number of points.
func (l *level) len() int { return (len(l.points) - 8) / l.width.size() }

// oldest is the number of the oldest point that the ring still holds when `now` is the last tick.
func (l *level) oldest(now int64) int64 { return now/l.step - int64(l.len()) + 1 }

// first is the number of the oldest point of the ring that is after the history's origin.
func (l *level) first(h *History) int64 { return max(l.oldest(h.now), ceilDiv(h.origin, l.step)) }

// at is the n-th point, where sum is the cumulative count now.
func (l *level) at(n int64, sum sums) sums { return l.slot(n%int64(l.len()), sum) }

func (l *level) slot(i int64, sum sums) sums {
	p := l.points[i*int64(l.width.size()):]
	return sums{
		total: earlier(sum.total, p, l.width.total),
		bad:   earlier(sum.bad, p[l.width.total:], l.width.bad),
	}
}

// set changes the n-th point, where sum is the cumulative count now.
func (l *level) set(n int64, c, sum sums) {
	l.reserve(sum.sub(c), sum)
	p := l.points[n%int64(l.len())*int64(l.width.size()):]
	c.total.putLow(p[:l.width.total])
	c.bad.putLow(p[l.width.total:l.width.size()])
}

// reserve makes room for points that are so much below the cumulative count, where sum is what it
// has been so far.
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
	wide := level{step: l.step, width: w, points: make([]byte, l.len()*w.size()+8)}
	for i := range int64(l.len()) {
		c, p := l.slot(i, sum), wide.points[i*int64(w.size()):]
		c.total.putLow(p[:w.total])
		c.bad.putLow(p[w.total:w.size()])
	}
	*l = wide
}

// above is how much a count may be above a later sum and still be known by so many of its bytes.
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

// earlier is the count before sum of which p begins with so many of the lowest bytes.
func earlier(sum units, p []byte, bytes int) units {
	low := binary.LittleEndian.Uint64(p)
	if bytes > 8 {
		return units{int64(binary.LittleEndian.Uint64(p[8:])), low}
	}
	below := (sum.lo - low + above(bytes)) & (1<<(8*bytes) - 1)
	return sum.add(units{lo: above(bytes)}).sub(units{lo: below})
}

// putLow writes the lowest bytes of a count, as many as there is room for.
func (u units) putLow(p []byte) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], u.lo)
	binary.LittleEndian.PutUint64(b[8:], uint64(u.hi))
	copy(p, b[:])
}
