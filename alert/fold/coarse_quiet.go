package fold

import (
	"math"
	"time"

	"github.com/postburn/postburn/slo"
)

// mayBeQuiet reports whether traffic may be too low at a tick of a step. If length is 0, it looks
// at the last tick.
func (p *sparse) mayBeQuiet(length time.Duration, counts slo.Counts) bool {
	now, u := p.Now(), p.unsure()
	from := now.Add(-p.quietPolicy.After)
	if p.History.Known().After(from.Add(length - week)) {
		return false
	}
	least, _ := u.CountedBounds(p.quietPolicy.After, length, counts)
	usual := math.Inf(1)
	for _, before := range [...]time.Duration{day, week} {
		if p.quietPolicy.After+length > before {
			continue
		}
		then := 2 * u.MostBetween(from.Add(-before), now.Add(-before), length) // at least half of it was seen
		usual = min(usual, then)
	}
	return usual >= minUsual && least.Total < p.below*usual*(1+margin)
}

// quietDoubts returns the stretches needed to be sure whether traffic is too low at a tick with
// data.
func (p *sparse) quietDoubts(low bool) (need []slo.Span) {
	after := p.quietPolicy.After
	if !low && !p.mayBeQuiet(0, slo.Counts{}) {
		return nil
	}
	if from := p.Now().Add(-after); !p.knowsSince(from) {
		need = append(need, slo.Span{Start: from, End: p.Now()})
	}
	return append(need, p.inexact(day, day+after, week, week+after)...)
}
