package evidence

import (
	"context"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Prometheus answers a limited number of queries.
type Prometheus interface {
	// Read takes samples, as engine.Source does.
	Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading
	// Traces asks for the values of PromQL at all ticks.
	Traces(ctx context.Context, query string, ticks slo.Ticks) ([]slo.Trace, error)
	// Quantiles returns how long the events of a latency objective's label set took.
	Quantiles(ctx context.Context, o slo.Objective, set slo.Labels, ticks slo.Ticks, shares ...float64) ([]slo.Quantile, error)
	// Asked returns the number of queries so far.
	Asked() int
}

// Options are what a collector needs. All but Settings are required.
type Options struct {
	Open     func(source string, queries int) Prometheus // the named one, which answers at most that many
	Interval time.Duration                               // of the grid
	Newest   func() time.Time                            // the newest tick that is final
	// Settings returns those of an objective, by its name, with the queries of its SLO file;
	// nil: there are no such queries.
	Settings func(objective string) issue.Settings
}

// New returns a collector. It keeps nothing of one incident for the next.
func New(o Options) issue.Collector {
	return func(ctx context.Context, i alert.Incident) issue.Evidence {
		s := scope{incident: issue.Core(i), worst: issue.Headline(i), interval: o.Interval, newest: slo.Floor(o.Newest(), o.Interval)}
		return newCollector(o, s).collect(ctx)
	}
}
