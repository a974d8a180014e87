package prom_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// BenchmarkBatch reads one tick of 100 objectives of 40 series each, in batches of different sizes:
// objectives that differ only in a label, and objectives that do not look alike.
func BenchmarkBatch(b *testing.B) {
	server := promtest.Start(b)
	var samples []promtest.Sample
	objectives := map[string][]slo.Objective{}
	for i := range 100 {
		job := fmt.Sprintf("shop-%d", i)
		for pod := range 8 {
			for _, code := range []string{"200", "201", "404", "500", "503"} {
				for n := range 8 {
					samples = append(samples, promtest.Sample{
						Labels: map[string]string{"__name__": "http_requests_total", "job": job, "instance": fmt.Sprint("pod-", pod), "code": code},
						Time:   zero.Add(time.Duration(n) * 15 * time.Second), Value: float64(n * 10),
					})
				}
			}
		}
		for kind, matcher := range map[string]string{"alike": fmt.Sprintf("job=%q", job), "unlike": fmt.Sprintf("job=~%q", job)} {
			objectives[kind] = append(objectives[kind], slo.Objective{Name: job, Indicator: slo.Indicator{Ratio: &slo.Ratio{
				Bad:   fmt.Sprintf(`http_requests_total{%s,code=~"5.."}`, matcher),
				Total: fmt.Sprintf(`http_requests_total{%s}`, matcher),
			}}})
		}
	}
	if err := server.Append(samples...); err != nil {
		b.Fatal(err)
	}
	at := zero.Add(90 * time.Second)
	for _, kind := range []string{"unlike", "alike"} {
		for _, n := range []int{1, 3, 10, 20, 50, 100} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				c := client(b, prom.Options{URL: server.URL()}).Batched(n)
				cpu := cpuTime(b)
				_, before := server.Asked()
				for b.Loop() {
					for _, r := range c.Read(b.Context(), objectives[kind], slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}) {
						if r.Err != nil {
							b.Fatal(r.Err)
						}
					}
				}
				_, after := server.Asked()
				each := float64(b.N * len(objectives[kind]))
				b.ReportMetric(float64(cpuTime(b)-cpu)/each/1e6, "cpu-ms/objective")
				b.ReportMetric(float64(after-before)/each/40, "samples/series")
			})
		}
	}
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
