package slo

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/internal/seed"
)

// exact is a number of 1/1024 events as math/big has it.
func exact(events float64) *big.Int {
	n, _ := new(big.Float).SetMantExp(big.NewFloat(events), 10).Int(nil)
	return n
}

func TestUnitsAgreeWithMathBig(t *testing.T) {
	rnd := rand.New(rand.NewPCG(seed.Of(t), 0))
	random := func() float64 {
		return Quantize(math.Ldexp(rnd.Float64()-0.5, rnd.IntN(110)-12))
	}
	for range 100_000 {
		a, b := random(), random()
		for name, op := range map[string]struct {
			got  units
			want *big.Int
		}{
			"a":     {unitsOf(a), exact(a)},
			"a + b": {unitsOf(a).add(unitsOf(b)), new(big.Int).Add(exact(a), exact(b))},
			"a - b": {unitsOf(a).sub(unitsOf(b)), new(big.Int).Sub(exact(a), exact(b))},
		} {
			want, _ := new(big.Float).SetInt(op.want).Float64()
			if want *= quantum; math.Abs(op.got.events()-want) > math.Abs(want)*0x1p-52 {
				t.Fatalf("%s of %v and %v: %v, want %v", name, a, b, op.got.events(), want)
			}
			r := reader{b: op.got.appendSigned(nil)}
			if back := r.signed(); back != op.got || r.bad || len(r.b) > 0 {
				t.Fatalf("%s of %v and %v: %v is read back as %v", name, a, b, op.got, back)
			}
			if n := op.want; n.IsInt64() {
				if diff := diffBytes(binary.AppendVarint(nil, n.Int64()), op.got.appendSigned(nil)); diff != "" {
					t.Fatalf("%v (-binary.AppendVarint +appendSigned):\n%s", n, diff)
				}
			}
			if less := op.got.less(unitsOf(b)); less != (op.want.Cmp(exact(b)) < 0) {
				t.Fatalf("%v less than %v: %v", op.want, b, less)
			}
		}
	}
}

func TestLongVarintsAreCorrupt(t *testing.T) {
	for _, last := range []byte{4, 0x80} {
		b := make([]byte, 19)
		for i := range b {
			b[i] = 0x80
		}
		b[18] = last
		r := reader{b: append(b, 0, 0)}
		if u := r.unsigned(); !r.bad {
			t.Errorf("19 bytes with %#x at the end are read as %v", last, u)
		}
	}
}

// ledger is what a history is checked against: every tick's events as math/big has them.
type ledger struct {
	total, bad []*big.Int // cumulative: of the first i ticks
}

func newLedger() *ledger {
	return &ledger{[]*big.Int{new(big.Int)}, []*big.Int{new(big.Int)}}
}

func (l *ledger) add(c Counts) {
	n := len(l.total) - 1
	l.total = append(l.total, new(big.Int).Add(l.total[n], exact(c.Total)))
	l.bad = append(l.bad, new(big.Int).Add(l.bad[n], exact(c.Bad)))
}

// late adds whole shares of events to the last ticks.
func (l *ledger) late(ticks int, each Counts) {
	for i, n := 1, len(l.total)-1; i <= ticks; i++ {
		for k := n - ticks + i; k <= n; k++ {
			l.total[k].Add(l.total[k], exact(each.Total))
			l.bad[k].Add(l.bad[k], exact(each.Bad))
		}
	}
}

func (l *ledger) between(from, to int) Counts {
	sub := func(sums []*big.Int) float64 {
		f, _ := new(big.Float).SetInt(new(big.Int).Sub(sums[to], sums[from])).Float64()
		return f * quantum
	}
	return Counts{sub(l.total), sub(l.bad)}
}

// TestHistoryOfAnyCounts adds counts of any size and sign, and compares every window that begins
// at a bucket.
func TestHistoryOfAnyCounts(t *testing.T) {
	inFlight := 0.0
	for name, next := range map[string]func(rnd *rand.Rand, n int) Counts{
		"in flight": func(rnd *rand.Rand, n int) Counts {
			before := inFlight
			inFlight = float64(rnd.IntN(5000))
			return Counts{Total: 6000, Bad: inFlight - before + float64(rnd.IntN(2))}
		},
		"good for ever ahead": func(rnd *rand.Rand, _ int) Counts { return Counts{Total: 1000, Bad: -float64(rnd.IntN(1000))} },
		"12e9 a second":       func(rnd *rand.Rand, _ int) Counts { return Counts{Total: 3.6e11 + 7, Bad: float64(rnd.IntN(1000)) / 8} },
		"huge in flight": func(_ *rand.Rand, n int) Counts {
			return Counts{Total: 3.6e11 + 0.5, Bad: 2e11 * float64(1-n%2*2)}
		},
		"one huge swing": func(_ *rand.Rand, n int) Counts {
			return map[int]Counts{2000: {Total: 1, Bad: 1e20}, 3001: {Total: 1, Bad: -1e20}}[n]
		},
		"any size": func(rnd *rand.Rand, _ int) Counts {
			c := Counts{Quantize(math.Ldexp(rnd.Float64(), rnd.IntN(60))), 0}
			c.Bad = Quantize((rnd.Float64() - 0.3) * c.Total)
			return c
		},
		"the most": func(_ *rand.Rand, _ int) Counts { return Counts{mostEvents, -mostEvents} },
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed.Of(t), 0))
			begin := time.Unix(0, 0).Add(500_000 * 110 * tick).UTC() // the start of a bucket of each length
			h, l := NewHistory(tick, begin, 3*24*time.Hour, 20*24*time.Hour), newLedger()
			for n := range 12_000 {
				s := Sample{Counts: next(rnd, n)}
				l.add(s.Counts)
				if n > 1000 && rnd.IntN(500) == 0 {
					ticks := 1 << rnd.IntN(9) // shares of powers of 2 are exact
					each := Counts{float64(rnd.IntN(100)), float64(rnd.IntN(200) - 100)}
					from, to := begin.Add(time.Duration(n+1-ticks)*tick), begin.Add(time.Duration(n+1)*tick)
					s.Late = []Late{{From: from, To: to, Counts: Counts{each.Total * float64(ticks), each.Bad * float64(ticks)}}}
					l.late(ticks, each)
				}
				s.Normalize()
				b := AppendSample(nil, s)
				if back, _, err := ReadSample(b, s.Tick); err != nil || back.Counts != s.Counts {
					t.Fatalf("tick %d: %v is read back as %v, %v", n, s.Counts, back.Counts, err)
				}
				h.Add(s)
				if n%211 != 0 {
					continue
				}
				if rnd.IntN(5) == 0 {
					h, _ = reencoded(t, h)
				}
				if rnd.IntN(5) == 0 {
					h = h.Resized(3*24*time.Hour, 20*24*time.Hour)
				}
				checkBuckets(t, h, l, begin)
			}
		})
	}
}

// checkBuckets compares all sums from a bucket's start to now, and within the buckets that are
// kept one by one.
func checkBuckets(t *testing.T, h *History, l *ledger, begin time.Time) {
	t.Helper()
	now := len(l.total) - 1
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-15*math.Abs(want) }
	check := func(from, to int) {
		got := h.Between(begin.Add(time.Duration(from)*tick), begin.Add(time.Duration(to)*tick))
		if want := l.between(from, to); !near(got.Total, want.Total) || !near(got.Bad, want.Bad) {
			t.Fatalf("tick %d: ticks %d to %d have %v, want %v", now, from, to, got, want)
		}
	}
	for from := now; from >= 0; from-- {
		if ago := now - from; ago <= 720 || ago < 8000 && from%10 == 0 || from%110 == 0 {
			check(from, now)
			if ago > 0 && ago < 720 {
				check(from, from+1)
			}
		}
	}
}

// TestHistoryRemembersFalls lets bad events fall and then rise by as many as a level's usual width
// can just tell: the lowest point is then further below the sum than the oldest one is.
func TestHistoryRemembersFalls(t *testing.T) {
	begin := time.Unix(0, 0).Add(500_000 * 110 * tick).UTC()
	again := map[string]func(*History) *History{
		"as it is": func(h *History) *History { return h },
		"read back": func(h *History) *History {
			h, _ = reencoded(t, h)
			return h
		},
		"resized": func(h *History) *History { return h.Resized(3*24*time.Hour, 20*24*time.Hour) },
	}
	for name, again := range again {
		for _, late := range []float64{0, -5e7} {
			t.Run(fmt.Sprint(name, ", late ", late), func(t *testing.T) {
				h, l := NewHistory(tick, begin, 3*24*time.Hour, 20*24*time.Hour), newLedger()
				for n := range 700 {
					s := Sample{Counts: Counts{Total: 3e6, Bad: 2e6}}
					switch n {
					case 1:
						s.Bad = -6e7
					case 8:
						s.Bad = 6e7
					}
					l.add(s.Counts)
					if n == 9 {
						s.Late = []Late{{From: begin.Add(2 * tick), To: begin.Add(10 * tick), Counts: Counts{Bad: late}}}
						l.late(8, Counts{Bad: late / 8})
					}
					if h.Add(s); n == 20 {
						h = again(h)
					}
					checkBuckets(t, h, l, begin)
				}
			})
		}
	}
}

// TestHistoryOfBytes counts as many events as the fastest counters of bytes or nanoseconds do in a
// quarter, read tick by tick, and in the steps for reading the past.
func TestHistoryOfBytes(t *testing.T) {
	const perSecond, days = 12e9, 90
	for name, step := range map[string]int64{"ticks": 1, "steps of 5 minutes": 10, "steps of 4 hours": 480} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory(tick, start, 3*24*time.Hour, days*24*time.Hour)
			each := Counts{Total: perSecond*30 + 7, Bad: 3}
			for n := int64(0); n < days*2880; n += step {
				h.AddLong(Sample{Counts: Counts{each.Total * float64(step), each.Bad * float64(step)}}, step)
			}
			h, _ = reencoded(t, h)
			for _, length := range []time.Duration{tick, 5 * time.Minute, time.Hour, 6 * time.Hour, 3 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour} {
				n := float64(length / tick)
				got, want := h.Last(length), Counts{each.Total * n, each.Bad * n}
				if math.Abs(got.Total-want.Total) > 1e-12*want.Total || math.Abs(got.Bad-want.Bad) > 1e-12*want.Bad {
					t.Errorf("the last %s: %v, want %v", length, got, want)
				}
			}
			size := 0
			for _, l := range h.levels {
				size += len(l.points)
			}
			if size > 40<<10 {
				t.Errorf("its levels take %d bytes", size)
			}
		})
	}
}

// TestOldEncodings reads what was written before counts were signed or above 2^53, and writes the
// same.
func TestOldEncodings(t *testing.T) {
	at := start.Add(tick)
	for encoded, want := range map[string]Sample{
		"\x00\x00\x00":                      {Tick: at},
		"\x01":                              {Tick: at, Blind: true},
		"\x00\x80\xa0\x94\xa5\x8d\x1d\xb9`": {Tick: at, Counts: Counts{1e12, 12345}},
		"\x06\x80T\x80\x02":                 {Tick: at, Counts: Counts{10.5, 0.25}, Excluded: true},
		"\x00\x80\x80\x80\x80\x80\x80\x02\x80\x80\x80\x80\x80\x80\x01": {Tick: at, Counts: Counts{1 << 43, 1 << 42}},
		"\t/{\"caveats\":[{\"kind\":\"query_failed\",\"count\":1}]}":   {Tick: at, Blind: true, Caveats: []Caveat{{Kind: QueryFailed, Count: 1}}},
		"\b\n\x01\x98\x01" + `{"late":[{"from":"2026-03-02T00:00:00Z","to":"2026-03-02T00:00:30Z","total":5,"bad":5,"excluded":true}],` +
			`"caveats":[{"kind":"dip","count":2,"events":7}]}`: {
			Tick: at, Counts: Counts{10, 1}, Late: []Late{{From: start, To: at, Counts: Counts{5, 5}, Excluded: true}},
			Caveats: []Caveat{{Kind: Dip, Count: 2, Events: 7}},
		},
	} {
		got, rest, err := ReadSample([]byte(encoded), at)
		if diff := cmp.Diff(want, got); diff != "" || len(rest) > 0 || err != nil {
			t.Errorf("%q: %d bytes left, %v (-want +got):\n%s", encoded, len(rest), err, diff)
		}
		if diff := cmp.Diff(encoded, string(AppendSample(nil, want))); diff != "" {
			t.Errorf("%+v (-old +new):\n%s", want, diff)
		}
	}
	old, err := os.ReadFile("testdata/history-v2.bin")
	if err != nil {
		t.Fatal(err)
	}
	h := &History{}
	if err := h.UnmarshalBinary(old); err != nil {
		t.Fatal(err)
	}
	for length, want := range map[time.Duration]Counts{
		5 * time.Minute:               {1265, 20},
		7 * time.Hour:                 {104610, 1680},
		11*time.Hour + 17*time.Minute: {1.000168505e+09, 3.0000271e+08},
		30 * time.Hour:                {1.000436448962963e+09, 3.000070815925926e+08},
		35 * time.Hour:                {1.0004884292501085e+09, 3.000078861253255e+08},
		240 * time.Hour:               {6.983412035858311e+09, 3.0000789625e+08},
	} {
		if got := h.Last(length); got != want {
			t.Errorf("the last %s: %v, want %v", length, got, want)
		}
	}
	if b, _ := h.AppendBinary(nil); string(b) != string(old) {
		t.Error("the history is written in other bytes")
	}
}

func TestCut(t *testing.T) {
	for in, want := range map[Counts]Counts{{10, 3}: {10, 3}, {10, -3}: {10, 0}, {10, 12}: {10, 10}} {
		if got := in.Cut(); got != want {
			t.Errorf("%v is cut to %v, want %v", in, got, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	s := Sample{Counts: Counts{math.NaN(), -2.3}, Late: []Late{{Counts: Counts{-1, 7}}, {Counts: Counts{3, math.Inf(-1)}}}}
	s.Normalize()
	want := Sample{Counts: Counts{0, -2355.0 / 1024}, Late: []Late{{Counts: Counts{0, 7}}, {Counts: Counts{3, 0}}}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
