package publish

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postburn/postburn/issue"
)

// The outcomes of writes.
const (
	outcomePosted      = "posted"       // it is there as it was sent
	outcomeFound       = "found"        // it was there already, as an answer was lost
	outcomeEdited      = "edited"       // left alone: a person has changed it
	outcomeGone        = "gone"         // it is out of reach, mostly as a person has removed it
	outcomeRefused     = "refused"      // the tracker did nothing
	outcomeRateLimited = "rate_limited" // the tracker did nothing, and named a time
	outcomeUnknown     = "unknown"      // no answer: it is looked for
)

type metrics struct {
	waiting     prometheus.Gauge
	writes      *prometheus.CounterVec
	noise       *prometheus.GaugeVec
	refused     prometheus.Counter
	followUps   *prometheus.GaugeVec
	oldestSince atomic.Int64 // nanoseconds since 1970; 0: nothing waits
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{}
	factory := promauto.With(reg)
	m.waiting = factory.NewGauge(prometheus.GaugeOpts{
		Name: "postburn_publications_waiting",
		Help: "Publications with something to be written that the tracker has not taken yet.",
	})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postburn_publication_oldest_wait_seconds",
		Help: "How long the publication has waited that waits longest; 0 where none does. It starts anew with the process.",
	}, func() float64 {
		if since := m.oldestSince.Load(); since != 0 {
			return time.Since(time.Unix(0, since)).Seconds()
		}
		return 0
	})
	m.writes = factory.NewCounterVec(prometheus.CounterOpts{
		Name: "postburn_publication_writes_total",
		Help: "Texts sent to the tracker, by stage and outcome.",
	}, []string{"stage", "outcome"})
	m.noise = factory.NewGaugeVec(prometheus.GaugeOpts{
		Name: "postburn_slo_noise_incidents",
		Help: "Incidents of the last 90 days whose issue was closed as not planned.",
	}, []string{"slo"})
	m.refused = factory.NewCounter(prometheus.CounterOpts{
		Name: "postburn_templates_refused_total",
		Help: "Texts of issues that are the built-in one because the objective's template could not be used.",
	})
	m.followUps = factory.NewGaugeVec(prometheus.GaugeOpts{
		Name: "postburn_follow_ups",
		Help: "Open follow-ups of the post-mortems of the last year, by service and how long they have been open.",
	}, []string{"service", "age"})
	for _, stage := range []issue.Stage{
		issue.Opening, issue.Progress, issue.Recovery, issue.Return, issue.Lint, issue.Sweep, issue.Reminder, issue.FollowUpIssue, issue.FollowUpLinks,
		issue.LabelsStage, issue.NestStage,
	} {
		for _, outcome := range []string{
			outcomePosted, outcomeFound, outcomeEdited, outcomeGone, outcomeRefused, outcomeRateLimited, outcomeUnknown,
		} {
			m.writes.WithLabelValues(string(stage), outcome)
		}
	}
	return m
}

func (m *metrics) count(stage issue.Stage, outcome string) {
	m.writes.WithLabelValues(string(stage), outcome).Inc()
}

// show sets how many wait, and since when the oldest does.
func (m *metrics) show(waiting map[string]time.Time) {
	var oldest time.Time
	for _, since := range waiting {
		if oldest.IsZero() || since.Before(oldest) {
			oldest = since
		}
	}
	m.waiting.Set(float64(len(waiting)))
	if oldest.IsZero() {
		m.oldestSince.Store(0)
		return
	}
	m.oldestSince.Store(oldest.UnixNano())
}
