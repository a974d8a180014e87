package lease

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	held, replicas prometheus.Gauge
	failures       prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_leases_held", Help: "Leases that this replica holds: one for each of its lanes, and one for publishing.",
		}),
		replicas: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_replicas", Help: "Replicas that share the store, as far as this one knows.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_lease_renewals_failed_total", Help: "Requests to renew the leases that failed and are made again.",
		}),
	}
	if r != nil {
		r.MustRegister(m.held, m.replicas, m.failures)
	}
	return m
}
