package prom

import "github.com/prometheus/client_golang/prometheus"

// The reasons of failures, one for each of slo's Err values.
const (
	reasonUnreachable = "unreachable"
	reasonBadAnswer   = "bad_answer"
	reasonRefused     = "refused"
	reasonIncomplete  = "incomplete"
	reasonClock       = "clock"
)

type metrics struct {
	queries  prometheus.Counter
	failures *prometheus.CounterVec
	duration prometheus.Histogram
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		queries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_prometheus_queries_total",
			Help: "Queries sent to Prometheus.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postburn_prometheus_query_failures_total",
			Help: "Queries that Prometheus did not answer as it should, by reason.",
		}, []string{"reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "postburn_prometheus_query_duration_seconds",
			Help:    "How long queries to Prometheus took, failed ones included.",
			Buckets: []float64{0.005, 0.02, 0.1, 0.5, 2, 10, 60},
		}),
	}
	for _, r := range []string{reasonUnreachable, reasonBadAnswer, reasonRefused, reasonIncomplete, reasonClock} {
		m.failures.WithLabelValues(r)
	}
	if registerer != nil {
		registerer.MustRegister(m.queries, m.failures, m.duration)
	}
	return m
}
