package lease

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	replicas prometheus.Gauge
	failures prometheus.Counter
}

func newMetrics(r prometheus.Registerer, held func() int) *metrics {
	m := &metrics{
		replicas: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_replicas", Help: "Replicas that share the store, as far as this one knows.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_lease_renewals_failed_total", Help: "Requests to renew the leases that failed and are made again.",
		}),
	}
	if r != nil {
		r.MustRegister(m.replicas, m.failures, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "postburn_leases_held", Help: "Leases that this replica holds for sure: one for each of its lanes, and one for publishing.",
		}, func() float64 { return float64(held()) }))
	}
	return m
}
