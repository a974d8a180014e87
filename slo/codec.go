package slo

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrCorrupt is wrapped by the errors of all decoders.
var ErrCorrupt = errors.New("corrupt encoding")

// The flags that an encoded sample begins with.
const (
	flagBlind    = 1 << iota // there was no data
	flagExcluded             // planned work
	flagParts                // counts are in 1/1024 events, not whole ones
	flagDetails              // late counts and caveats follow, as JSON with its length
	flagSigned               // the number of bad events is below 0
)

// details are what few samples have.
type details struct {
	Late    []Late   `json:"late,omitempty"`
	Caveats []Caveat `json:"caveats,omitempty"`
}

// AppendSample appends the encoding of a normalized sample, without its tick: three bytes for most.
func AppendSample(b []byte, s Sample) []byte {
	var flags byte
	if s.Blind {
		flags |= flagBlind
	}
	if s.Excluded {
		flags |= flagExcluded
	}
	total, bad := unitsOf(s.Total*quantum), unitsOf(s.Bad*quantum) // whole events
	if s.Total != math.Trunc(s.Total) || s.Bad != math.Trunc(s.Bad) {
		flags |= flagParts
		total, bad = unitsOf(s.Total), unitsOf(s.Bad)
	}
	if s.Bad < 0 {
		flags |= flagSigned
		bad = units{}.sub(bad)
	}
	if len(s.Late) > 0 || len(s.Caveats) > 0 {
		flags |= flagDetails
	}
	b = append(b, flags)
	if !s.Blind {
		b = bad.appendUnsigned(total.appendUnsigned(b))
	}
	if flags&flagDetails != 0 {
		text, err := json.Marshal(details{s.Late, s.Caveats})
		if err != nil {
			panic(err) // normalized counts are finite, so this always marshals
		}
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// ReadSample reads the sample that b begins with, and returns what follows it.
func ReadSample(b []byte, tick time.Time) (Sample, []byte, error) {
	s := Sample{Tick: tick}
	if len(b) == 0 {
		return s, nil, fmt.Errorf("reading a sample: %w", ErrCorrupt)
	}
	flags := b[0]
	r := reader{b: b[1:]}
	s.Blind, s.Excluded = flags&flagBlind != 0, flags&flagExcluded != 0
	if !s.Blind {
		s.Counts = sums{r.unsigned(), r.unsigned()}.counts()
		if flags&flagParts == 0 { // whole events
			s.Counts = Counts{s.Total / quantum, s.Bad / quantum}
		}
		if flags&flagSigned != 0 {
			s.Bad = -s.Bad
		}
	}
	if flags&flagDetails != 0 {
		var d struct {
			Late []struct {
				Late
				Backfill bool `json:"backfill"` // of an older version: of a time that is read again now
			} `json:"late"`
			Caveats []Caveat `json:"caveats"`
		}
		if err := json.Unmarshal(r.bytes(r.uvarint()), &d); err != nil {
			r.bad = true
		}
		s.Caveats = d.Caveats
		for _, l := range d.Late {
			if !l.Backfill {
				s.Late = append(s.Late, l.Late)
			}
		}
	}
	if r.bad {
		return s, nil, fmt.Errorf("reading a sample: %w", ErrCorrupt)
	}
	return s, r.b, nil
}

// The versions that an encoded history begins with.
const (
	historyVersion = 2
	signedVersion  = 3 // bad events were below 0 in some tick, and the newest such tick follows the other numbers of ticks
)

// AppendBinary appends the encoding of all that the history holds. Counts are stored as differences from bucket to bucket.
func (h *History) AppendBinary(b []byte) ([]byte, error) {
	numbers := []int64{int64(h.interval), h.now, h.origin, h.seen}
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
	b = binary.AppendUvarint(b, uint64(len(h.levels)))
	for i := range h.levels {
		l := &h.levels[i]
		b = binary.AppendVarint(b, l.step)
		b = binary.AppendUvarint(b, uint64(l.len()))
		after := h.sum
		for n := h.now / l.step; n >= l.first(h); n-- {
			before := l.at(n, h.sum)
			b = after.sub(before).append(b)
			after = before
		}
	}
	return b, nil
}

// UnmarshalBinary reads what AppendBinary wrote.
func (h *History) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != historyVersion && b[0] != signedVersion {
		return fmt.Errorf("reading a history: %w", ErrCorrupt)
	}
	r := reader{b: b[1:]}
	*h = History{interval: time.Duration(r.varint()), now: r.varint(), origin: r.varint(), seen: r.varint()}
	if b[0] == signedVersion {
		h.negative = r.varint()
	}
	h.sum, h.base = r.sums(), r.sums()
	if r.bad || h.interval <= 0 || h.origin < 0 || h.now < h.origin {
		return fmt.Errorf("reading a history: %w", ErrCorrupt)
	}
	for n := r.size(maxBlind); n > 0; n-- {
		h.blind = append(h.blind, Span{time.Unix(0, r.varint()).UTC(), time.Unix(0, r.varint()).UTC()})
	}
	for n := r.size(3); n > 0; n-- {
		step, points := r.varint(), r.size(1<<20)
		if r.bad || step <= 0 || points == 0 {
			return fmt.Errorf("reading a history: %w", ErrCorrupt)
		}
		h.levels = append(h.levels, newLevel(step, points))
		l := &h.levels[len(h.levels)-1]
		after := h.sum
		for i := h.now / step; i >= l.first(h) && !r.bad; i-- {
			after = after.sub(r.sums())
			l.set(i, after, h.sum)
		}
	}
	h.findFall()
	if r.bad || len(h.levels) == 0 || len(r.b) > 0 {
		return fmt.Errorf("reading a history: %w", ErrCorrupt)
	}
	return nil
}

// reader reads numbers off a byte slice until one is bad.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

// size reads a number of things of which there are at most `limit`.
func (r *reader) size(limit uint64) int {
	n := r.uvarint()
	if n > limit {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}
