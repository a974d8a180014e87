package slo

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const tick = 30 * time.Second

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// raw is what a history is checked against: every tick's events, late ones spread into theirs.
type raw struct {
	counts []Counts
	blind  []bool
}

func (r *raw) sum(from, to int) (c Counts) {
	for i := max(0, from); i < to; i++ {
		c = c.Add(r.counts[i])
	}
	return c
}

// last sums the last `length` ticks, the oldest bucket of `bucket` ticks prorated, and time before
// the origin at the mean rate.
func (r *raw) last(length, bucket int) Counts {
	now, origin := len(r.counts), 0
	for origin < now && r.blind[origin] {
		origin++
	}
	from := max(origin, now-length)
	lower, upper := max(origin, from/bucket*bucket), min(now, from/bucket*bucket+bucket)
	c := r.sum(from, now)
	if from > origin && upper > lower {
		part, whole := float64(upper-from)/float64(upper-lower), r.sum(lower, upper)
		rest := r.sum(upper, now)
		c = Counts{rest.Total + whole.Total*part, rest.Bad + whole.Bad*part}
	}
	seen := 0
	for _, b := range r.blind[origin:] {
		if !b {
			seen++
		}
	}
	if missing := length - (now - origin); missing > 0 && seen > 0 {
		c.Total += c.Total * float64(missing) / float64(seen)
	}
	return c
}

func TestHistoryAgreesWithRawEvents(t *testing.T) {
	for _, most := range []struct{ total, bad int }{ // events a tick: a level has no room for the sum of many of the larger numbers
		{1000, 1000}, {1_000_000, 1_000_000}, {500_000_000, 500_000_000}, {500_000_000, 10},
	} {
		t.Run(fmt.Sprint(most), func(t *testing.T) { testHistory(t, most.total, most.bad) })
	}
}

func testHistory(t *testing.T, mostTotal, mostBad int) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	h := NewHistory(tick, start, 3*24*time.Hour, 4*24*time.Hour)
	r := &raw{}
	for n := range 12_000 {
		s := Sample{Counts: Counts{Total: float64(rnd.IntN(mostTotal))}}
		s.Bad = float64(rnd.IntN(min(int(s.Total), mostBad) + 1))
		if n < 7 || n%997 < 40 {
			s = Sample{Blind: true}
		}
		r.counts, r.blind = append(r.counts, s.Counts), append(r.blind, s.Blind)
		if n > 3000 && rnd.IntN(700) == 0 { // whole ticks and whole events, so that each tick's share is exact
			ticks := 1 + rnd.IntN(600)
			late := Late{From: start.Add(time.Duration(n-ticks) * tick), To: start.Add(time.Duration(n) * tick), Counts: Counts{float64(8 * ticks), float64(ticks)}}
			s.Late = append(s.Late, late)
			for i := n - ticks; i < n; i++ {
				r.counts[i] = r.counts[i].Add(Counts{8, 1})
			}
		}
		h.Add(s)
		if n%37 != 0 {
			continue
		}
		if rnd.IntN(10) == 0 {
			var size int
			if h, size = reencoded(t, h); size > 16<<10 && mostTotal == 1000 {
				t.Errorf("a history takes %d bytes", size)
			}
		}
		for _, w := range []struct {
			length time.Duration
			bucket int // in ticks
		}{{5 * time.Minute, 1}, {time.Hour, 1}, {6 * time.Hour, 1}, {12 * time.Hour, 10}, {3 * 24 * time.Hour, 10}, {4 * 24 * time.Hour, 30}, {30 * 24 * time.Hour, 30}} {
			got, want := h.Last(w.length), r.last(int(w.length/tick), w.bucket)
			if math.Abs(got.Total-want.Total) > 0.1 || math.Abs(got.Bad-want.Bad) > 0.1 {
				t.Fatalf("tick %d: last %s are %v, want %v", n, w.length, got, want)
			}
		}
	}
}

// reencoded returns a history written and read back, and the bytes that it took.
func reencoded(t *testing.T, h *History) (*History, int) {
	t.Helper()
	b, err := h.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	back := &History{}
	if err := back.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	// What lies before the origin or has left the ring is not kept, so the copy is compared by what
	// it writes.
	again, _ := back.AppendBinary(nil)
	if diff := diffBytes(b, again); diff != "" {
		t.Fatalf("a history read back is another:\n%s", diff)
	}
	return back, len(b)
}

// diffBytes is cmp.Diff, which takes long for what is equal.
func diffBytes(want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

func TestHistoryTakesAtMost24KiB(t *testing.T) {
	h := NewHistory(tick, start, 3*24*time.Hour, 90*24*time.Hour)
	size := 0
	for _, l := range h.levels {
		size += len(l.points)
	}
	if size > 24<<10 {
		t.Errorf("its levels take %d bytes", size)
	}
	for range 5000 { // more than there is room for, but not in the six hours of the first level
		h.Add(Sample{Counts: Counts{Total: 100_000_000}})
	}
	if h.levels[0].width != usual || h.levels[1].width.total == usual.total {
		t.Error("another level than that of three days takes more")
	}
}

// TestHistoryOfHugeSamples adds as many events at once as a level has no room for.
func TestHistoryOfHugeSamples(t *testing.T) {
	huge := Counts{Total: 1e12, Bad: 1e10}
	for name, s := range map[string]Sample{
		"now":  {Counts: huge},
		"late": {Late: []Late{{From: start.Add(8 * tick), To: start.Add(9 * tick), Counts: huge}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory(tick, start, 3*24*time.Hour, 30*24*time.Hour)
			for range 10 {
				h.Add(Sample{Counts: Counts{Total: 100, Bad: 1}})
			}
			h.Add(s)
			if got, want := h.Cumulative(start.Add(5*tick)), (Counts{500, 5}); got != want {
				t.Errorf("before: %v, want %v", got, want)
			}
			if got, want := h.Counted(13*tick), (Counts{1000, 10}).Add(huge); got != want {
				t.Errorf("all: %v, want %v", got, want)
			}
		})
	}
}

func TestHistoryStepAllocatesNothing(t *testing.T) {
	h := NewHistory(tick, start, 3*24*time.Hour, 30*24*time.Hour)
	s := Sample{Counts: Counts{Total: 1000, Bad: 1}}
	if n := testing.AllocsPerRun(1000, func() { h.Add(s); h.Last(time.Hour) }); n > 0 {
		t.Errorf("%v allocations a tick", n)
	}
}

func TestLastActive(t *testing.T) {
	h := NewHistory(tick, start, 3*24*time.Hour, 30*24*time.Hour)
	add := func(n int, s Sample) {
		for range n {
			h.Add(s)
		}
	}
	add(10, Sample{Counts: Counts{Total: 100, Bad: 100}})
	add(3, Sample{Counts: Counts{Total: 100}})
	add(50, Sample{})
	add(20, Sample{Blind: true})
	add(2, Sample{Counts: Counts{Total: 100}})
	for _, tc := range []struct {
		name   string
		ticks  int
		since  int
		want   Counts
		enough bool
	}{
		{"before the silence", 5, 0, Counts{500, 0}, true},
		{"into the errors", 6, 0, Counts{600, 100}, true},
		{"all there is", 15, 0, Counts{1500, 1000}, true},
		{"more than there is", 16, 0, Counts{1500, 1000}, false},
		{"all since the errors", 5, 10, Counts{500, 0}, true},
		{"more than since the errors", 6, 10, Counts{500, 0}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, enough := h.LastActive(time.Duration(tc.ticks)*tick, start.Add(time.Duration(tc.since)*tick))
			if got != tc.want || enough != tc.enough {
				t.Errorf("got %v, %v, want %v, %v", got, enough, tc.want, tc.enough)
			}
		})
	}
}

func TestSampleCodec(t *testing.T) {
	at := start.Add(tick)
	for name, s := range map[string]Sample{
		"nothing":        {Tick: at},
		"blind":          {Tick: at, Blind: true},
		"counts":         {Tick: at, Counts: Counts{1e12, 12345}},
		"parts":          {Tick: at, Counts: Counts{10.5, 0.25}, Excluded: true},
		"details":        {Tick: at, Counts: Counts{10, 1}, Late: []Late{{From: start, To: at, Counts: Counts{5, 5}, Excluded: true}}, Caveats: []Caveat{{Kind: Dip, Count: 2, Events: 7}}},
		"no count":       {Tick: at, Blind: true, Caveats: []Caveat{{Kind: QueryFailed, Count: 1}}},
		"signed":         {Tick: at, Counts: Counts{10, -3}, Late: []Late{{From: start, To: at, Counts: Counts{5, -5.5}}}},
		"parts below 0":  {Tick: at, Counts: Counts{1, -0.25}},
		"above":          {Tick: at, Counts: Counts{1, 2}},
		"huge":           {Tick: at, Counts: Counts{mostEvents, -mostEvents}},
		"huge and parts": {Tick: at, Counts: Counts{3.6e20, 0.5}},
	} {
		t.Run(name, func(t *testing.T) {
			b := AppendSample(nil, s)
			got, rest, err := ReadSample(append(b, 1, 2), at)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, got); diff != "" || len(rest) != 2 {
				t.Errorf("%d bytes left, (-written +read):\n%s", len(rest), diff)
			}
			for i := range b {
				if _, _, err := ReadSample(b[:i], at); err == nil {
					t.Errorf("%d of %d bytes are read without error", i, len(b))
				}
			}
		})
	}
}

func FuzzHistory(f *testing.F) {
	h := NewHistory(tick, start, time.Hour, 24*time.Hour)
	h.Add(Sample{Counts: Counts{Total: 5, Bad: 1}})
	b, _ := h.AppendBinary(nil)
	f.Add(b)
	h.Add(Sample{Counts: Counts{Total: 1e20, Bad: -1e19}})
	b, _ = h.AppendBinary(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var read, again History
		if read.UnmarshalBinary(b) != nil {
			return
		}
		written, err := read.AppendBinary(nil)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		if err := again.UnmarshalBinary(written); err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if twice, err := again.AppendBinary(nil); err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("written again it differs: %v\n%x\n%x", err, written, twice)
		}
	})
}

func TestDecimal(t *testing.T) {
	for _, tc := range []struct{ in, want, complement, percent string }{
		{"99.9%", "0.999", "0.001", "99.9 %"},
		{"0.999", "0.999", "0.001", "99.9 %"},
		{"99.95 %", "0.9995", "0.0005", "99.95 %"},
		{"0.50", "0.5", "0.5", "50 %"},
		{"1", "1", "0", "100 %"},
	} {
		d, err := ParseDecimal(tc.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]string{d.String(), d.Complement().String(), d.Percent()}; got != [3]string{tc.want, tc.complement, tc.percent} {
			t.Errorf("%s gives %v", tc.in, got)
		}
	}
	for _, in := range []string{"", "-1", "1e3", "99,9", "0.12345678", "99.999999%", "1234567890", "%", "NaN"} {
		if d, err := ParseDecimal(in); err == nil {
			t.Errorf("%q is read as %s", in, d)
		}
	}
}

func TestThresholdIsExactAtEquality(t *testing.T) {
	threshold := NewThreshold(MustDecimal("14.4"), MustDecimal("0.999"))
	for bad := range 1000 {
		c := Counts{Total: 10_000 * float64(bad+1), Bad: 144 * float64(bad+1)}
		if threshold.Exceeded(c) {
			t.Fatalf("%v exceeds at equality", c)
		}
		if c.Bad += quantum; !threshold.Exceeded(c) {
			t.Fatalf("%v does not exceed", c)
		}
	}
}

func TestQuantize(t *testing.T) {
	for in, want := range map[float64]float64{math.NaN(): 0, math.Inf(1): 0, math.Inf(-1): 0, -3: -3, 2: 2, 1e17: 1e17, -1e-9: 0, 1.0 / 3: 341.0 / 1024} {
		if got := Quantize(in); got != want {
			t.Errorf("Quantize(%v) = %v, want %v", in, got, want)
		}
	}
}

// TestHistoryOfLongSamples adds several ticks together, and compares with a history that got each
// tick with its share.
func TestHistoryOfLongSamples(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	long, each := NewHistory(tick, start, 3*24*time.Hour, 4*24*time.Hour), NewHistory(tick, start, 3*24*time.Hour, 4*24*time.Hour)
	for n := range 2000 {
		ticks := []int64{1, 3, 10, 900}[rnd.IntN(4)]
		s := Sample{Counts: Counts{Total: float64(rnd.IntN(100)), Bad: float64(rnd.IntN(2))}, Blind: n < 3 || rnd.IntN(20) == 0}
		if n > 500 && n%50 == 0 { // before and into what is added
			s.Late = []Late{{From: long.Now().Add(-8 * tick), To: long.Now(), Counts: Counts{Total: 80, Bad: 8}}}
		}
		for i := range ticks {
			share := s
			if i > 0 {
				share.Late = nil
			}
			each.Add(share)
		}
		s.Total, s.Bad = s.Total*float64(ticks), s.Bad*float64(ticks)
		long.AddLong(s, ticks)
		for length := tick; length < 4*24*time.Hour; length += tick + length/10 {
			got, want := long.Last(length), each.Last(length) // a share is a whole number of 1/1024 events
			if math.Abs(got.Total-want.Total) > 0.01 || math.Abs(got.Bad-want.Bad) > 0.01 {
				t.Fatalf("sample %d, of %d ticks: the last %s are %v, want %v", n, ticks, length, got, want)
			}
		}
	}
	if diff := cmp.Diff(each.Blind(), long.Blind()); diff != "" {
		t.Errorf("blind (-each +long):\n%s", diff)
	}
}
