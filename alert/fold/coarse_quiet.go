package fold

import (
	"math"
	"time"

	"github.com/postburn/postburn/slo"
)

// mayBeQuiet reports whether there may be too little traffic at a tick of a step; with no length,
// at the last tick.
func (c *Coarse) mayBeQuiet(length time.Duration, counts slo.Counts) bool {
	now, u := c.Now(), c.unsure()
	from := now.Add(-c.quiet.After)
	if c.History.Known().After(from.Add(length - week)) {
		return false
	}
	least, _ := u.CountedBounds(c.quiet.After, length, counts)
	usual := math.Inf(1)
	for _, before := range [...]time.Duration{day, week} {
		if c.quiet.After+length > before {
			continue
		}
		bucket := c.History.Grain(from.Add(-before - length))
		early, _ := u.Around(from.Add(-before), bucket)
		_, late := u.Around(now.Add(length-before), bucket)
		then := 2 * c.History.Between(early, late).Total // at least half of it was seen
		usual = min(usual, then)
	}
	return usual >= minUsual && least.Total < c.below*usual*(1+margin)
}

// quietDoubts returns what has to be known to be sure of whether there is too little traffic.
func (c *Coarse) quietDoubts(s slo.Sample) (need []slo.Span) {
	after := c.quiet.After
	if s.Blind || s.Excluded || c.Low == nil && !c.mayBeQuiet(0, slo.Counts{}) {
		return nil
	}
	if from := c.Now().Add(-after); !c.knowsSince(from) {
		need = append(need, slo.Span{Start: from, End: c.Now()})
	}
	return append(need, c.inexact(day, day+after, week, week+after)...)
}
