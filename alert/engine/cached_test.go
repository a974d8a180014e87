package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/samplecache"
)

// TestCachedReplay replays random pasts, then with other targets, windows and rules, each with
// samples that earlier ones have read and without: what is found is the same, byte for byte. What
// was replayed once asks for nothing again; and nothing else does if every tick was read.
func TestCachedReplay(t *testing.T) {
	t.Parallel()
	seed := *pastSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	found, less := 0, 0
	rounds := max(1, *pastRounds/6)
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		h, of := randomPast(rnd, 30*time.Minute)
		for h.interval < 30*time.Second { // a month would have too many ticks
			h, of = randomPast(rnd, 30*time.Minute)
		}
		dir := t.TempDir()
		open := func() *samplecache.Cache {
			return samplecache.New(samplecache.Options{Dir: dir, Source: anyTime(h), Now: of.span.End.Add(12 * time.Hour)})
		}
		every := samplecache.New(samplecache.Options{Dir: t.TempDir(), Source: anyTime(h), Now: of.span.End, EveryTick: true})
		middle := slo.Floor(of.span.Start.Add(of.span.End.Sub(of.span.Start)/2), h.interval)
		replay := func(source samplecache.Source, def alert.Definition) string {
			r, err := Replay(t.Context(), Source(source), []alert.Definition{def}, h.interval, middle, of.span.End, nil)
			if err != nil {
				t.Fatal(err)
			}
			found += len(r.Incidents)
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		var furthest time.Duration // back before the start: what is further back has to be read
		for n := range 4 {
			def := of.def
			if n > 0 {
				def = otherwise(rnd, def)
			}
			clear(h.asked)
			want := replay(anyTime(h), def)
			all := h.asked[h.interval]
			begun := alignedPast(def, h.interval, middle.Add(-max(def.Warmup(), def.Objective.Window.Longest())))
			asked, back := every.Asked(), middle.Sub(begun)
			if diff := cmp.Diff(want, replay(every.Read, def)); diff != "" || back <= furthest && every.Asked() > asked {
				t.Fatalf("-past-seed %d, round %d, change %d, every tick: asked for %d more (-want +got):\n%s", seed, round, n, every.Asked()-asked, diff)
			}
			furthest = max(furthest, back)
			cache := open()
			if diff := cmp.Diff(want, replay(cache.Read, def)); diff != "" {
				t.Fatalf("-past-seed %d, round %d, change %d (-want +got):\n%s", seed, round, n, diff)
			}
			if n > 0 && cache.Asked() < all {
				less++
			}
			if err := cache.Close(); err != nil {
				t.Fatal(err)
			}
			again := open()
			if diff := cmp.Diff(want, replay(again.Read, def)); diff != "" || again.Asked() > 0 {
				t.Fatalf("-past-seed %d, round %d, change %d, again: asked for %d ticks (-want +got):\n%s", seed, round, n, again.Asked(), diff)
			}
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 1 {
			t.Errorf("files %v", files)
		} else if info, err := os.Stat(files[0]); err == nil {
			t.Logf("round %d: %d bytes for %v", round, info.Size(), of.span.End.Sub(of.span.Start))
		}
	}
	if t.Logf("%d incidents, %d replays asked for less", found, less); found < rounds || less < rounds {
		t.Error("the pasts test too little")
	}
}

// anyTime is a source that may be asked for times before it begins: there is no data.
func anyTime(h *held) samplecache.Source {
	return func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		before := 0
		for before < ticks.Len() && ticks.At(before).Add(-ticks.Interval).Before(h.start) {
			before++
		}
		later := ticks
		later.First = ticks.At(before)
		readings := h.read(ctx, objectives, later)
		for i, s := range readings[0].Series {
			blind := ticks
			blind.Last = ticks.At(before - 1)
			readings[0].Series[i].Samples = append(blindSamples(blind), s.Samples...)
		}
		h.asked[ticks.Interval] += before
		return readings
	}
}

// otherwise changes what counts as an incident, and nothing that is measured.
func otherwise(rnd *rand.Rand, def alert.Definition) alert.Definition {
	switch rnd.IntN(4) {
	case 0, 1:
		def.Objective.Target = slo.MustDecimal([]string{"0.8", "0.95", "0.98", "0.997", "0.9995", "0.9999"}[rnd.IntN(6)])
	case 2:
		days := time.Duration(1 + rnd.IntN(20))
		def.Objective.Window = slo.Window{Rolling: days * 24 * time.Hour}
	default:
		long := time.Duration(1+rnd.IntN(60)) * 12 * time.Minute
		def.Policy.Rules = []alert.Rule{{Rate: slo.MustDecimal([]string{"2", "5", "10"}[rnd.IntN(3)]), Long: long, Short: long / 12}}
		def.Policy.MinBadEvents = float64(rnd.IntN(20))
	}
	return def
}

// BenchmarkCachedReplay replays 30 days of objectives of which every tick is kept, with another
// target. Every other one has four outages, as in `make bench`, and all a request in 10,000 that
// fails. With the tighter target the budgets of those with outages are overspent.
func BenchmarkCachedReplay(b *testing.B) {
	const days = 63
	end := time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)
	start := end.Add(-30 * 24 * time.Hour)
	outage := func(from, length time.Duration) slo.Span {
		return slo.Span{Start: start.Add(from), End: start.Add(from + length)}
	}
	kinds := []*held{
		steady(end.Add(-days*24*time.Hour), days*2880, map[slo.Span]float64{
			outage(50*time.Hour, 10*time.Minute):  0.5,
			outage(211*time.Hour, 4*time.Minute):  1,
			outage(400*time.Hour, 2*time.Hour):    0.02,
			outage(620*time.Hour, 40*time.Minute): 0.1,
		}),
		steady(end.Add(-days*24*time.Hour), days*2880, nil),
	}
	for n, h := range kinds {
		rnd := rand.New(rand.NewPCG(1, uint64(n)))
		sums, noise := h.sets[""].sums, slo.Counts{}
		for i := range sums {
			noise.Total += float64(rnd.IntN(100))
			noise.Bad += float64(rnd.IntN(10) / 9)
			sums[i] = sums[i].Add(noise)
		}
	}
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkCachedReplay(b, kinds, n, start, end) })
	}
}

// benchmarkCachedReplay replays n objectives of these kinds.
func benchmarkCachedReplay(b *testing.B, kinds []*held, n int, start, end time.Time) {
	var defs []alert.Definition
	kindOf := map[string]Source{} // by the objective's counter
	for i := range n {
		def := pastDefinition(fmt.Sprintf("checkout-%d", i))
		def.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: fmt.Sprintf("r%d", i) + `{code=~"5.."}`, Total: fmt.Sprintf("r%d", i)}}
		defs, kindOf[def.Objective.Indicator.Ratio.Total] = append(defs, def), Source(anyTime(kinds[i%len(kinds)]))
	}
	var one sync.Mutex
	source := func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
		one.Lock()
		defer one.Unlock()
		return kindOf[objectives[0].Indicator.Ratio.Total](ctx, objectives, ticks)
	}
	o := samplecache.Options{Dir: b.TempDir(), Source: source, Now: end.Add(12 * time.Hour), EveryTick: true}
	replay := func(target string) int {
		for i := range defs {
			defs[i].Objective.Target = slo.MustDecimal(target)
		}
		cache := samplecache.New(o)
		if _, err := Replay(b.Context(), Source(cache.Read), defs, 30*time.Second, start, end, nil); err != nil {
			b.Fatal(err)
		}
		if err := cache.Close(); err != nil {
			b.Fatal(err)
		}
		return cache.Asked()
	}
	replay("99.9%")
	for _, target := range []string{"99.5%", "99.95%"} {
		b.Run(target, func(b *testing.B) {
			var before, after syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			for b.Loop() {
				if asked := replay(target); asked > 0 {
					b.Fatalf("asked for %d ticks", asked)
				}
			}
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
			cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
		})
	}
}
