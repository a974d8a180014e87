package daemon

import (
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo/prom"
)

// Evidence is the collector that looks around an incident in Prometheus. `newest` is the newest
// tick that is final.
func Evidence(sources *prom.Sources, interval time.Duration, newest func() time.Time, settings func(string) issue.Settings) issue.Collector {
	return evidence.New(evidence.Options{
		Open:     func(source string, queries int) evidence.Prometheus { return sources.Of(source).Bounded(queries) },
		Interval: interval, Newest: newest, Settings: settings,
	})
}
