package prom

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// plan is how to sample a definition: its PromQL, parsed and written once instead of at each tick.
type plan struct {
	sums     atomic.Pointer[sums] // of a ratio or a latency: what to ask first
	measured *measured            // measured once a tick; nil: counted
	groupBy  []string
	exclude  string // the query that is 1 while work is planned; empty: none is
	err      error  // the definition can't be read at all

	plain atomic.Int64             // the newest tick in which nothing happened, in ns since 1970
	jobs  atomic.Pointer[[]string] // of the series when they were read last, if they were
	alone atomic.Bool              // its last query failed: it is asked alone until one succeeds
}

// sums is a counter and, once a single tick was asked, its sumQuery for that tick's grid.
type sums struct {
	counter *counter
	grid    grid
	query   query
}

// start asks a counter first from now on. All counters of one definition count the same.
func (p *plan) start(c *counter, grid grid) *sums {
	s := &sums{c, grid, c.sumQuery(grid)}
	p.sums.Store(s)
	return s
}

// follow asks a counter first from now on; plain says whether nothing happened in the tick.
func (p *plan) follow(c *counter, plain bool, tick time.Time, grid grid) {
	if s := p.sums.Load(); c.asking != s.counter.asking {
		p.start(c, grid)
	}
	for at := tick.UnixNano(); plain; {
		if newest := p.plain.Load(); newest >= at || p.plain.CompareAndSwap(newest, at) {
			return
		}
	}
}

// follows reports whether nothing happened in the tick before.
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
	p := &plan{groupBy: o.GroupBy}
	if o.Exclude != "" {
		if p.exclude, p.err = promql.Condition(excludeTag, o.Exclude); p.err != nil {
			return p
		}
	}
	if o.Indicator.Bool != "" || o.Indicator.Sampled != nil {
		p.measured, p.err = newMeasured(o)
		return p
	}
	c, err := newCounter(o)
	if p.err = err; err == nil {
		p.sums.Store(&sums{counter: c})
	}
	return p
}

const (
	// maxPlans is the least number of plans kept, if so many are in use, and half the greatest. One
	// takes some 3 KiB.
	maxPlans = 1 << 14
	// planAge is how long to keep an unused plan at least. Plans for the past of one incident are
	// not used again.
	planAge = time.Hour
)

// plans keeps the last used plans, in two generations: a new one begins if the last is full or old,
// and drops what was not used since.
type plans struct {
	mu       sync.Mutex
	begun    time.Time // the new generation
	new, old map[definition]*plan
}

// of returns an objective's plan.
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
