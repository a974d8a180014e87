package promql

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// Most histograms are classic, have a bucket for the threshold, and nothing happens to them in a tick. A third of what is asked about them
// suffices to know that it is so, and to count.

// quickArms are the sums of a role, each by itself: they are of the same targets where there are as many of either.
func (c *Counter) quickArms(g group, at Grid) []arm {
	by, classic := c.by(), *g.histogram
	classic.native = askNone
	if g.role != total {
		return []arm{tagged("sum"+by+"("+packed(at.increase(classic.good))+")", g.tag, packedArm)}
	}
	arms := []arm{
		tagged("sum"+by+"("+packed(at.increase(classic.total))+")", g.tag, packedArm),
		tagged("sum"+c.by(model.JobLabel)+"("+packedFalls(group{role: g.role, histogram: &classic}.falls(at))+")", g.tag, allArm),
	}
	if g.histogram.native != askNone {
		arms = append(arms, g.histogram.nativeTargets(g.tag, by, c.groupBy))
	}
	return arms
}

// nativeTargets is how many targets have native histograms.
func (h *histogram) nativeTargets(tag, by string, groupBy []string) arm {
	return tagged(targets("histogram_count("+joined(h.selectors, as(""))+")", by, groupBy), tag, nativeArm)
}

// Suffices reports whether one tick's answer to SumQuery tells all that can be told by it; else it has to be asked of the Full counter.
func (c *Counter) Suffices(points []Point) bool { return !c.quick || c.isPlain(points) }

// Full is a counter that asks all about histograms.
func (c *Counter) Full() *Counter { return c.as(false) }

// Next is the counter to begin the next tick with, by one tick's answer: it counts the same and asks no more than it has to, if that tick is
// like this one.
func (c *Counter) Next(points []Point) *Counter {
	switch {
	case c.scattered(points):
		return c.apart()
	case c.isPlain(points):
		return c.as(true)
	}
	return c
}

func (c *Counter) as(quick bool) *Counter {
	isHistogram := slices.ContainsFunc(c.groups, func(g group) bool { return g.histogram != nil })
	if c.quick == quick || !isHistogram {
		return c
	}
	other := *c
	other.quick = quick
	return &other
}

// isPlain reports whether all series have a plain difference, and none is a native histogram.
func (c *Counter) isPlain(points []Point) bool {
	t := c.Tally(time.Time{}, time.Second)
	odd, err := t.AddSums(points)
	if err != nil {
		return c.quick // which is told when it is counted
	}
	for _, s := range t.sets {
		odd = odd || s.natives > 0
	}
	return !odd && !c.Lacks(points)
}
