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
	// once in 10,000, and then on both of the days that it is compared with as well.
	minUsual = 100
)

// lull is a time of too little traffic that goes on.
type lull struct {
	Since time.Time `json:"since"` // start of its first tick
	Rate  float64   `json:"rate"`  // events a tick that are usual, as far as they are known
}

// listen finds out whether traffic is below the share of what is usual that the policy says, over
// the last `after`; ten times in that time: that is often enough, and costs less than a tenth of a
// step. In a stretch with a tick that has no data, or is of planned work, nothing changes.
func (w *Watch) listen(s slo.Sample) {
	if s.Blind || s.Excluded || w.Low == nil && s.Tick.UnixNano()%w.listenEvery != 0 {
		return
	}
	from := s.Tick.Add(-w.quiet.After)
	if w.Low == nil && w.History.Known().After(from.Add(-week)) {
		return
	}
	total, most := w.History.Between(from, s.Tick).Total, w.below
	if w.Low == nil && (w.isPlenty(total, from, s.Tick) || w.Redefined.At.After(from)) {
		return // mostly so
	}
	if w.unseen(slo.Span{Start: from, End: s.Tick}) > 0 {
		return
	}
	ticks := float64(w.quiet.After / w.History.Interval())
	usual, known := w.usualIn(slo.Span{Start: from, End: s.Tick})
	if w.Low != nil {
		if known {
			w.Low.Rate = usual / ticks
		}
		if total >= most*w.Low.Rate*ticks {
			w.Low = nil
		}
		return
	}
	if known && usual >= minUsual && total < most*usual {
		rate := usual / ticks
		w.Low = &lull{Since: w.lullSince(from, rate), Rate: rate}
	}
}

// isPlenty reports whether a stretch has too many events for its traffic to be too low, without a
// look at what was seen of the day before: it counts as known if that was half of it or more.
func (w *Watch) isPlenty(total float64, from, to time.Time) bool {
	if to.Sub(from) > day {
		return false // the day before says nothing
	}
	return total >= w.below*2*w.History.Between(from.Add(-day), to.Add(-day)).Total
}

// usualIn returns how many events were usual in a stretch: those of the same hours the day before
// or the week before, whichever had fewer, so that a day that is always quiet is no surprise. It
// reports false where one of them is not known: because the history does not reach back so far, or
// had data of less than half of it. If the stretch is longer than a day, or itself part of a long
// lull, the day before says nothing, and the week before is enough.
func (w *Watch) usualIn(span slo.Span) (events float64, known bool) {
	events = math.Inf(1)
	for _, before := range [...]time.Duration{day, week} {
		then := slo.Span{Start: span.Start.Add(-before), End: span.End.Add(-before)}
		if then.End.After(span.Start) || w.Low != nil && then.End.After(w.Low.Since) {
			continue
		}
		length, unseen := then.End.Sub(then.Start), w.unseen(then)
		if then.Start.Before(w.History.Known()) || unseen > length/2 {
			return 0, false
		}
		total := w.History.Between(then.Start, then.End).Total
		events, known = min(events, total*float64(length)/float64(length-unseen)), true
	}
	return events, known
}

// unseen is for how much of a stretch there was no data, or planned work.
func (w *Watch) unseen(span slo.Span) (length time.Duration) {
	for _, b := range w.History.Blind() {
		length += shared(b, span)
	}
	for _, p := range w.Planned {
		length += shared(p.Span, span)
	}
	return length
}

// usualOf returns how many events are usual in the part of a stretch that was seen, as a whole
// number; 0 if that is not known.
func (w *Watch) usualOf(span slo.Span) float64 {
	usual, known := w.usualIn(span)
	length := span.End.Sub(span.Start)
	if !known || length <= 0 {
		return 0
	}
	return math.Round(usual * (1 - float64(w.unseen(span))/float64(length)))
}

// lullSince returns from when on there was too little traffic: the start of the first tick after
// the sum of usual - actual events, with half of what is missing taken as usual, was last 0 (Page's
// CUSUM).
func (w *Watch) lullSince(from time.Time, rate float64) time.Time {
	since, sum := from, 0.0
	w.eachTick(from, rate, func(tick slo.Span, missing float64) {
		if sum = max(0, sum+missing); sum == 0 {
			since = tick.End
		}
	})
	return since
}

// lullEnd returns until when there was too little traffic: the end of the tick at which that sum
// was highest.
func (w *Watch) lullEnd(since time.Time, rate float64) time.Time {
	end, sum, most := w.History.Now(), 0.0, 0.0
	w.eachTick(since, rate, func(tick slo.Span, missing float64) {
		if sum += missing; sum > most {
			end, most = tick.End, sum
		}
	})
	return end
}

// eachTick calls step with the ticks after `from` that were seen, and how many events each is short
// of the middle between what is usual and what is too few.
func (w *Watch) eachTick(from time.Time, rate float64, step func(tick slo.Span, missing float64)) {
	middle := rate * (1 + w.below) / 2
	w.History.Buckets(from, func(tick slo.Span, c slo.Counts) bool {
		if w.unseen(tick) == 0 {
			step(tick, middle*float64(tick.End.Sub(tick.Start)/w.History.Interval())-c.Total)
		}
		return true
	})
}

// stepQuiet opens a window of kind quiet where the policy asks for it, and closes it once traffic
// is back. In between nothing is reported.
func (w *Watch) stepQuiet(s slo.Sample, events []alert.Event) []alert.Event {
	before := w.Low
	w.listen(s)
	switch {
	case w.Quiet != nil && w.Low == nil:
		closed := *w.Quiet
		closed.Ended = w.lullEnd(closed.Onset, before.Rate)
		w.count(&closed, closed.Ended)
		w.Quiet = nil
		return append(events, alert.Event{Tick: s.Tick, Closed: true, Window: closed})
	case w.Quiet == nil && w.Low != nil && w.quiet.Issue && w.mayOpen(s):
		w.Quiet = &alert.Window{
			Objective: w.Def.Objective, Labels: w.Labels, Kind: alert.Quietness, Definition: w.digest, Onset: w.Low.Since, Detected: s.Tick,
		}
		opened := *w.Quiet
		w.count(&opened, s.Tick)
		return append(events, alert.Event{Tick: s.Tick, Opened: true, Window: opened})
	}
	return events
}

// count sets the numbers of a window of kind quiet, from its onset to a time.
func (w *Watch) count(v *alert.Window, end time.Time) {
	v.Counts = w.History.Between(v.Onset, end)
	v.UsualEvents = w.usualOf(slo.Span{Start: v.Onset, End: end})
	v.Clip()
	w.spend(v, end)
	v.Caveats = slo.MergeCaveats(v.Caveats, v.Objective.Indicator.Caveats())
	v.Severity = w.Def.Policy.SeverityOf(*v)
}
