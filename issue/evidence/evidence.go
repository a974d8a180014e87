// Package evidence looks around an incident in Prometheus: how the error ratio went, where the bad events are, whether the traffic was
// as usual, and what changed before and during it. Each thing that it finds says how it is known, and nothing is called a cause. It is
// bounded in queries and in time, and what it could not find out it names. docs/evidence.md says what is collected and by which
// measure. How it is put into words is package postmortem's business.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// What evidence of one incident costs at most, in queries: in all, and for each part of it.
const (
	maxQueries          = 50
	chartQueries        = 12
	changeQueries       = 6
	usualQueries        = 6
	contributorsQueries = 20
	maxObjectives       = 3 // whose contributors are looked for: the worst ones
)

// shareOfTime is how much of the time that is left a part may take.
const shareOfTime = 0.5

// Prometheus answers a number of queries.
type Prometheus interface {
	// Read takes samples, as alert.Source.
	Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading
	// Traces asks PromQL for its values at all ticks.
	Traces(ctx context.Context, query string, ticks slo.Ticks) ([]slo.Trace, error)
	// Asked is how many queries it was asked.
	Asked() int
}

// Options are what a collector works with. All are required.
type Options struct {
	Open     func(queries int) Prometheus // which answers at most that many
	Interval time.Duration                // of the grid
	Newest   func() time.Time             // the newest tick that is final
}

// New makes a collector. Its methods keep nothing of one incident for the next.
func New(o Options) issue.Collector {
	return func(ctx context.Context, i alert.Incident) issue.Evidence {
		c := &collector{Options: o, incident: i, worst: i.Worst(), newest: o.Newest().Truncate(o.Interval), left: maxQueries}
		c.collect(ctx)
		return c.found
	}
}

// collector is at work on one incident.
type collector struct {
	Options
	incident alert.Incident
	worst    alert.Window
	newest   time.Time
	left     int // queries
	found    issue.Evidence
}

// collect has the parts look one after the other, the worst breach first. A breach of kind budget is about weeks: the incidents that
// spent the budget tell of it.
func (c *collector) collect(ctx context.Context) {
	if c.worst.Kind == alert.Budget {
		return
	}
	c.part(ctx, chartQueries, "The course of the error ratio", c.chart)
	var series *seriesOf
	c.part(ctx, contributorsQueries, "Where the bad events are", func(ctx context.Context, p Prometheus) error {
		var err error
		if series, err = c.list(ctx, p, c.worst); err != nil {
			return err
		}
		return c.contributors(ctx, p, c.worst, series)
	})
	c.part(ctx, changeQueries, "What changed in Prometheus", func(ctx context.Context, p Prometheus) error {
		return c.changes(ctx, p, series)
	})
	c.part(ctx, usualQueries, "What is usual", func(ctx context.Context, p Prometheus) error { return c.usual(ctx, p, c.worst) })
	for _, w := range others(c.incident, c.worst) {
		c.part(ctx, contributorsQueries, "Where the bad events of "+w.ID().String()+" are", func(ctx context.Context, p Prometheus) error {
			series, err := c.list(ctx, p, w)
			if err != nil {
				return err
			}
			return c.contributors(ctx, p, w, series)
		})
	}
}

// others are the worst windows of the incident's other objectives.
func others(i alert.Incident, worst alert.Window) (windows []alert.Window) {
	seen := map[slo.ID]bool{worst.ID(): true}
	for rest := i; len(windows) < maxObjectives-1; {
		var left []alert.Window
		for _, w := range rest.Windows {
			if !seen[w.ID()] && w.Kind == alert.Burn {
				left = append(left, w)
			}
		}
		if len(left) == 0 {
			break
		}
		rest = alert.Incident{Windows: left}
		next := rest.Worst()
		seen[next.ID()] = true
		windows = append(windows, next)
	}
	return windows
}

// errNothing is why a part has nothing to say where that is no failure.
var errNothing = errors.New("nothing to be found")

// part runs a part of the collection within its share of the queries and of the time, and notes what became of it.
func (c *collector) part(ctx context.Context, queries int, what string, look func(context.Context, Prometheus) error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(float64(time.Until(deadline))*shareOfTime))
		defer cancel()
	}
	p := c.Open(min(queries, c.left))
	err := look(ctx, p)
	c.left = max(0, c.left-p.Asked())
	switch {
	case err == nil || errors.Is(err, errNothing):
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		c.found.Unresolved = append(c.found.Unresolved, what+" could not be found out: Prometheus took too long.")
	default:
		c.found.Unresolved = append(c.found.Unresolved, fmt.Sprintf("%s could not be found out: %v.", what, err))
	}
}

// until is the end of the last tick that is known to be a window's.
func until(w alert.Window) time.Time {
	if !w.IsOpen() {
		return w.Ended
	}
	if n := len(w.Phases); n > 0 {
		return w.Phases[n-1].End
	}
	return w.Detected
}

// read takes the samples of one label set of an objective.
func read(ctx context.Context, p Prometheus, w alert.Window, ticks slo.Ticks) ([]slo.Sample, error) {
	reading := p.Read(ctx, []slo.Objective{w.Objective}, ticks)[0]
	if reading.Err != nil {
		return nil, reading.Err
	}
	for _, s := range reading.Series {
		if s.Labels == w.Labels {
			return s.Samples, nil
		}
	}
	return nil, errNothing
}
