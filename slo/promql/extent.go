package promql

import "time"

// extent is how much a counter asks in its SumQuery. What is counted does not depend on it.
type extent int

const (
	little extent = iota // about histograms what mostly suffices in one tick
	whole                // about them all
	many                 // all, as it is cheapest for many ticks together, in some of which something happens
)

// Most histograms are classic, have a bucket for the threshold, and nothing happens to them in a tick. A third of what is asked about them
// suffices to know that it is so, and to count.

// littleArms are the sums of a role of histograms, each by itself: they are of the same targets where there are as many of either.
func (c *Counter) littleArms(g group, at Grid) []arm {
	by, classic := c.by(), *g.histogram
	classic.native = askNone
	if g.role != total {
		return []arm{tagged("sum"+by+"("+packed(at.increase(classic.good))+")", g.tag, packedArm)}
	}
	arms := []arm{
		tagged("sum"+by+"("+packed(at.increase(classic.total))+")", g.tag, packedArm),
		c.seen(group{role: g.role, tag: g.tag, histogram: &classic}, at),
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

// Suffices reports whether one tick's answer to SumQuery tells all that can be told by it; else it has to be asked of the Whole counter.
func (c *Counter) Suffices(points []Point) bool {
	return c.asks != little || !c.ofHistograms() || c.isPlain(points)
}

// Whole is a counter that asks all about histograms.
func (c *Counter) Whole() *Counter { return c.asking(whole) }

// Many is a counter that asks about many ticks.
func (c *Counter) Many() *Counter { return c.asking(many) }

// Next is the counter to begin the next tick with, by one tick's answer: it counts the same and asks no more than it has to, if that tick is
// like this one.
func (c *Counter) Next(points []Point) *Counter {
	switch {
	case c.scattered(points):
		return c.apart()
	case c.ofHistograms() && c.isPlain(points):
		return c.asking(little)
	}
	return c
}

func (c *Counter) asking(e extent) *Counter {
	if c.asks == e {
		return c
	}
	other := *c
	other.asks = e
	return &other
}

func (c *Counter) ofHistograms() bool { return c.groups[0].histogram != nil }

// isPlain reports whether all histograms have a plain difference, and none is native.
func (c *Counter) isPlain(points []Point) bool {
	t := c.Tally(time.Time{}, time.Second)
	odd, err := t.AddSums(points)
	if err != nil {
		return c.asks == little // which is told when it is counted
	}
	for _, s := range t.sets {
		odd = odd || s.natives > 0
	}
	return !odd && !c.Lacks(points)
}
