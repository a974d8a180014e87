package engine_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

// BenchmarkLane folds ticks of 10,000 objectives. It reports the memory that an objective takes,
// and how large a batch is.
func BenchmarkLane(b *testing.B) {
	const n = 10_000
	defs := make([]alert.Definition, n)
	samples := make([]slo.Sample, n)
	for i := range defs {
		defs[i] = definition(fmt.Sprintf("objective-%05d", i))
		samples[i] = slo.Sample{Counts: slo.Counts{Total: 1000, Bad: float64(i % 2)}}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := engine.NewLane("00", interval, epoch)
	m.Redefine(defs, epoch)
	m.FillBlind()
	m.Step(samples) // with the roster
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes, state, history := 0, 0, 0
	for b.Loop() {
		batch, _ := m.Step(samples)
		bytes = len(batch.Samples)
		if c := batch.Checkpoint; c != nil {
			state, history = len(c.State), max(history, len(c.History))
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/objective")
	b.ReportMetric(float64(bytes)/n, "sampleB/objective")
	b.ReportMetric(float64(state)/n, "stateB/objective")
	b.ReportMetric(float64(history)/n, "historyB/objective")
}
