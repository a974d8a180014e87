package evidence

import (
	"context"
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// How many queries each part may take at most.
const (
	listQueries      = 3
	changeQueries    = 6
	fineQueries      = 14 // events in many ticks
	coarseQueries    = 22 // events in few ticks
	kindQueries      = 6
	usualQueries     = 6
	durationsQueries = 4 // of one objective; a server without native histograms is asked twice
)

// collector looks around one incident. It says in which order; how is up to the other types.
type collector struct {
	scope
	settings     func(objective string) issue.Settings
	run          *runner
	rows         *timeline
	read         *reader
	contributors *contributors
	usual        *usual
	chart        *issue.Chart
}

func newCollector(o Options, s scope) *collector {
	read := &reader{s}
	return &collector{
		scope: s, settings: o.Settings, run: &runner{open: o.Open, left: maxQueries, away: map[string]bool{}}, rows: &timeline{scope: s}, read: read,
		contributors: &contributors{read: read}, usual: &usual{scope: s, read: read},
	}
}

func (c *collector) collect(ctx context.Context) issue.Evidence {
	switch c.worst.Kind {
	case alert.Budget: // it is about weeks: the incidents that spent the budget tell of it
	case alert.Blindness:
		c.aroundBlindness(ctx)
	default:
		c.aroundBurn(ctx)
	}
	return issue.Evidence{
		Chart: c.chart, Contributors: c.contributors.found, Traffic: c.usual.traffic, Durations: c.usual.durations,
		Timeline: c.rows.entries, Unresolved: c.run.unresolved,
	}
}

// aroundBurn looks first for what has a known cost. The cost of the rest grows with the number of
// processes that restarted, so it is done for the worst breach first.
func (c *collector) aroundBurn(ctx context.Context) {
	series, targets := c.seriesOf(ctx, c.worst), c.targetsOf(ctx, c.worst)
	if targets == nil {
		targets = series
	}
	(&queries{c.scope, c.run, c.rows}).ask(ctx, c.settings)
	c.changes(ctx, targets)
	rest := c.others()
	for _, w := range append([]alert.Window{c.worst}, rest...) {
		c.durations(ctx, w)
	}
	r := c.events(ctx, c.worst, series)
	if r != nil {
		c.chart = r.chart(c.read.around(c.worst))
	}
	c.run.part(ctx, c.worst.Objective.Source, usualQueries, "What is usual", func(ctx context.Context, p Prometheus) error { return c.usual.compare(ctx, p, c.worst, r) })
	for _, w := range rest {
		if w.Bad >= minBad {
			c.events(ctx, w, c.seriesOf(ctx, w))
		}
	}
}

// aroundBlindness looks at what became of the targets that the data had come from: those with the
// objective's series in the hours before.
func (c *collector) aroundBlindness(ctx context.Context) {
	before := c.worst
	before.Onset, before.Ended = c.worst.Onset.Add(-issue.Lookback), c.worst.Onset
	series := c.seriesOf(ctx, before)
	if series == nil {
		series = c.targetsOf(ctx, before)
	}
	if !series.exist() && c.run.answers(c.worst.Objective.Source) {
		c.rows.tell(issue.Entry{
			Time: c.worst.Onset, Source: "Prometheus", Text: fmt.Sprintf("Prometheus had no series of %s in the two hours before, either", c.worst.ID()),
		})
	}
	if series == nil {
		return
	}
	c.run.part(ctx, c.worst.Objective.Source, 1, "Whether the targets are up", func(ctx context.Context, p Prometheus) error {
		return tellFates(ctx, p, c.scope, series, c.rows)
	})
	c.changes(ctx, series)
}

func (c *collector) changes(ctx context.Context, series *seriesOf) {
	c.run.part(ctx, c.worst.Objective.Source, changeQueries, "What changed in Prometheus", func(ctx context.Context, p Prometheus) error {
		return (&changes{c.scope, c.rows, series}).find(ctx, p)
	})
}

// seriesOf lists the series of a window's objective; nil if that failed.
func (c *collector) seriesOf(ctx context.Context, w alert.Window) (series *seriesOf) {
	c.run.part(ctx, w.Objective.Source, listQueries, "Which series "+w.ID().String()+" has", func(ctx context.Context, p Prometheus) (err error) {
		series, err = listSeries(ctx, p, w, c.interval)
		return err
	})
	return series
}

// targetsOf lists the series that a bool or sampled objective looks at; nil for other objectives,
// or if there are none.
func (c *collector) targetsOf(ctx context.Context, w alert.Window) (series *seriesOf) {
	found := selectorsOf(w.Objective.Indicator)
	if len(found) == 0 {
		return nil
	}
	c.run.part(ctx, w.Objective.Source, listQueries, "Which series "+w.ID().String()+" looks at", func(ctx context.Context, p Prometheus) (err error) {
		series, err = found.list(ctx, p, w, c.interval)
		return err
	})
	return series
}

func (c *collector) durations(ctx context.Context, w alert.Window) {
	if w.Objective.Indicator.Latency == nil {
		return
	}
	c.run.part(ctx, w.Objective.Source, durationsQueries, "How long the events of "+w.ID().String()+" took", func(ctx context.Context, p Prometheus) error {
		return c.usual.compareDurations(ctx, p, w)
	})
}

// events reads a window's events, and looks where the bad ones are and of what kind. If that takes
// too many queries, because processes restarted in many of its ticks, it reads a few long ticks,
// which are as exact. It returns nil if the events can't be read.
func (c *collector) events(ctx context.Context, w alert.Window, series *seriesOf) (r *reading) {
	if w.Bad < minBad {
		series = nil
	}
	names := series.readBy()
	way := func(ticks, queries int) attempt {
		return attempt{queries, func(ctx context.Context, p Prometheus) (err error) {
			r, err = c.read.by(ctx, p, w, names, c.read.ticksOf(w, ticks))
			return err
		}}
	}
	c.run.firstOf(ctx, w.Objective.Source, eventsShare, "How the events of "+w.ID().String()+" went, and where the bad ones are,",
		way(series.ticks(names), fineQueries), way(coarseTicks, coarseQueries))
	if r == nil || series == nil {
		return r
	}
	c.run.part(ctx, w.Objective.Source, 0, "Where the bad events of "+w.ID().String()+" are", func(context.Context, Prometheus) error {
		return c.contributors.find(w, r, series)
	})
	if w.ID() == c.worst.ID() {
		c.run.part(ctx, w.Objective.Source, kindQueries, "What kind of bad events there were", func(ctx context.Context, p Prometheus) error {
			return c.contributors.findKinds(ctx, p, w, r, series)
		})
	}
	return r
}
