package samplecache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

const tick = 30 * time.Second

var (
	zero    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	grouped = slo.Objective{Name: "checkout", Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "b", Total: "t"}}, GroupBy: []string{"pod"}}
	whole   = slo.Objective{Name: "checkout", Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "b", Total: "t"}}}
)

func ticksFrom(first, n int) slo.Ticks {
	return slo.Ticks{First: zero.Add(time.Duration(first) * tick), Last: zero.Add(time.Duration(first+n-1) * tick), Interval: tick}
}

// server makes up samples that depend on nothing but the objective and the tick.
type server struct {
	mu    sync.Mutex
	asked []int // how many ticks, by request
	err   error
}

func (s *server) read(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, ticks.Len())
	if s.err != nil {
		return []slo.Reading{{Err: s.err}}
	}
	o := objectives[0]
	sets := []slo.Labels{""}
	if len(o.GroupBy) > 0 {
		sets = []slo.Labels{`{pod="a"}`, `{pod="b"}`, `{pod="c"}`}
	}
	var r slo.Reading
	for n, labels := range sets {
		series, there := slo.Series{Labels: labels}, len(o.GroupBy) == 0
		for i := range ticks.Len() {
			sample := makeStep(ticks, i, uint64(n))
			there = there || !sample.Blind || len(sample.Caveats) > 0
			series.Samples = append(series.Samples, sample)
		}
		if there {
			r.Series = append(r.Series, series)
		}
	}
	return []slo.Reading{r}
}

// makeStep makes the sample of a step: of one tick, or the sum of several.
func makeStep(ticks slo.Ticks, i int, n uint64) slo.Sample {
	if ticks.Each == 0 {
		return makeSample(ticks.At(i), n)
	}
	sum, missing, planned := slo.Sample{Tick: ticks.At(i)}, 0, true
	for at := ticks.At(i).Add(ticks.Each - ticks.Interval); !at.After(ticks.At(i)); at = at.Add(ticks.Each) {
		s := makeSample(at, n)
		if s.Blind {
			missing++
		}
		sum.Counts, planned = sum.Counts.Add(s.Counts), planned && s.Excluded
		sum.Late, sum.Caveats = append(sum.Late, s.Late...), slo.MergeCaveats(sum.Caveats, s.Caveats)
	}
	sum.Excluded = planned
	if sum.Blind = missing == int(ticks.Interval/ticks.Each); missing > 0 && !sum.Blind {
		sum.Caveats = slo.MergeCaveats(sum.Caveats, []slo.Caveat{{Kind: slo.NoData, Count: missing}})
	}
	return sum
}

// makeSample makes a sample of any kind.
func makeSample(at time.Time, n uint64) slo.Sample {
	rnd := rand.New(rand.NewPCG(uint64(at.UnixNano()), n))
	s := slo.Sample{Tick: at}
	switch kind := rnd.IntN(12); {
	case n == 2 && at.Before(zero.Add(400*tick)) || kind == 0:
		s.Blind = true
	case kind == 1:
		s.Counts = slo.Counts{Total: 1.5 + float64(rnd.IntN(1000))/1024, Bad: 0.25}
	case kind == 2:
		s.Counts = slo.Counts{Total: 0x1p80, Bad: -3}
	case kind == 3:
		s.Counts = slo.Counts{Total: 10, Bad: 1}
		s.Late = []slo.Late{{From: at.Add(-time.Hour), To: at, Counts: slo.Counts{Total: 7, Bad: 2}, Excluded: true}}
		s.Caveats = []slo.Caveat{{Kind: slo.LongGap, Count: 1, Events: 7}}
	case kind == 4:
		s.Blind, s.Caveats = true, []slo.Caveat{{Kind: slo.NotANumber, Count: 1}}
	case kind == 5:
		s.Counts, s.Excluded = slo.Counts{Total: 5}, true
	default:
		s.Counts = slo.Counts{Total: float64(rnd.IntN(100_000)), Bad: float64(rnd.IntN(3))}
	}
	return s
}

func readOne(t *testing.T, source Source, o slo.Objective, ticks slo.Ticks) slo.Reading {
	t.Helper()
	return source(t.Context(), []slo.Objective{o}, ticks)[0]
}

// diffReadings is cmp.Diff, which takes long for what is equal, as nearly all readings are.
func diffReadings(want, got slo.Reading) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// TestRead reads random stretches of several grids, in new caches and in one that goes on: the
// answers are the source's.
func TestRead(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s, dir := &server{}, t.TempDir()
	open := func() *Cache {
		c := New(Options{Dir: dir, Source: s.read, Now: zero.Add(30 * 24 * time.Hour)})
		c.most = 20 * chunkTicks // so that much is forgotten
		return c
	}
	c, known := open(), 0
	for n := range 300 {
		o := []slo.Objective{whole, grouped}[rnd.IntN(2)]
		ticks := ticksFrom(rnd.IntN(2000), 1+rnd.IntN(300))
		if rnd.IntN(3) == 0 {
			ticks = slo.Ticks{First: zero.Add(time.Duration(rnd.IntN(200)) * 10 * tick), Interval: 10 * tick, Each: tick}
			ticks.Last = ticks.First.Add(time.Duration(rnd.IntN(100)) * ticks.Interval)
		}
		s.asked = nil
		got := readOne(t, c.Read, o, ticks)
		if len(s.asked) == 0 {
			known++
		}
		if diff := diffReadings(readOne(t, s.read, o, ticks), got); diff != "" {
			t.Fatalf("seed %d, %d: (-want +got):\n%s", seed, n, diff)
		}
		if rnd.IntN(10) == 0 {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			c = open()
		}
	}
	if known < 10 {
		t.Errorf("only %d answers were known", known)
	}
}

// TestKept says what the next process has to ask for again.
func TestKept(t *testing.T) {
	now := zero.Add(24 * time.Hour)
	for _, tc := range []struct {
		name   string
		origin string
		then   slo.Objective
		ticks  slo.Ticks
		want   []int
	}{
		{"the same", "", whole, ticksFrom(0, 100), nil},
		{"another name and target", "", slo.Objective{Name: "cart", Target: slo.MustDecimal("99%"), Indicator: whole.Indicator}, ticksFrom(0, 100), nil},
		{"some more", "", whole, ticksFrom(90, 20), []int{10}},
		{"more before and after", "", whole, ticksFrom(-10, 120), []int{10, 10}},
		{"another server", "other", whole, ticksFrom(0, 100), []int{100}},
		{"another indicator", "", slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "b2", Total: "t"}}}, ticksFrom(0, 100), []int{100}},
		{"another group_by", "", grouped, ticksFrom(0, 100), []int{100}},
		{"other planned work", "", slo.Objective{Indicator: whole.Indicator, Exclude: "x == 1"}, ticksFrom(0, 100), []int{100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, dir := &server{}, t.TempDir()
			c := New(Options{Dir: dir, Source: s.read, Now: now})
			readOne(t, c.Read, whole, ticksFrom(0, 100))
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			s.asked = nil
			readOne(t, New(Options{Dir: dir, Source: s.read, Now: now, Origin: func(string) (string, bool) { return tc.origin, true }}).Read, tc.then, tc.ticks)
			if diff := cmp.Diff(tc.want, s.asked); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSourcesApart has objectives of two sources keep their samples apart, and one with another
// server's on disk only if its origin is stable.
func TestSourcesApart(t *testing.T) {
	s, dir := &server{}, t.TempDir()
	of := func(source string) slo.Objective { o := whole; o.Source = source; return o }
	open := func() *Cache {
		return New(Options{Dir: dir, Source: s.read, Now: zero.Add(24 * time.Hour), Origin: func(source string) (string, bool) { return "server of " + source, source != "forwarded" }})
	}
	ticks := ticksFrom(0, 100)
	for n, want := range [][]int{{100, 100, 100}, {100}} {
		c := open()
		s.asked = nil
		for range 2 {
			for _, source := range []string{"", "payments", "forwarded"} {
				readOne(t, c.Read, of(source), ticks)
			}
		}
		if diff := cmp.Diff(want, s.asked); diff != "" {
			t.Errorf("process %d asked for (-want +got):\n%s", n+1, diff)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryTick reads steps, tick by tick: then steps of any other length ask for nothing, and
// those that reach beyond what is known ask only for what is missing.
func TestEveryTick(t *testing.T) {
	s, dir := &server{}, t.TempDir()
	steps := func(first, n, length int) slo.Ticks {
		all := slo.Ticks{First: zero.Add(time.Duration(first*length) * tick), Interval: time.Duration(length) * tick, Each: tick}
		all.Last = all.First.Add(time.Duration(n-1) * all.Interval)
		return all
	}
	o := Options{Dir: dir, Source: s.read, Now: zero.Add(30 * 24 * time.Hour), EveryTick: true}
	c := New(o)
	readOne(t, c.Read, grouped, steps(1, 300, 10))
	if diff := cmp.Diff([]int{1000, 1000, 1000}, s.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	o.EveryTick = false
	for _, tc := range []struct {
		name  string
		ticks slo.Ticks
		want  []int
	}{
		{"the same steps", steps(1, 300, 10), nil},
		{"longer ones", steps(1, 100, 30), nil},
		{"single ticks", ticksFrom(500, 900), nil},
		{"steps that begin earlier and end later", steps(-3, 320, 10), []int{4, 16}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.asked = nil
			got := readOne(t, New(o).Read, grouped, tc.ticks)
			if diff := cmp.Diff(tc.want, s.asked); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
			if diff := diffReadings(readOne(t, s.read, grouped, tc.ticks), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFinal reads ticks that ended a little before now: the next process asks for those that may
// change.
func TestFinal(t *testing.T) {
	plain := func(_ context.Context, _ []slo.Objective, ticks slo.Ticks) []slo.Reading {
		s := slo.Series{}
		for i := range ticks.Len() {
			s.Samples = append(s.Samples, slo.Sample{Tick: ticks.At(i), Counts: slo.Counts{Total: 1}})
		}
		return []slo.Reading{{Series: []slo.Series{s}}}
	}
	blind := func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		r := plain(ctx, objectives, ticks)
		for i := range r[0].Series[0].Samples {
			r[0].Series[0].Samples[i] = slo.Sample{Tick: ticks.At(i), Blind: true}
		}
		return r
	}
	late := func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		r := plain(ctx, objectives, ticks)
		for i := range r[0].Series[0].Samples {
			r[0].Series[0].Samples[i].Late = []slo.Late{{From: ticks.At(i).Add(-time.Hour), To: ticks.At(i)}}
		}
		return r
	}
	for _, tc := range []struct {
		name   string
		source Source
		ago    time.Duration
		kept   bool
	}{
		{"two hours ago", plain, 2 * time.Hour, true},
		{"half an hour ago", plain, 30 * time.Minute, false},
		{"without data, two hours ago", blind, 2 * time.Hour, false},
		{"without data, seven hours ago", blind, 7 * time.Hour, true},
		{"after a gap, two hours ago", late, 2 * time.Hour, false},
		{"after a gap, seven hours ago", late, 7 * time.Hour, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, ticks := t.TempDir(), ticksFrom(0, 1)
			o := Options{Dir: dir, Source: tc.source, Now: ticks.Last.Add(tc.ago)}
			c := New(o)
			readOne(t, c.Read, whole, ticks)
			if readOne(t, c.Read, whole, ticks); c.Asked() != 1 {
				t.Errorf("this process asked for it %d times", c.Asked())
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			next := New(o)
			if readOne(t, next.Read, whole, ticks); (next.Asked() == 0) != tc.kept {
				t.Errorf("the next one asked for %d", next.Asked())
			}
		})
	}
}

// TestEvict fills a folder beyond its limit: what was used last stays.
func TestEvict(t *testing.T) {
	s, dir := &server{}, t.TempDir()
	now := time.Now()
	objective := func(i int) slo.Objective {
		return slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "b", Total: fmt.Sprintf("t%d", i)}}}
	}
	ticks := slo.Ticks{First: slo.Floor(now.Add(-48*time.Hour), tick), Interval: tick}
	ticks.Last = ticks.First.Add(100 * tick)
	o := Options{Dir: dir, Source: s.read, Now: now}
	for i := range 10 {
		c := New(o)
		readOne(t, c.Read, objective(i), ticks)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		age := now.Add(time.Duration(i-20) * time.Hour)
		if err := os.Chtimes(c.files.path(c.keyOf(objective(i))), age, age); err != nil {
			t.Fatal(err)
		}
	}
	abandoned := filepath.Join(dir, "samples-1.tmp")
	if err := os.WriteFile(abandoned, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(abandoned, now.Add(-2*time.Hour), now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "README")
	if err := os.WriteFile(other, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(New(o).files.path(New(o).keyOf(objective(0))))
	if err != nil {
		t.Fatal(err)
	}
	o.Limit = 4 * info.Size()
	c := New(o)
	readOne(t, c.Read, objective(0), ticks) // the oldest, used again
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	left, size := 0, int64(0)
	for i := range 10 {
		if info, err := os.Stat(c.files.path(c.keyOf(objective(i)))); err == nil {
			left, size = left+1, size+info.Size()
		} else if i == 0 || i == 9 {
			t.Errorf("what was used last is gone: %d", i)
		}
	}
	if size > o.Limit || left < 2 {
		t.Errorf("%d files of %d bytes are left, at most %d", left, size, o.Limit)
	}
	if _, err := os.Stat(abandoned); !errors.Is(err, os.ErrNotExist) {
		t.Error("an abandoned file stays")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("somebody else's file is gone")
	}
}

// TestShared has many processes read and write one entry at a time: none gets anything wrong.
func TestShared(t *testing.T) {
	s, dir := &server{}, t.TempDir()
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for round := range 10 {
				c := New(Options{Dir: dir, Source: s.read, Now: zero.Add(24 * time.Hour)})
				ticks := ticksFrom(100*n+20*round, 150)
				got := c.Read(context.Background(), []slo.Objective{grouped}, ticks)[0]
				if diff := diffReadings(s.read(context.Background(), []slo.Objective{grouped}, ticks)[0], got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestMerged has two processes begin with nothing and end one after the other: the next one knows
// what both have read.
func TestMerged(t *testing.T) {
	s, dir := &server{}, t.TempDir()
	o := Options{Dir: dir, Source: s.read, Now: zero.Add(24 * time.Hour)}
	first, second := New(o), New(o)
	readOne(t, first.Read, whole, ticksFrom(0, 100))
	readOne(t, second.Read, whole, ticksFrom(200, 100))
	for _, c := range []*Cache{first, second} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	third := New(o)
	readOne(t, third.Read, whole, ticksFrom(0, 100))
	if readOne(t, third.Read, whole, ticksFrom(200, 100)); third.Asked() != 0 {
		t.Errorf("asked for %d ticks", third.Asked())
	}
}

// TestPassed lists what goes through to the source, and is not kept.
func TestPassed(t *testing.T) {
	planned := grouped
	planned.Exclude = "maintenance == 1"
	shifted := ticksFrom(0, 10)
	shifted.First, shifted.Last = shifted.First.Add(time.Second), shifted.Last.Add(time.Second)
	refused := fmt.Errorf("%w: bad_data", slo.ErrRefused)
	for _, tc := range []struct {
		name  string
		o     slo.Objective
		ticks slo.Ticks
		err   error
		want  error
	}{
		{"work planned by label set", planned, ticksFrom(0, 10), nil, nil},
		{"another grid", whole, shifted, nil, nil},
		{"an error", whole, ticksFrom(0, 10), refused, slo.ErrRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &server{err: tc.err}
			c := New(Options{Dir: t.TempDir(), Source: s.read, Now: zero.Add(24 * time.Hour)})
			for range 2 {
				if r := readOne(t, c.Read, tc.o, tc.ticks); !errors.Is(r.Err, tc.want) {
					t.Errorf("got %v, want %v", r.Err, tc.want)
				}
			}
			if len(s.asked) != 2 {
				t.Errorf("asked %d times", len(s.asked))
			}
		})
	}
}

// TestUnwritable has no folder: that is said once, and no sample is wrong.
func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{}
	c := New(Options{Dir: filepath.Join(file, "samples"), Source: s.read, Now: zero.Add(24 * time.Hour)})
	if diff := cmp.Diff(readOne(t, s.read, whole, ticksFrom(0, 10)), readOne(t, c.Read, whole, ticksFrom(0, 10))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := c.Close(); err == nil {
		t.Error("no error")
	}
}
