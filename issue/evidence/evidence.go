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

// What evidence of one incident costs at most, in queries: in all, and for each part of it. Events are counted in as many ticks as are fine,
// and that costs a query more for each tick in which series were born; where it is too much, a second try has few ticks.
const (
	maxQueries          = 50
	fineQueries         = 12
	chartQueries        = coarsePoints + 3
	listQueries         = 3
	changeQueries       = 6
	contributorsQueries = coarseSteps + 3 + beforeSteps + 3
	usualQueries        = 10
	durationsQueries    = 4 // of one objective; a server that knows no native histograms is asked twice
	maxObjectives       = 3 // whose contributors are looked for: the worst ones
)

// maxEach is how many ticks are read one by one of an indicator that is measured once a tick. In a longer
// stretch, each step is told by the tick at its end.
const maxEach = 10_000

// shareOfTime is how much of the time that is left a part may take.
const shareOfTime = 0.5

// Prometheus answers a number of queries.
type Prometheus interface {
	// Read takes samples, as alert.Source.
	Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading
	// Traces asks PromQL for its values at all ticks.
	Traces(ctx context.Context, query string, ticks slo.Ticks) ([]slo.Trace, error)
	// Quantiles are how long the events of a latency objective's label set took.
	Quantiles(ctx context.Context, o slo.Objective, set slo.Labels, ticks slo.Ticks, shares ...float64) ([]slo.Quantile, error)
	// Asked is how many queries it was asked.
	Asked() int
}

// Options are what a collector works with. All but Settings are required.
type Options struct {
	Open     func(queries int) Prometheus // which answers at most that many
	Interval time.Duration                // of the grid
	Newest   func() time.Time             // the newest tick that is final
	// Settings are those of an objective, by its name, with the queries that its SLO file adds; nil: it adds none.
	Settings func(objective string) issue.Settings
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
	left     int  // queries
	away     bool // Prometheus can't be reached: asking on would only take time
	rough    bool // counting in fine ticks was tried, and takes too many queries
	found    issue.Evidence
}

// collect has the parts look one after the other: first those whose cost is known, then those that cost more the more series were born,
// the worst breach first. A breach of kind budget is about weeks: the incidents that
// spent the budget tell of it.
func (c *collector) collect(ctx context.Context) {
	switch c.worst.Kind {
	case alert.Budget:
		return
	case alert.Blindness:
		c.blindness(ctx)
		return
	}
	series := c.seriesOf(ctx, c.worst)
	c.queries(ctx)
	c.part(ctx, changeQueries, "What changed in Prometheus", func(ctx context.Context, p Prometheus) error {
		return c.changes(ctx, p, series)
	})
	rest := others(c.incident, c.worst)
	for _, w := range append([]alert.Window{c.worst}, rest...) {
		c.howLong(ctx, w)
	}
	c.lookFor(ctx, c.worst, series)
	c.part(ctx, chartQueries, "The course of the error ratio", c.chart)
	if c.worst.Bad >= minBad && series != nil {
		c.part(ctx, contributorsQueries, "What kind of bad events they were", func(ctx context.Context, p Prometheus) error {
			return c.kinds(ctx, p, c.worst, series)
		})
	}
	c.part(ctx, usualQueries, "What is usual", func(ctx context.Context, p Prometheus) error { return c.usual(ctx, p, c.worst) })
	for _, w := range rest {
		c.lookFor(ctx, w, c.seriesOf(ctx, w))
	}
}

// seriesOf lists the series of a window's objective; nil where that failed.
func (c *collector) seriesOf(ctx context.Context, w alert.Window) (series *seriesOf) {
	c.part(ctx, listQueries, "Which series "+w.ID().String()+" has", func(ctx context.Context, p Prometheus) (err error) {
		series, err = c.list(ctx, p, w)
		return err
	})
	return series
}

// lookFor looks for the contributors of a window.
func (c *collector) lookFor(ctx context.Context, w alert.Window, series *seriesOf) {
	if series == nil || w.Bad < minBad {
		return
	}
	c.part(ctx, contributorsQueries, "Where the bad events of "+w.ID().String()+" are", func(ctx context.Context, p Prometheus) error {
		return c.contributors(ctx, p, w, series)
	})
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

// errRough is why no fine ticks are read once they were too many.
var errRough = errors.New("fine ticks take too many queries")

// errNothing is why a part has nothing to say where that is no failure.
var errNothing = errors.New("nothing to be found")

// part runs a part of the collection within its share of the queries and of the time, and notes what became of it.
func (c *collector) part(ctx context.Context, queries int, what string, look func(context.Context, Prometheus) error) {
	if c.away {
		return
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(float64(time.Until(deadline))*shareOfTime))
		defer cancel()
	}
	queries = min(queries, c.left)
	p := c.Open(queries)
	err := look(ctx, p)
	c.left -= p.Asked()
	switch {
	case err != nil && p.Asked() >= queries && !errors.Is(err, slo.ErrUnreachable):
		c.found.Unresolved = append(c.found.Unresolved, what+" could not be found out: it would take too many queries.")
	case err == nil || errors.Is(err, errNothing):
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		c.found.Unresolved = append(c.found.Unresolved, what+" could not be found out: Prometheus took too long.")
	case errors.Is(err, slo.ErrUnreachable):
		c.away = true
		c.found.Unresolved = append(c.found.Unresolved, fmt.Sprintf("%s could not be found out, nor what comes after it: %v.", what, err))
	default:
		c.found.Unresolved = append(c.found.Unresolved, fmt.Sprintf("%s could not be found out: %v.", what, err))
	}
}

// fine tries what reads many ticks, which costs little where few series were born.
func (c *collector) fine(p Prometheus, read func(Prometheus) error) error {
	if c.rough {
		return errRough
	}
	finer := c.Open(max(0, min(fineQueries, c.left-p.Asked())))
	err := read(finer)
	c.left -= finer.Asked()
	c.rough = err != nil && finer.Asked() >= fineQueries
	return err
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
func (c *collector) read(ctx context.Context, p Prometheus, w alert.Window, ticks slo.Ticks) ([]slo.Sample, error) {
	if ticks.Last.Sub(ticks.First) <= maxEach*c.Interval {
		ticks.Each = c.Interval
	}
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
