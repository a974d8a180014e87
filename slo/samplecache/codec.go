package samplecache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/slo"
)

// format is the version of the files; others are not read. It is part of their names.
const format = 2

// An entry is written as its checksum and then, for each chunk: the grid, the number, which ticks
// are there, and the length of the rest of it: for each label set a point a tick that is there.
// Numbers are varints.
//
// Most points are two whole numbers. The low three bits of the first number tell what follows.
const (
	pointWhole = iota + 1 // the total; then the bad events
	pointBlind            // how many blind points follow one another
	pointFloat            // nothing; two floats follow
	pointMore             // how many bytes of JSON follow
)

var errDamaged = errors.New("the file is damaged")

// encode writes an entry.
func encode(e *entry) []byte {
	var b []byte
	for _, g := range slices.SortedFunc(maps.Keys(e.grids), compareGrids) {
		for _, number := range slices.Sorted(maps.Keys(e.grids[g])) {
			b = binary.AppendUvarint(b, uint64(g.interval))
			b = binary.AppendUvarint(b, uint64(g.each))
			b = binary.AppendUvarint(b, uint64(number))
			b = e.grids[g][number].append(b)
		}
	}
	return sealed(b)
}

// sealed puts the checksum before a body.
func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(sum[:], body...)
}

func compareGrids(a, b grid) int {
	return cmp.Or(cmp.Compare(a.interval, b.interval), cmp.Compare(a.each, b.each))
}

func (c *chunk) append(b []byte) []byte {
	for _, word := range c.have {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	packed := c.packed
	if packed == nil {
		packed = c.pack()
	}
	b = binary.AppendUvarint(b, uint64(len(packed)))
	return append(b, packed...)
}

// pack encodes the sets.
func (c *chunk) pack() (b []byte) {
	b = binary.AppendUvarint(b, uint64(len(c.sets)))
	for _, labels := range slices.Sorted(maps.Keys(c.sets)) {
		b = binary.AppendUvarint(b, uint64(len(labels)))
		b = append(b, labels...)
		blind := uint64(0)
		end := func() {
			if blind > 0 {
				b = binary.AppendUvarint(b, blind<<3|pointBlind)
				blind = 0
			}
		}
		for at, p := range c.sets[labels] {
			switch {
			case !c.has(at):
			case p.isPlainlyBlind():
				blind++
			default:
				end()
				b = p.append(b)
			}
		}
		end()
	}
	return b
}

func (p point) isPlainlyBlind() bool {
	return p.isSilent() && !p.more.Excluded && len(p.more.Late) == 0
}

func (p point) append(b []byte) []byte {
	switch {
	case p.more != nil:
		text, err := json.Marshal(p.more)
		if err != nil {
			panic(err) // plain data always marshals
		}
		b = binary.AppendUvarint(b, uint64(len(text))<<3|pointMore)
		return append(b, text...)
	case isInteger(p.Total) && p.Total >= 0 && isInteger(p.Bad):
		b = binary.AppendUvarint(b, uint64(p.Total)<<3|pointWhole)
		return binary.AppendVarint(b, int64(p.Bad))
	}
	b = binary.AppendUvarint(b, pointFloat)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Total))
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Bad))
}

// isInteger reports whether a count is a whole number that fits beside a mark.
func isInteger(x float64) bool { return x == math.Trunc(x) && math.Abs(x) < 1<<53 }

// decode reads an entry. It returns errDamaged if the bytes are not what encode wrote.
func decode(key string, b []byte) (*entry, error) {
	if len(b) < sha256.Size {
		return nil, errDamaged
	}
	if sum := sha256.Sum256(b[sha256.Size:]); !bytes.Equal(sum[:], b[:sha256.Size]) {
		return nil, errDamaged
	}
	e, r := newEntry(key), &reader{rest: b[sha256.Size:]}
	for len(r.rest) > 0 && !r.bad {
		g := grid{time.Duration(r.uvarint()), time.Duration(r.uvarint())}
		number := int64(r.uvarint())
		c := r.chunk()
		if r.bad || g.interval <= 0 {
			return nil, errDamaged
		}
		if e.grids[g] == nil {
			e.grids[g] = map[int64]*chunk{}
		}
		e.grids[g][number] = c
	}
	return e, nil
}

// reader reads what encode wrote until something is bad.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, n = true, 0
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) uint64() uint64 {
	b := r.bytes(8)
	if r.bad {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// chunk reads a chunk, which stays packed.
func (r *reader) chunk() *chunk {
	c := newChunk()
	for i := range c.have {
		c.have[i] = r.uint64()
	}
	if c.packed = r.bytes(r.uvarint()); len(c.packed) == 0 {
		r.bad = true // there is at least the number of sets
	}
	return c
}

// sets reads the sets of a chunk.
func (r *reader) sets(c *chunk) {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		points := c.of(slo.Labels(strings.Clone(string(r.bytes(r.uvarint())))))
		blind := uint64(0)
		for at := 0; at < chunkTicks && !r.bad; at++ {
			switch {
			case !c.has(at):
			case blind > 0:
				blind--
			default:
				points[at], blind = r.point()
			}
		}
	}
}

// point reads a point, and how many blind ones come after it.
func (r *reader) point() (p point, blind uint64) {
	mark := r.uvarint()
	switch v := mark >> 3; mark & 7 {
	case pointWhole:
		return point{Counts: slo.Counts{Total: float64(v), Bad: float64(r.varint())}}, 0
	case pointBlind:
		return blindPoint, max(1, v) - 1
	case pointFloat:
		return point{Counts: slo.Counts{Total: math.Float64frombits(r.uint64()), Bad: math.Float64frombits(r.uint64())}}, 0
	case pointMore:
		s := &slo.Sample{}
		if err := json.Unmarshal(r.bytes(v), s); err != nil {
			r.bad = true
		}
		return point{s.Counts, s}, 0
	}
	r.bad = true
	return point{}, 0
}
