package prom_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// BenchmarkOddTicks reads the 40 ticks of a bad hour; in each, one of 40 pods starts anew: the raw
// samples of all 240 series of the objective are read once, and counted 40 times.
func BenchmarkOddTicks(b *testing.B) {
	server := promtest.Start(b)
	var samples []promtest.Sample
	add := func(at time.Time, v float64, labels ...string) {
		set := map[string]string{"job": "shop"}
		for i := 0; i < len(labels); i += 2 {
			set[labels[i]] = labels[i+1]
		}
		samples = append(samples, promtest.Sample{Labels: set, Time: at, Value: v})
	}
	for n := range 100 {
		at := zero.Add(time.Duration(n) * 15 * time.Second)
		for pod := range 40 {
			begun := (n-2*pod+80)/80*80 + 2*pod - 80
			instance := fmt.Sprint("pod-", pod)
			add(at, 1, "__name__", "up", "instance", instance)
			add(at, float64(zero.Unix())+15*float64(begun)-5, "__name__", "process_start_time_seconds", "instance", instance)
			for i, code := range []string{"200", "201", "302", "404", "500", "503"} {
				add(at, float64((n-begun)*(10+i)), "__name__", "http_requests_total", "instance", instance, "code", code,
					"method", "GET", "handler", "/api/v1/orders", "namespace", "shop", "cluster", "eu-1")
			}
		}
	}
	if err := server.Append(samples...); err != nil {
		b.Fatal(err)
	}
	o := []slo.Objective{{Name: "shop", Indicator: slo.Indicator{Ratio: &slo.Ratio{
		Bad: `http_requests_total{job="shop",code=~"5.."}`, Total: `http_requests_total{job="shop"}`,
	}}}}
	ticks := slo.Ticks{First: zero.Add(5 * time.Minute), Last: zero.Add(24*time.Minute + 30*time.Second), Interval: 30 * time.Second}
	c := client(b, prom.Options{URL: server.URL()})
	cpu := cpuTime(b)
	for b.Loop() {
		if r := c.Read(b.Context(), o, ticks)[0]; r.Err != nil || r.Series[0].Samples[20].Blind {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/40/1e6, "cpu-ms/tick")
}
