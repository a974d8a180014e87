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
				Backfill bool `json:"backfill"` // by an older version: the time is read again now
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

// size reads a number of things, at most `limit`.
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
