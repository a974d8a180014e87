package slo

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// The versions that an encoded history begins with.
const (
	historyVersion = 2
	signedVersion  = 3 // bad events were below 0 in some tick, and the newest such tick follows the other numbers of ticks
)

// The most that an encoded history has.
const (
	maxLevels = 3
	maxPoints = 1 << 20 // of a level
)

// AppendBinary appends the encoding of all that the history holds. Counts are stored as differences
// from bucket to bucket.
func (h *History) AppendBinary(b []byte) ([]byte, error) {
	numbers := []int64{int64(h.Interval()), h.tick(h.Now()), h.tick(h.Origin()), h.seen}
	if h.negative == 0 {
		b = append(b, historyVersion)
	} else {
		b, numbers = append(b, signedVersion), append(numbers, h.negative)
	}
	for _, n := range numbers {
		b = binary.AppendVarint(b, n)
	}
	b = h.base.append(h.sum.append(b))
	b = binary.AppendUvarint(b, uint64(len(h.blind)))
	for _, s := range h.blind {
		b = binary.AppendVarint(b, s.Start.UnixNano())
		b = binary.AppendVarint(b, s.End.UnixNano())
	}
	return h.appendLevels(b), nil
}

func (p *points) appendLevels(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(p.levels)))
	for i := range p.levels {
		l := &p.levels[i]
		b = binary.AppendVarint(b, l.step)
		b = binary.AppendUvarint(b, uint64(l.len()))
		after := p.sum
		for n := p.now / l.step; n >= l.first(p.origin, p.now); n-- {
			before := l.at(n, p.sum)
			b = after.sub(before).append(b)
			after = before
		}
	}
	return b
}

// UnmarshalBinary reads what AppendBinary wrote.
func (h *History) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("reading a history: %w", ErrCorrupt)
	}
	if b[0] != historyVersion && b[0] != signedVersion {
		return fmt.Errorf("reading a history: %w: its version is %d, and this postburn knows versions %d and %d", ErrCorrupt, b[0], historyVersion, signedVersion)
	}
	r := reader{b: b[1:]}
	interval, now, origin := r.varint(), r.varint(), r.varint()
	*h = History{seen: r.varint()}
	if b[0] == signedVersion {
		h.negative = r.varint()
	}
	h.curve = curve{grid(interval), points{now: now, origin: origin, sum: r.sums(), base: r.sums()}}
	if r.bad || interval <= 0 || origin < 0 || now < origin || now > math.MaxInt64/interval {
		return fmt.Errorf("reading a history: %w", ErrCorrupt)
	}
	for n := r.size(maxBlind); n > 0; n-- {
		h.blind = append(h.blind, Span{time.Unix(0, r.varint()).UTC(), time.Unix(0, r.varint()).UTC()})
	}
	if h.readLevels(&r); r.bad || len(r.b) > 0 {
		return fmt.Errorf("reading a history: %w", ErrCorrupt)
	}
	return nil
}

// readLevels reads what appendLevels wrote.
func (p *points) readLevels(r *reader) {
	n := r.size(maxLevels)
	r.bad = r.bad || n == 0
	for ; n > 0; n-- {
		step, size := r.varint(), r.size(maxPoints)
		if r.bad || step <= 0 || size == 0 {
			r.bad = true
			return
		}
		p.levels = append(p.levels, newLevel(step, size))
		l := p.levels.coarsest()
		after := p.sum
		for i := p.now / step; i >= l.first(p.origin, p.now) && !r.bad; i-- {
			after = after.sub(r.sums())
			l.set(i, after, p.sum)
		}
	}
	p.findSwing()
}
