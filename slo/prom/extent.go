package prom

import (
	"math"
	"slices"
)

// extent is how much a counter asks in its sumQuery.
type extent int

const (
	steady extent = iota // what suffices in a tick in which nothing happens, only after one in which nothing did
	little               // what mostly suffices, after any tick
	whole                // all
)

// Mostly nothing happens in a tick: all series go on. Where it was so in the tick before as well,
// all have numbers to count with at the beginning. One that becomes negative falls or has no
// difference, and one that becomes infinite makes the sum so: what is asked need not tell them from
// the others.
//
// And most histograms are classic and have a bucket for the threshold. A third of what there is to
// ask about them suffices to know that it is so, and to count.

// suffices reports whether one tick's answer to sumQuery tells all that can be told by it;
// else all has to be asked.
func (c *counter) suffices(points []point) bool {
	switch {
	case !c.asksLittle():
		return true
	case slices.ContainsFunc(points, func(p point) bool { return math.IsInf(p.Value, 1) }):
		return false
	}
	return !c.ofHistograms() || c.isPlain(points)
}

// asksLittle reports whether not all is asked.
func (c *counter) asksLittle() bool { return c.extent == steady || c.extent == little }

// next is the counter to begin the next tick with, by one tick's answer: it counts the same and
// asks no more than it has to, if that tick is like this one. plain reports whether nothing
// happened in this one.
func (c *counter) next(points []point) (next *counter, plain bool) {
	how := c.asking
	how.apart, how.large = c.apart || c.scattered(points), c.isLarge(points)
	switch plain = c.isPlain(points); {
	case plain:
		how.extent = steady
	case c.extent == steady:
		how.extent = little
	}
	return c.with(how), plain
}

// isLarge reports whether the sums are better not packed, by what one tick's answer has: long
// before they are too large, and until they are much smaller.
func (c *counter) isLarge(points []point) bool {
	most := 0.0
	for _, p := range points {
		switch _, arm, _ := c.arm(p); arm {
		case packedArm:
			_, sum := unpack(p.Value)
			if most = max(most, sum); p.Value > packUnit*packUnit {
				most = packUnit
			}
		case wholeArm:
			most = max(most, p.Value)
		}
	}
	return most > packUnit/16 || c.large && most > packUnit/64
}

// with is a counter that asks in another way.
func (c *counter) with(how asking) *counter {
	if c.asking == how {
		return c
	}
	other := *c
	other.asking = how
	return &other
}

// to is the same with another extent.
func (a asking) to(e extent) asking {
	a.extent = e
	return a
}

func (c *counter) ofHistograms() bool { return c.groups[0].histogram != nil }

// isPlain reports whether all series have a plain difference, and no histogram is native.
func (c *counter) isPlain(points []point) bool {
	t := &tally{counter: c}
	if err := t.addSums(points); err != nil {
		return c.asksLittle() // which is told when it is counted
	}
	for _, s := range t.sets {
		t.isOdd = t.isOdd || s.natives > 0
	}
	return !t.isOdd && !c.lacks(points)
}
