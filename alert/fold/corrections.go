package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// correction takes the events of a stretch out of the budget, see alert.Correction. The history
// keeps them: rules do not look at corrections, and a correction can be lifted again.
type correction struct {
	Incident string     `json:"incident,omitempty"`
	slo.Span            // no End: it goes on
	Events   slo.Counts `json:"events,omitzero"`    // of the alert.Correction, for which the pieces were made
	Lifted   bool       `json:"lifted,omitempty"`   // it counts again: but the past opens nothing
	Cut      bool       `json:"cut,omitempty"`      // pieces have a part only: others take out the rest, or it is not known
	Counting bool       `json:"counting,omitempty"` // ticks are still to come
	// Pieces are without planned work. Each ends where the longest buckets of the history do, so
	// that one that the budget's window begins in is prorated like the history.
	Pieces []planned `json:"pieces,omitempty"`
}

// covers returns how much of a tick the correction takes out.
func (c *correction) covers(tick slo.Span) time.Duration {
	if c.End.IsZero() {
		return tick.Overlap(slo.Span{Start: c.Start, End: tick.End})
	}
	return c.Span.Overlap(tick)
}

// sum returns the events taken out.
func (c *correction) sum() (sum slo.Counts) {
	for _, p := range c.Pieces {
		sum = sum.Add(p.Counts)
	}
	return sum
}

// until returns the events taken out up to a time.
func (c *correction) until(t time.Time) (sum slo.Counts) {
	for _, p := range c.Pieces {
		sum = sum.Add(slo.Late{From: p.Start, To: p.End, Counts: p.Counts}.Until(t))
	}
	return sum
}

// add takes out a tick's events.
func (c *correction) add(tick slo.Span, counts slo.Counts, bucket time.Duration) {
	n := len(c.Pieces)
	switch {
	case n > 0 && c.Pieces[n-1].End.Equal(tick.Start) && !slo.Floor(tick.Start, bucket).Equal(tick.Start):
		c.Pieces[n-1].End, c.Pieces[n-1].Counts = tick.End, c.Pieces[n-1].Add(counts)
	case n == 2*maxPieces:
		c.Pieces[1].Start, c.Pieces[1].Counts = c.Pieces[0].Start, c.Pieces[1].Add(c.Pieces[0].Counts)
		c.Pieces = append(slices.Clone(c.Pieces[1:]), planned{tick, counts})
	default:
		c.Pieces = append(slices.Clip(c.Pieces), planned{tick, counts})
	}
}

// corrections are those of a watch, as far as its history reaches back. No two take out the same
// time.
type corrections []correction

// add takes out a tick's own events of corrections that are counting, and those that came late. It
// forgets corrections that ended before `known`.
func (all *corrections) add(s slo.Sample, tick slo.Span, bucket time.Duration, known time.Time) {
	if len(*all) == 0 {
		return
	}
	*all = slices.DeleteFunc(slices.Clone(*all), func(c correction) bool { return !c.End.IsZero() && c.End.Before(known) })
	taken := false
	for i := range *all {
		c := &(*all)[i]
		if length := c.covers(tick); c.Counting && length > 0 && !taken {
			part := float64(length) / float64(tick.End.Sub(tick.Start))
			c.add(tick, slo.Counts{Total: s.Total * part, Bad: s.Bad * part}, bucket)
			taken = true
		}
		c.Counting = c.Counting && (c.End.IsZero() || c.End.After(tick.End))
		c.addLate(s.Late, tick.End)
	}
}

// addLate takes out events of earlier ticks, unless the window will tell them.
func (c *correction) addLate(late []slo.Late, now time.Time) {
	if c.Lifted || c.Events != (slo.Counts{}) || len(c.Pieces) == 0 {
		return
	}
	end := now
	if !c.End.IsZero() {
		end = slo.Earlier(c.End, now)
	}
	last := &c.Pieces[len(c.Pieces)-1]
	for _, l := range late {
		if !l.Excluded && end.After(c.Start) {
			last.Counts = last.Add(l.Until(end).Sub(l.Until(c.Start)))
		}
	}
}

// before returns the corrections for folding ticks again after a time: counting ones will count
// these.
func (all corrections) before(t time.Time) (again corrections) {
	for _, c := range all {
		if c.Counting {
			var pieces []planned
			for _, p := range c.Pieces {
				if p.Counts = (slo.Late{From: p.Start, To: p.End, Counts: p.Counts}).Until(t); p.Start.Before(t) {
					p.End = slo.Earlier(p.End, t)
					pieces = append(pieces, p)
				}
			}
			c.Pieces = pieces
		}
		again = append(again, c)
	}
	return again
}
