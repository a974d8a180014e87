package prom

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// plan is how the samples of a definition are taken: its PromQL, parsed and written once and not at each tick.
type plan struct {
	counter   *promql.Counter   // of a ratio or a latency
	condition *promql.Condition // of a bool
	exclusion *promql.Exclusion // nil where no work is planned
	sums      promql.Query      // the first that is asked
	err       error             // the definition can't be read at all

	alone atomic.Bool // its last query failed: until one succeeds it is not asked together with others
}

// definition is what a plan depends on.
type definition struct {
	ratio                             slo.Ratio
	latency                           slo.Latency
	condition, exclude, groupBy, kind string
	grid                              promql.Grid
}

func definitionOf(o slo.Objective, grid promql.Grid) definition {
	d := definition{condition: o.Indicator.Bool, exclude: o.Exclude, groupBy: strings.Join(o.GroupBy, "\xff"), grid: grid}
	if o.Indicator.Ratio != nil {
		d.ratio, d.kind = *o.Indicator.Ratio, "ratio"
	}
	if o.Indicator.Latency != nil {
		d.latency, d.kind = *o.Indicator.Latency, d.kind+"latency"
	}
	return d
}

func newPlan(o slo.Objective, grid promql.Grid) *plan {
	p := &plan{}
	if o.Exclude != "" {
		if p.exclusion, p.err = promql.NewExclusion(o); p.err != nil {
			return p
		}
	}
	if o.Indicator.Bool != "" {
		if p.condition, p.err = promql.NewCondition(o); p.err == nil {
			p.sums = p.condition.Query()
		}
		return p
	}
	if p.counter, p.err = promql.NewCounter(o); p.err == nil {
		p.sums = p.counter.SumQuery(grid)
	}
	return p
}

const (
	// maxPlans is how many plans are kept at least, if so many are in use, and half of how many at most. One takes some 5 KiB.
	maxPlans = 1 << 14
	// planAge is for how long a plan is kept at least that is not used again. Those of the past of one incident are not.
	planAge = time.Hour
)

// plans keeps the plans that were used last, in two generations: a new one begins when the last is full or old, and drops what was not
// used since.
type plans struct {
	mu       sync.Mutex
	begun    time.Time // the new generation
	new, old map[definition]*plan
}

// of is the plan of an objective.
func (s *plans) of(o slo.Objective, grid promql.Grid) *plan {
	key := definitionOf(o, grid)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.new[key]
	if p != nil {
		return p
	}
	if p = s.old[key]; p == nil {
		p = newPlan(o, grid)
	}
	if s.new == nil || len(s.new) >= maxPlans || time.Since(s.begun) > planAge {
		s.old, s.new, s.begun = s.new, map[definition]*plan{}, time.Now()
	}
	s.new[key] = p
	return p
}
