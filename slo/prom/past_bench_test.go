package prom_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// BenchmarkPast reads ten days of an objective of 40 series in steps of 5 minutes, as a replay
// does, and beside it the parts of its query, and a query that does no more than read each sample
// once: nothing that looks at all samples costs less.
func BenchmarkPast(b *testing.B) {
	const days = 10
	server := promtest.Start(b)
	for i := range 20 {
		for c, code := range []string{"200", "500"} {
			set := map[string]string{"__name__": "http_requests_total", "job": "shop", "instance": fmt.Sprint(i), "code": code}
			var samples []promtest.Sample
			for n := range days * 24 * 240 {
				samples = append(samples, promtest.Sample{Labels: set, Time: zero.Add(time.Duration(n)*15*time.Second + time.Duration(i)*750*time.Millisecond), Value: float64(30 * n * (1 - c))})
			}
			if err := server.Append(samples...); err != nil {
				b.Fatal(err)
			}
		}
	}
	c := client(b, prom.Options{URL: server.URL()})
	all := slo.Ticks{First: zero.Add(10 * time.Minute), Last: zero.Add(days * 24 * time.Hour), Interval: 5 * time.Minute, Each: 30 * time.Second}
	ask := func(query string) func(*testing.B, slo.Ticks) {
		return func(b *testing.B, ticks slo.Ticks) {
			if _, err := c.Traces(b.Context(), query, ticks); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, way := range []struct {
		name string
		read func(*testing.B, slo.Ticks)
	}{
		{"objective", func(b *testing.B, ticks slo.Ticks) {
			o := slo.Objective{Name: "shop", Indicator: slo.Indicator{Ratio: &slo.Ratio{
				Bad: `http_requests_total{job="shop",code=~"5.."}`, Total: `http_requests_total{job="shop"}`,
			}}}
			if r := c.Read(b.Context(), []slo.Objective{o}, ticks)[0]; r.Err != nil || r.Series[0].Samples[0].Blind {
				b.Fatal(r)
			}
		}},
		{"differences", ask(`sum by (code) (idelta(((http_requests_total{job="shop"}) >= 0)[5m1ms:5m]))`)},
		{"falls", ask(`sum(resets(http_requests_total{job="shop"}[5m]))`)},
		{"each sample once", ask(`count(last_over_time(http_requests_total{job="shop"}[5m]))`)},
		{"nothing", ask(`vector(1)`)},
	} {
		b.Run(way.name, func(b *testing.B) {
			cpu := cpuTime(b)
			queries, samples := server.Asked()
			for b.Loop() {
				for n := 0; n < all.Len(); n += 1000 {
					some := all
					if some.First = all.At(n); all.Len() > n+1000 {
						some.Last = all.At(n + 999)
					}
					way.read(b, some)
				}
			}
			asked, read := server.Asked()
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/1e6, "cpu-ms")
			b.ReportMetric(float64(asked-queries)/float64(b.N), "queries")
			b.ReportMetric(float64(read-samples)/float64(b.N), "samples")
		})
	}
}
