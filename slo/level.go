package slo

import "encoding/binary"

// level is a ring of the cumulative counts at every multiple of `step` ticks. Cumulative counts grow, so that one is known by its lowest bits
// and a later sum, unless more than these bits can tell has been counted in between. Most of a daemon's memory is such counts: a point takes 11
// bytes instead of 16, until a level holds too many events for that.
type level struct {
	step   int64
	points []byte   // each the lowest 48 bits of the total and the lowest 40 of the bad events, in units of 1/1024 event
	wide   []Counts // instead of points, if not nil
}

const (
	pointSize = 11 // bytes
	totalBits = 48 // for a million events a second over 3 days
	badBits   = 40
)

func newLevel(step int64, points int) level {
	return level{step: step, points: make([]byte, points*pointSize)}
}

// len is the number of points.
func (l *level) len() int {
	if l.wide != nil {
		return len(l.wide)
	}
	return len(l.points) / pointSize
}

// oldest is the number of the oldest point that the ring still holds when `now` is the last tick.
func (l *level) oldest(now int64) int64 { return now/l.step - int64(l.len()) + 1 }

// first is the number of the oldest point of the ring that is after the history's origin.
func (l *level) first(h *History) int64 { return max(l.oldest(h.now), ceilDiv(h.origin, l.step)) }

// at is the n-th point, where sum is the cumulative count now.
func (l *level) at(n int64, sum Counts) Counts { return l.slot(n%int64(l.len()), sum) }

func (l *level) slot(i int64, sum Counts) Counts {
	if l.wide != nil {
		return l.wide[i]
	}
	p := l.points[i*pointSize:][:pointSize]
	return Counts{
		Total: earlier(sum.Total, binary.LittleEndian.Uint64(p), totalBits),
		Bad:   earlier(sum.Bad, binary.LittleEndian.Uint64(p[pointSize-8:])>>(64-badBits), badBits),
	}
}

// earlier is a cumulative count that is not above sum, and whose lowest bits are those of low.
func earlier(sum float64, low uint64, bits int) float64 {
	since := (units(sum) - low) & (1<<bits - 1)
	return sum - float64(since)*quantum
}

// units is a count in units of 1/1024 event.
func units(count float64) uint64 { return uint64(int64(count / quantum)) }

// set changes the n-th point, where sum is the cumulative count now.
func (l *level) set(n int64, c, sum Counts) {
	l.reserve(sum.Sub(c), sum)
	i := n % int64(l.len())
	if l.wide != nil {
		l.wide[i] = c
		return
	}
	p, bad := l.points[i*pointSize:][:pointSize], units(c.Bad)
	binary.LittleEndian.PutUint64(p, units(c.Total)&(1<<totalBits-1)|bad<<totalBits)
	p[8], p[9], p[10] = byte(bad>>16), byte(bad>>24), byte(bad>>32)
}

// reserve makes room for points that are so much below the cumulative count, where sum is what it has been so far.
func (l *level) reserve(below, sum Counts) {
	fits := func(c float64, bits int) bool { return c/quantum < float64(uint64(1)<<bits) }
	if l.wide != nil || fits(below.Total, totalBits) && fits(below.Bad, badBits) {
		return
	}
	wide := make([]Counts, l.len())
	for i := range wide {
		wide[i] = l.slot(int64(i), sum)
	}
	l.points, l.wide = nil, wide
}
