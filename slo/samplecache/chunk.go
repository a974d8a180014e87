package samplecache

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// chunkTicks is how many ticks a chunk has room for. With more, single ticks would take more
// memory; with fewer, whole days would.
const chunkTicks = 256

// grid is the steps in which ticks were read: see slo.Ticks.
type grid struct{ interval, each time.Duration }

func gridOf(t slo.Ticks) grid { return grid{t.Interval, t.Each} }

// isAligned reports whether ticks are multiples of their interval since 1970.
func isAligned(t slo.Ticks) bool {
	return t.Interval > 0 && t.First.UnixNano()%int64(t.Interval) == 0 && t.First.UnixNano() > 0
}

// place returns which chunk holds a tick, and where in it.
func (g grid) place(tick time.Time) (number int64, at int) {
	n := tick.UnixNano() / int64(g.interval)
	return n / chunkTicks, int(n % chunkTicks)
}

// time is the reverse of place.
func (g grid) time(number int64, at int) time.Time {
	return time.Unix(0, (number*chunkTicks+int64(at))*int64(g.interval)).UTC()
}

// chunk holds the samples of some ticks. A label set without samples had no data in any of them.
// Most chunks of a file are never needed, so they stay packed until missing looks for their ticks.
type chunk struct {
	have   [chunkTicks / 64]uint64
	sets   map[slo.Labels]*[chunkTicks]point
	packed []byte // the encoded sets; nil: they are in sets
}

func newChunk() *chunk { return &chunk{sets: map[slo.Labels]*[chunkTicks]point{}} }

func (c *chunk) has(at int) bool { return c.have[at/64]>>(at%64)&1 == 1 }

func (c *chunk) mark(at int) { c.have[at/64] |= 1 << (at % 64) }

// len returns how many ticks are there.
func (c *chunk) len() (n int) {
	for _, word := range c.have {
		n += bits.OnesCount64(word)
	}
	return n
}

// hasAll reports whether n ticks are there.
func (c *chunk) hasAll(at, n int) bool {
	for ; n > 0 && at%64 != 0; at, n = at+1, n-1 {
		if !c.has(at) {
			return false
		}
	}
	for ; n >= 64; at, n = at+64, n-64 {
		if c.have[at/64] != math.MaxUint64 {
			return false
		}
	}
	for ; n > 0; at, n = at+1, n-1 {
		if !c.has(at) {
			return false
		}
	}
	return true
}

// size returns how many points take as much memory as the chunk.
func (c *chunk) size() int {
	const bytes = 24 // of a point
	return len(c.sets)*chunkTicks + len(c.packed)/bytes
}

// unpack makes the sets of a chunk that is packed. If they make no sense, it has no tick: then they
// are read again.
func (c *chunk) unpack() {
	if c.packed == nil {
		return
	}
	r := &reader{rest: c.packed}
	c.packed = nil
	if r.sets(c); r.bad || len(r.rest) > 0 {
		*c = *newChunk()
	}
}

// of returns a label set's points, which are blind so far if it is new.
func (c *chunk) of(labels slo.Labels) *[chunkTicks]point {
	points := c.sets[labels]
	if points == nil {
		points = &[chunkTicks]point{}
		for i := range points {
			points[i] = blindPoint
		}
		c.sets[labels] = points
	}
	return points
}

// merge adds the ticks of another chunk of the same place that are missing.
func (c *chunk) merge(other *chunk) {
	news := uint64(0)
	for i := range c.have {
		news |= other.have[i] &^ c.have[i]
	}
	if news == 0 {
		return
	}
	c.unpack()
	other.unpack()
	for at := range chunkTicks {
		if !other.has(at) || c.has(at) {
			continue
		}
		c.mark(at)
		for labels, points := range other.sets {
			c.of(labels)[at] = points[at]
		}
	}
}

// point is a sample without its tick, in 24 bytes if it has only counts.
type point struct {
	slo.Counts
	more *slo.Sample // set if there is more to say; its tick is zero
}

var blindPoint = point{more: &slo.Sample{Blind: true}}

func pointOf(s slo.Sample) point {
	s.Tick = time.Time{}
	switch {
	case len(s.Late) > 0 || len(s.Caveats) > 0 || s.Excluded:
		return point{s.Counts, &s}
	case s.Blind:
		return blindPoint
	}
	return point{Counts: s.Counts}
}

// sample returns a copy that shares nothing with the cache.
func (p point) sample(tick time.Time) slo.Sample {
	if p.more == nil {
		return slo.Sample{Tick: tick, Counts: p.Counts}
	}
	s := *p.more
	s.Tick, s.Late, s.Caveats = tick, slices.Clone(s.Late), slices.Clone(s.Caveats)
	return s
}

// isSilent reports whether a point is no reason to name its label set in an answer.
func (p point) isSilent() bool { return p.more != nil && p.more.Blind && len(p.more.Caveats) == 0 }

// isWhole reports whether nothing was missing when the point was read: what is missing may come.
func (p point) isWhole() bool {
	return p.more == nil || !p.more.Blind && len(p.more.Late) == 0 && !p.more.Has(slo.NoData)
}
