package slo

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// units is a number of 1/1024 events, as a 128-bit integer in two's complement. The history adds up
// in these: any count that Quantize returns is a whole number of units, so sums are exact in any
// order, and so are differences of sums, even far beyond 2^53. (A float64 holds no more than that,
// and 12e9 events a second reach it within nine days.)
type units struct {
	hi int64
	lo uint64
}

// unitsOf returns a count in units. The count must be a multiple of 1/1024 and below 2^117.
func unitsOf(events float64) units {
	n := math.Abs(events) / quantum // exact: only the exponent changes
	hi := math.Floor(n * 0x1p-64)
	u := units{int64(hi), uint64(n - hi*0x1p64)}
	if events < 0 {
		return units{}.sub(u)
	}
	return u
}

// events returns the count as a float64: exact if a float64 can hold it, else to within one part in
// 2^52.
func (u units) events() float64 {
	if u.hi < 0 {
		return 0 - units{}.sub(u).events()
	}
	return (float64(u.hi)*0x1p64 + float64(u.lo)) * quantum
}

func (u units) add(v units) units {
	lo, carry := bits.Add64(u.lo, v.lo, 0)
	hi, _ := bits.Add64(uint64(u.hi), uint64(v.hi), carry)
	return units{int64(hi), lo}
}

func (u units) sub(v units) units {
	lo, borrow := bits.Sub64(u.lo, v.lo, 0)
	hi, _ := bits.Sub64(uint64(u.hi), uint64(v.hi), borrow)
	return units{int64(hi), lo}
}

// less reports whether u is below v.
func (u units) less(v units) bool { return u.hi < v.hi || u.hi == v.hi && u.lo < v.lo }

// isSmall reports whether a float64 holds the number, and sums of a few like it, exactly.
func (u units) isSmall() bool { return u.hi == 0 && u.lo < 1<<52 || u.hi == -1 && -u.lo <= 1<<52 }

// appendUnsigned appends a number that is not negative as a varint of up to 19 bytes: the bytes of
// binary.AppendUvarint for any uint64.
func (u units) appendUnsigned(b []byte) []byte {
	for u.hi != 0 {
		b = append(b, byte(u.lo)|0x80)
		u.lo, u.hi = u.lo>>7|uint64(u.hi)<<57, int64(uint64(u.hi)>>7)
	}
	return binary.AppendUvarint(b, u.lo)
}

// appendSigned appends any number: the bytes of binary.AppendVarint for any int64.
func (u units) appendSigned(b []byte) []byte {
	sign := u.hi >> 63
	return units{(u.hi<<1 | int64(u.lo>>63)) ^ sign, u.lo<<1 ^ uint64(sign)}.appendUnsigned(b)
}

// unsigned reads what appendUnsigned wrote.
func (r *reader) unsigned() (u units) {
	for i, c := range r.b {
		if shift := 7 * i; shift < 64 {
			u.lo |= uint64(c&0x7f) << shift
			u.hi |= int64(uint64(c&0x7f) >> (64 - shift))
		} else {
			u.hi |= int64(uint64(c&0x7f) << (shift - 64))
		}
		if i == 18 && c > 3 {
			break // more than 128 bits
		}
		if c < 0x80 {
			r.b = r.b[i+1:]
			return u
		}
	}
	r.bad, r.b = true, nil
	return units{}
}

// signed reads what appendSigned wrote.
func (r *reader) signed() units {
	u := r.unsigned()
	sign := -int64(u.lo & 1)
	return units{int64(uint64(u.hi)>>1) ^ sign, (u.lo>>1 | uint64(u.hi)<<63) ^ uint64(sign)}
}

// sums is Counts in units, for the totals of a history.
type sums struct{ total, bad units }

func sumsOf(c Counts) sums { return sums{unitsOf(c.Total), unitsOf(c.Bad)} }

// quantized returns counts in units, rounded.
func quantized(c Counts) sums { return sumsOf(Counts{Quantize(c.Total), Quantize(c.Bad)}) }

func (s sums) counts() Counts { return Counts{s.total.events(), s.bad.events()} }

func (s sums) add(o sums) sums { return sums{s.total.add(o.total), s.bad.add(o.bad)} }

func (s sums) sub(o sums) sums { return sums{s.total.sub(o.total), s.bad.sub(o.bad)} }

func (s sums) isSmall() bool { return s.total.isSmall() && s.bad.isSmall() }

func (s sums) append(b []byte) []byte { return s.bad.appendSigned(s.total.appendSigned(b)) }

func (r *reader) sums() sums { return sums{r.signed(), r.signed()} }
