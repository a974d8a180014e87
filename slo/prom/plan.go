package prom

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// plan is how the samples of a definition are taken: its PromQL, parsed and written once and not at
// each tick.
type plan struct {
	sums      atomic.Pointer[sums] // of a ratio or a latency: what is asked first
	perTick   perTick              // of what is measured once a tick; nil: it is counted
	asked     promql.Query         // what that asks
	exclusion *promql.Exclusion    // nil where no work is planned
	err       error                // the definition can't be read at all

	plain atomic.Int64             // the newest tick in which nothing happened, in ns since 1970
	jobs  atomic.Pointer[[]string] // of the series at the last tick, if there was any
	alone atomic.Bool              // its last query failed: until one succeeds it is not asked together with others
}

// perTick is an indicator that is measured once a tick, without looking back: a bool, or a sampled
// one.
type perTick interface {
	Query() promql.Query
	Samples(tick time.Time, points []promql.Point) (map[slo.Labels]slo.Sample, error)
}

// newPerTick returns nil if the objective's indicator is counted.
func newPerTick(o slo.Objective) (perTick, error) {
	switch {
	case o.Indicator.Bool != "":
		return promql.NewCondition(o)
	case o.Indicator.Sampled != nil:
		return promql.NewSampled(o)
	}
	return nil, nil
}

// sums is a counter and, once a single tick was asked about, its SumQuery for the grid of that.
type sums struct {
	counter *promql.Counter
	grid    promql.Grid
	query   promql.Query
}

// start has a counter be asked first from now on. All that are of one definition count the same.
func (p *plan) start(c *promql.Counter, grid promql.Grid) *sums {
	s := &sums{c, grid, c.SumQuery(grid)}
	p.sums.Store(s)
	return s
}

// follow has a counter be asked first from now on, after a tick in which nothing happened, or
// something did.
func (p *plan) follow(c *promql.Counter, plain bool, tick time.Time, grid promql.Grid) {
	if s := p.sums.Load(); !c.Same(s.counter) {
		p.start(c, grid)
	}
	for at := tick.UnixNano(); plain; {
		if newest := p.plain.Load(); newest >= at || p.plain.CompareAndSwap(newest, at) {
			return
		}
	}
}

// follows reports whether nothing happened in the tick before one.
func (p *plan) follows(ticks slo.Ticks) bool {
	return p.plain.Load() == ticks.First.Add(-ticks.Interval).UnixNano()
}

// definition is what a plan depends on.
type definition struct {
	ratio                             slo.Ratio
	latency                           slo.Latency
	sampled                           slo.Sampled
	condition, exclude, groupBy, kind string
}

func definitionOf(o slo.Objective) definition {
	d := definition{condition: o.Indicator.Bool, exclude: o.Exclude, groupBy: strings.Join(o.GroupBy, "\xff")}
	if o.Indicator.Ratio != nil {
		d.ratio, d.kind = *o.Indicator.Ratio, "ratio"
	}
	if o.Indicator.Latency != nil {
		d.latency, d.kind = *o.Indicator.Latency, d.kind+"latency"
	}
	if o.Indicator.Sampled != nil {
		d.sampled, d.kind = *o.Indicator.Sampled, d.kind+"sampled"
	}
	return d
}

func newPlan(o slo.Objective) *plan {
	p := &plan{}
	if o.Exclude != "" {
		if p.exclusion, p.err = promql.NewExclusion(o); p.err != nil {
			return p
		}
	}
	once, err := newPerTick(o)
	if p.err = err; err != nil {
		return p
	}
	if once != nil {
		p.perTick, p.asked = once, once.Query()
		return p
	}
	c, err := promql.NewCounter(o)
	if p.err = err; err == nil {
		p.sums.Store(&sums{counter: c})
	}
	return p
}

const (
	// maxPlans is how many plans are kept at least, if so many are in use, and half of how many at
	// most. One takes some 3 KiB.
	maxPlans = 1 << 14
	// planAge is for how long a plan is kept at least that is not used again. Those of the past of
	// one incident are not.
	planAge = time.Hour
)

// plans keeps the plans that were used last, in two generations: a new one begins when the last is
// full or old, and drops what was not used since.
type plans struct {
	mu       sync.Mutex
	begun    time.Time // the new generation
	new, old map[definition]*plan
}

// of is the plan of an objective.
func (s *plans) of(o slo.Objective) *plan {
	key := definitionOf(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.new[key]
	if p != nil {
		return p
	}
	if p = s.old[key]; p == nil {
		p = newPlan(o)
	}
	if s.new == nil || len(s.new) >= maxPlans || time.Since(s.begun) > planAge {
		s.old, s.new, s.begun = s.new, map[definition]*plan{}, time.Now()
	}
	s.new[key] = p
	return p
}
