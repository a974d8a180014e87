// Package evidence looks around an incident in Prometheus: how the error ratio went, where the bad
// events are, whether the traffic was as usual, and what changed before and during it. Each thing
// that it finds says how it is known, and nothing is called a cause. It is bounded in queries and
// in time, and what it could not find out it names. docs/evidence.md says what is collected and by
// which measure. How it is put into words is package postmortem's business.
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
	maxQueries       = 50
	listQueries      = 3
	changeQueries    = 6
	fineQueries      = 14
	coarseQueries    = 22
	kindQueries      = 6
	usualQueries     = 6
	durationsQueries = 4 // of one objective; a server that knows no native histograms is asked twice
	maxObjectives    = 3 // whose contributors are looked for: the worst ones
)

// shareOfTime is how much of the time that is left a part may take, and eventsShare how much the
// events may, which take longest.
const (
	shareOfTime = 0.5
	eventsShare = 0.75
)

// Prometheus answers a number of queries.
type Prometheus interface {
	// Read takes samples, as engine.Source.
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
	// Settings are those of an objective, by its name, with the queries that its SLO file adds;
	// nil: it adds none.
	Settings func(objective string) issue.Settings
}

// New makes a collector. Its methods keep nothing of one incident for the next.
func New(o Options) issue.Collector {
	return func(ctx context.Context, i alert.Incident) issue.Evidence {
		c := &collector{Options: o, incident: issue.Core(i), worst: issue.Headline(i), newest: slo.Floor(o.Newest(), o.Interval), left: maxQueries}
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
	found    issue.Evidence
}

// collect has the parts look one after the other: first those whose cost is known, then those that
// cost more the more processes restarted, the worst breach first. A breach of kind budget is about
// weeks: the incidents that spent the budget tell of it.
func (c *collector) collect(ctx context.Context) {
	switch c.worst.Kind {
	case alert.Budget:
		return
	case alert.Blindness:
		c.blindness(ctx)
		return
	}
	series, targets := c.seriesOf(ctx, c.worst), c.targetsOf(ctx, c.worst)
	if targets == nil {
		targets = series
	}
	c.queries(ctx)
	c.part(ctx, changeQueries, "What changed in Prometheus", func(ctx context.Context, p Prometheus) error {
		return c.changes(ctx, p, targets)
	})
	rest := others(c.incident, c.worst)
	for _, w := range append([]alert.Window{c.worst}, rest...) {
		c.howLong(ctx, w)
	}
	r := c.events(ctx, c.worst, series)
	if r != nil {
		c.chart(r)
	}
	c.part(ctx, usualQueries, "What is usual", func(ctx context.Context, p Prometheus) error { return c.usual(ctx, p, c.worst, r) })
	for _, w := range rest {
		if w.Bad >= minBad {
			c.events(ctx, w, c.seriesOf(ctx, w))
		}
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

// events reads a window's events, and tells where the bad ones are and of what kind. If its ticks
// take too many queries, because processes restarted in many of them, they are read in few long
// ones: what is counted in a long tick is exact as well. It returns nil if the events can't be
// read.
func (c *collector) events(ctx context.Context, w alert.Window, series *seriesOf) (r *reading) {
	if w.Bad < minBad {
		series = nil
	}
	names, unresolved := series.readBy(), len(c.found.Unresolved)
	for _, try := range []struct{ ticks, queries int }{{series.ticks(names), fineQueries}, {coarseTicks, coarseQueries}} {
		c.found.Unresolved = c.found.Unresolved[:unresolved]
		what := "How the events of " + w.ID().String() + " went, and where the bad ones are,"
		tooMany := c.within(ctx, eventsShare, try.queries, what, func(ctx context.Context, p Prometheus) (err error) {
			r, err = c.readBy(ctx, p, w, names, c.ticksOf(w, try.ticks))
			return err
		})
		if !tooMany {
			break
		}
	}
	if r == nil || series == nil {
		return r
	}
	c.part(ctx, 0, "Where the bad events of "+w.ID().String()+" are", func(context.Context, Prometheus) error {
		return c.contributors(r, series)
	})
	if w.ID() == c.worst.ID() {
		c.part(ctx, kindQueries, "What kind of bad events there were", func(ctx context.Context, p Prometheus) error {
			return c.kinds(ctx, p, r, series)
		})
	}
	return r
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
		next := issue.Headline(rest)
		seen[next.ID()] = true
		windows = append(windows, next)
	}
	return windows
}

// errNothing is why a part has nothing to say where that is no failure.
var errNothing = errors.New("nothing to be found")

// part runs a part of the collection within its share of the queries and of the time, and notes
// what became of it.
func (c *collector) part(ctx context.Context, queries int, what string, look func(context.Context, Prometheus) error) {
	c.within(ctx, shareOfTime, queries, what, look)
}

// within is part with a share of the time that is left. It reports whether the part took too many
// queries.
func (c *collector) within(ctx context.Context, share float64, queries int, what string, look func(context.Context, Prometheus) error) (tooMany bool) {
	if c.away {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(float64(time.Until(deadline))*share))
		defer cancel()
	}
	queries = min(queries, c.left)
	p := c.Open(queries)
	err := look(ctx, p)
	c.left -= p.Asked()
	var why string
	switch {
	case err == nil || errors.Is(err, errNothing):
		return false
	case p.Asked() >= queries && !errors.Is(err, slo.ErrUnreachable) && !errors.Is(err, errDiffers):
		tooMany, why = true, "it would take too many queries"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		why = "Prometheus took too long"
	case errors.Is(err, slo.ErrUnreachable):
		c.away = true
		c.found.Unresolved = append(c.found.Unresolved, fmt.Sprintf("%s could not be found out, nor what comes after it: %v.", what, err))
		return false
	default:
		why = err.Error()
	}
	c.found.Unresolved = append(c.found.Unresolved, what+" could not be found out: "+why+".")
	return tooMany
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
