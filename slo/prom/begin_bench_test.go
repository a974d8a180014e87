package prom_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// BenchmarkBegin reads the 50 ticks in which the series of very many label sets begin, each of a
// job of its own, as when Prometheus has just begun to scrape them.
func BenchmarkBegin(b *testing.B) {
	const services, instances = 1000, 20
	server := promtest.Start(b)
	for s := range services {
		var samples []promtest.Sample
		name := fmt.Sprintf("s%03d", s)
		for i := range instances {
			instance := fmt.Sprintf("i%02d", i)
			for c, code := range []string{"200", "500"} {
				set := map[string]string{"__name__": "http_requests_total", "job": name, "service": name, "instance": instance, "code": code}
				for n := range 40 {
					samples = append(samples, promtest.Sample{Labels: set, Time: zero.Add(time.Duration(n)*15*time.Second + time.Duration(i)*750*time.Millisecond), Value: float64(1000 + 10*n*(1-c))})
				}
			}
		}
		if err := server.Append(samples...); err != nil {
			b.Fatal(err)
		}
	}
	o := []slo.Objective{{Name: "all", GroupBy: []string{"service"}, Indicator: slo.Indicator{Ratio: &slo.Ratio{
		Bad: `http_requests_total{service=~"s.*",code=~"5.."}`, Total: `http_requests_total{service=~"s.*"}`,
	}}}}
	ticks := slo.Ticks{First: zero.Add(-25 * 5 * time.Second), Last: zero.Add(24 * 5 * time.Second), Interval: 5 * time.Second}
	c := client(b, prom.Options{URL: server.URL()})
	cpu := cpuTime(b)
	asked, read := server.Asked()
	for b.Loop() {
		if r := c.Read(b.Context(), o, ticks)[0]; r.Err != nil || len(r.Series) != services {
			b.Fatal(r.Err, len(r.Series))
		}
	}
	queries, samples := server.Asked()
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/1e9, "cpu-s")
	b.ReportMetric(float64(queries-asked)/float64(b.N), "queries")
	b.ReportMetric(float64(samples-read)/float64(b.N), "samples")
}
