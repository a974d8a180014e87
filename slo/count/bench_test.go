package count

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkCount counts a tick of 10,000 series with 22 samples each.
func BenchmarkCount(b *testing.B) {
	const series = 10_000
	shapes := []struct {
		name    string
		targets int
		value   func(s, i int) float64 // of a sample; negative: none
		up      bool
		renamed bool // all targets get a label at the tick
	}{
		{"one target", 1, func(s, i int) float64 { return float64(1000 + s*i) }, true, false},
		{"one target that restarts", 1, func(s, i int) float64 { return float64((1000 + s*i) % (900 + 20*s)) }, true, false},
		{"one target, all series are back", 1, func(s, i int) float64 {
			if i > 3+s%10 && i < 20 {
				return -1
			}
			return float64(1000 + s*i)
		}, true, false},
		{"5000 targets", 5000, func(s, i int) float64 { return float64(1000 + s*i) }, true, false},
		{"5000 targets get a label", 5000, func(s, i int) float64 { return float64(1000 + s*i) }, true, true},
		{"5000 idle targets with a first error", 5000, func(s, i int) float64 {
			if s >= series/2 && i < 21 {
				return -1
			}
			return 5
		}, true, false},
		{"no up", 5000, func(s, i int) float64 { return float64(1000 + s*i) }, false, false},
		{"no up, one scrape", 1, func(s, i int) float64 { return float64(1000 + s*i) }, false, false},
	}
	for _, shape := range shapes {
		w := World{Tick: noon.Add(30 * time.Second), Interval: 30 * time.Second}
		add := func(to *[]Series, name string, labels map[string]string, target int, value func(i int) float64) {
			parts := [2]Series{{Name: name, Labels: labels}, {Name: name, Labels: map[string]string{"team": "x"}}}
			for l, v := range labels {
				parts[1].Labels[l] = v
			}
			for i := range 22 {
				at := noon.Add(25*time.Second-time.Duration(21-i)*15*time.Second).UnixMilli() + int64(target)
				n := 0
				if shape.renamed && i >= 20 {
					n = 1
				}
				if v := value(i); v >= 0 {
					parts[n].Samples = append(parts[n].Samples, Sample{at, v})
				}
			}
			for _, p := range parts {
				if len(p.Samples) > 0 {
					*to = append(*to, p)
				}
			}
		}
		for s := range series {
			n := s % shape.targets
			labels := map[string]string{"job": "a", "instance": fmt.Sprint(n), "code": fmt.Sprint(s / shape.targets)}
			add(&w.Counters, "all", labels, n, func(i int) float64 { return shape.value(s, i) })
		}
		for n := range shape.targets {
			if shape.up {
				add(&w.Up, "up", map[string]string{"job": "a", "instance": fmt.Sprint(n)}, n, func(int) float64 { return 1 })
			}
		}
		b.Run(shape.name, func(b *testing.B) {
			for b.Loop() {
				w.Count()
			}
		})
	}
}
