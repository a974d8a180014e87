package daemon

import (
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo/prom"
)

// Evidence is the collector that looks around an incident in Prometheus. `newest` is the newest
// tick that is final.
func Evidence(client *prom.Client, interval time.Duration, newest func() time.Time, settings func(string) issue.Settings) issue.Collector {
	return evidence.New(evidence.Options{
		Open:     func(queries int) evidence.Prometheus { return client.Bounded(queries) },
		Interval: interval, Newest: newest, Settings: settings,
	})
}
