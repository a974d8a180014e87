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
