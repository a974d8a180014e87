package fold

import (
	"math"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	day  = 24 * time.Hour
	week = 7 * day

	// minUsual is how many events a stretch must usually have for its traffic to be called too low.
	// Chance alone makes 9 of 100 about once in 10^29 times; if requests come in bursts of ten,
	// once in 10,000, and it would need the same on both days it is compared with.
	minUsual = 100
)

// lull is an ongoing time of too little traffic.
type lull struct {
	Since time.Time `json:"since"` // start of its first tick
	Rate  float64   `json:"rate"`  // usual events per tick, as far as known
}

// quietTracker opens and closes windows of kind quiet.
type quietTracker struct {
	open *alert.Window
	low  *lull // while traffic is too low
}

// note finds out whether traffic over the last `after` is below the policy's share of usual. It
// looks ten times in that time, which is enough, and costs less than a tenth of a step. If a tick
// of the stretch has no data or planned work, nothing changes.
func (q *quietTracker) note(led *ledger, t *tick) {
	if t.Blind || t.Excluded || q.low == nil && t.Tick.UnixNano()%led.listenEvery != 0 {
		return
	}
	from := t.Tick.Add(-led.quietPolicy.After)
	if q.low == nil && led.History.Known().After(from.Add(-week)) {
		return
	}
	total, most := led.History.Between(from, t.Tick).Total, led.below
	if q.low == nil && (q.isPlenty(led, total, from, t.Tick) || led.redefined.At.After(from)) {
		return // mostly so
	}
	if led.unseen(slo.Span{Start: from, End: t.Tick}) > 0 {
		return
	}
	ticks := float64(led.quietPolicy.After / led.History.Interval())
	usual, known := q.usualIn(led, slo.Span{Start: from, End: t.Tick})
	if q.low != nil {
		if known {
			q.low.Rate = usual / ticks
		}
		if total >= most*q.low.Rate*ticks {
			q.low = nil
		}
		return
	}
	if known && usual >= minUsual && total < most*usual {
		rate := usual / ticks
		q.low = &lull{Since: q.lullSince(led, from, rate), Rate: rate}
	}
}

// isPlenty reports whether a stretch has too many events to be too low, without finding out how
// much of the day before was seen: it counts as known from half on.
func (q *quietTracker) isPlenty(led *ledger, total float64, from, to time.Time) bool {
	if to.Sub(from) > day {
		return false // the day before says nothing
	}
	return total >= led.below*2*led.History.Between(from.Add(-day), to.Add(-day)).Total
}

// usualIn returns how many events are usual in a stretch: as in the same hours the day before or
// the week before, whichever had fewer, so that a day that is always quiet is no surprise. known is
// false if the history does not reach back far enough, or has data for less than half of either. If
// the stretch is longer than a day or part of a long lull, only the week before counts.
func (q *quietTracker) usualIn(led *ledger, span slo.Span) (events float64, known bool) {
	events = math.Inf(1)
	for _, before := range [...]time.Duration{day, week} {
		then := slo.Span{Start: span.Start.Add(-before), End: span.End.Add(-before)}
		if then.End.After(span.Start) || q.low != nil && then.End.After(q.low.Since) {
			continue
		}
		length, unseen := then.End.Sub(then.Start), led.unseen(then)
		if then.Start.Before(led.History.Known()) || unseen > length/2 {
			return 0, false
		}
		total := led.History.Between(then.Start, then.End).Total
		events, known = min(events, total*float64(length)/float64(length-unseen)), true
	}
	return events, known
}

// usualOf returns how many events are usual in the seen part of a stretch, as a whole number; 0 if
// unknown.
func (q *quietTracker) usualOf(led *ledger, span slo.Span) float64 {
	usual, known := q.usualIn(led, span)
	length := span.End.Sub(span.Start)
	if !known || length <= 0 {
		return 0
	}
	return math.Round(usual * (1 - float64(led.unseen(span))/float64(length)))
}

// lullSince returns since when traffic was too low: the start of the first tick after the sum of
// what eachTick calls missing was last 0 (Page's CUSUM).
func (q *quietTracker) lullSince(led *ledger, from time.Time, rate float64) time.Time {
	since, sum := from, 0.0
	q.eachTick(led, from, rate, func(tick slo.Span, missing float64) {
		if sum = max(0, sum+missing); sum == 0 {
			since = tick.End
		}
	})
	return since
}

// lullEnd returns until when traffic was too low: the end of the tick at which that sum peaked.
func (q *quietTracker) lullEnd(led *ledger, since time.Time, rate float64) time.Time {
	end, sum, most := led.History.Now(), 0.0, 0.0
	q.eachTick(led, since, rate, func(tick slo.Span, missing float64) {
		if sum += missing; sum > most {
			end, most = tick.End, sum
		}
	})
	return end
}

// eachTick calls step with the seen ticks after `from`, and how many events each is short of the
// middle between usual and too few.
func (q *quietTracker) eachTick(led *ledger, from time.Time, rate float64, step func(tick slo.Span, missing float64)) {
	middle := rate * (1 + led.below) / 2
	led.History.Buckets(from, func(tick slo.Span, c slo.Counts) bool {
		if led.unseen(tick) == 0 {
			step(tick, middle*float64(tick.End.Sub(tick.Start)/led.History.Interval())-c.Total)
		}
		return true
	})
}

// step opens a window if the policy wants one, and closes it once traffic is back. In between
// nothing is reported. The window's numbers are not set.
func (q *quietTracker) step(led *ledger, t *tick) (alert.Event, bool) {
	before := q.low
	q.note(led, t)
	switch {
	case q.open != nil && q.low == nil:
		closed := *q.open
		closed.Ended = q.lullEnd(led, closed.Onset, before.Rate)
		q.open = nil
		return alert.Event{Tick: t.Tick, Closed: true, Window: closed}, true
	case q.open == nil && q.low != nil && led.quietPolicy.Issue && led.mayOpen(t):
		v := led.window(alert.Quietness, q.low.Since, t.Tick)
		q.open = &v
		return alert.Event{Tick: t.Tick, Opened: true, Window: v}, true
	}
	return alert.Event{}, false
}

// follow takes over an older tracker's lull if it had begun at the start.
func (q *quietTracker) follow(old *quietTracker, start time.Time) {
	if old.low == nil || !old.low.Since.Before(start) {
		return
	}
	low := *old.low
	if q.low = &low; old.open != nil {
		open := *old.open
		q.open = &open
	}
}
