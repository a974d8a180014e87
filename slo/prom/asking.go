package prom

// asking is how a counter asks. The count does not depend on it.
type asking struct {
	extent
	large bool // the sums may be too large to be packed
	apart bool // good or bad events are asked for separately, though they are series of the total
	rare  bool // some series have samples so rarely that they must be looked for further back
}

// extent is how much of its sumQuery a counter asks.
//
// Mostly nothing happens in a tick: all series go on. If that was so in the tick before, too, all
// have usable numbers at the beginning. A series that becomes negative falls or has no difference,
// and one that becomes infinite makes the sum infinite: no arm has to tell them from the others.
// Nor has any series fallen in the ticks before, so falls are looked for in this one alone.
// And most histograms are classic and have a bucket for the threshold: a third of the arms shows
// that, and counts.
type extent int

const (
	steady extent = iota // enough if nothing happens in this tick, and nothing did in the one before
	little               // mostly enough, after any tick
	whole                // all
)

// asksLittle reports whether a counter asks less than all.
func (a asking) asksLittle() bool { return a.extent != whole }

// with returns the counter with another way to ask.
func (c *counter) with(how asking) *counter {
	if c.asking == how {
		return c
	}
	other := *c
	other.asking = how
	return &other
}

// asks returns the counter with another extent.
func (c *counter) asks(e extent) *counter {
	how := c.asking
	how.extent = e
	return c.with(how)
}

// looksBack reports whether all series are looked for in a while before each tick.
func (c *counter) looksBack() bool { return c.asksLittle() || !c.ofHistograms() }

func (all groups) ofHistograms() bool { return all[0].histogram != nil }
