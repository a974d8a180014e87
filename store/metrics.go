package store

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	dropped  prometheus.Counter
	failures prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_incidents_dropped_total", Help: "Incidents that were dropped because they ended longer ago than POSTBURN_RETENTION.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_incident_drops_failed_total", Help: "Runs that could not drop old incidents and are made again.",
		}),
	}
	if r != nil {
		r.MustRegister(m.dropped, m.failures)
	}
	return m
}

type watchMetrics struct {
	healthy  prometheus.Gauge
	errors   *prometheus.CounterVec
	restored prometheus.Counter
}

func newWatchMetrics(r prometheus.Registerer) *watchMetrics {
	m := &watchMetrics{
		healthy: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_store_healthy", Help: "Whether the store is where it was, can be written and is not damaged.",
		}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postburn_store_errors_total", Help: "Times that something was found wrong with the store, every few seconds while it is, by problem.",
		}, []string{"problem"}),
		restored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "postburn_store_restored_total", Help: "Times that the store's file had been removed and was put back with all that was committed.",
		}),
	}
	m.healthy.Set(1)
	for _, p := range problems() {
		m.errors.WithLabelValues(string(p))
	}
	if r != nil {
		r.MustRegister(m.healthy, m.errors, m.restored)
	}
	return m
}
