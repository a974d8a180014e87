package web

import "github.com/prometheus/client_golang/prometheus"

// metrics are the server's own.
type metrics struct {
	connections prometheus.Gauge
	evicted     prometheus.Counter
	rejected    prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_http_connections", Help: "Connections to the port of pages, API and metrics.",
		}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_http_connections_evicted_total", Help: "Connections without a request that were closed because there were too many.",
		}),
		rejected: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_http_requests_rejected_total", Help: "Requests that were answered with 503 because too many were under way.",
		}),
	}
	registerer.MustRegister(m.connections, m.evicted, m.rejected)
	return m
}
