package fold

import (
	"math"
	"time"

	"github.com/postburn/postburn/slo"
)

// Good and total events of different metrics or targets are seen at different times: a call is
// counted when it begins and again when it ends, or the two are scraped some seconds apart. A call
// in flight at a tick's end then looks bad until the next tick. A window that begins in quiet and
// ends in a burst of traffic has such false errors for as long as the burst lasts.
//
// So such counts are read three ways: as they are, with the total of a tick earlier, and with the
// good events of a tick earlier. If the two are at most a tick apart, calls in flight have opposite
// signs in two readings, and real errors are in all three. The readings differ only by counts of
// single ticks at a window's edges (see shiftsAt), so in steady traffic they agree. A window opens,
// stays open, or moves its onset and end only if all three agree. (Bounding calls in flight by the
// last tick's total instead would hide an error ratio of 5 % for good.)
//
// Counts of an objective that never had less than 0 bad events in a tick are read as they are.

// certain looks at stretches that begin in the newest maxStarts ticks and end in the newest
// maxEnds: 10 minutes at 30 s, so that errors in a burst are found though it has just ended.
const (
	maxStarts = 720
	maxEnds   = 20
)

// shifts says how many more bad events there are up to a time in the two other readings: with the
// total of a tick earlier, and with the good events of a tick earlier. For (a, b], subtract the
// shifts at a from those at b.
type shifts [2]float64

func (s shifts) add(o shifts) shifts { return shifts{s[0] + o[0], s[1] + o[1]} }

func (s shifts) sub(o shifts) shifts { return shifts{s[0] - o[0], s[1] - o[1]} }

// least returns the fewest bad events of the three readings; bad is the count as it is.
func (s shifts) least(bad float64) float64 { return bad + min(0, s[0], s[1]) }

// shiftsAt returns the shifts at the end of a tick.
func (p *past) shiftsAt(t time.Time) shifts {
	c := p.History.Between(t.Add(-p.History.Interval()), t)
	return shifts{-c.Total, c.Total - c.Bad}
}

// shiftTo returns how the shifts changed since the last tick with data, and keeps them in `last`.
// It returns nil if there is only one reading. A tick without data or of planned work changes
// nothing.
func (p *past) shiftTo(last **shifts, start, end time.Time, silent bool) *shifts {
	if !p.History.Apart() {
		*last = nil
		return nil
	}
	if *last == nil {
		s := p.shiftsAt(start)
		*last = &s
	}
	if silent {
		return &shifts{}
	}
	s := p.shiftsAt(end)
	change := s.sub(**last)
	*last = &s
	return &change
}

// reading holds bad events up to a time, less those up to now.
type reading struct {
	bad    float64
	shifts shifts
}

// certain returns how many bad events after a time are in all three readings, whatever was in
// flight at either end: the most in any later stretch that ended recently. (Errors in a burst are
// certain within the burst; with the quiet around it they are not.) The stretch ending a tick
// earlier must hold as many: in the first tick of a burst all three can be wrong. The bad events
// that `excused` returns for a time are left out of the count after it.
func (p *past) certain(after time.Time, excused func(time.Time) float64) (most float64) {
	h, tick := p.History, p.History.Interval()
	at := func(t time.Time) reading { return reading{excused(t) - h.Between(t, h.Now()).Bad, p.shiftsAt(t)} }
	if begun := h.Origin().Add(2 * tick); after.Before(begun) {
		after = begun // the first tick may be a baseline, and nobody knows what was in flight then
	}
	readings := []reading{at(after)}
	for t := h.Now().Add(-maxStarts * tick); !t.After(h.Now()); t = t.Add(tick) {
		if t.After(after) && h.EachTick(t.Add(-tick)) {
			readings = append(readings, at(t))
		}
	}
	for i, from := range readings {
		before := math.Inf(-1) // the stretch that ends a tick earlier
		for _, to := range readings[max(i+1, len(readings)-1-maxEnds):] {
			least := to.shifts.sub(from.shifts).least(to.bad - from.bad)
			most, before = max(most, min(least, before)), least
		}
	}
	return most
}

func noneExcused(time.Time) float64 { return 0 }

// inFlight returns how many of the bad events in (from, now] may be in flight.
func (p *past) inFlight(from time.Time) float64 {
	if !p.History.Apart() {
		return 0
	}
	return max(0, p.History.Between(from, p.History.Now()).Bad-p.certain(from, noneExcused))
}

// addShifts folds a tick's two other readings into the tracker and reports for each if it is at 0
// then. With ended, nothing is certain yet. With begun, nothing before this tick is: a good event
// that was counted a tick early may belong to it.
func (t *tracker) addShifts(before float64, counts slo.Counts, rule slo.Threshold, change *shifts) (ended, begun bool) {
	if change == nil {
		t.Apart = nil
		return false, false
	}
	if t.Apart == nil {
		t.Apart = &shifts{before, before}
	}
	for i, more := range change {
		t.Apart[i] = max(0, t.Apart[i]+rule.Excess(slo.Counts{Total: counts.Total, Bad: counts.Bad + more}))
	}
	return t.Apart[0] == 0, t.Apart[1] == 0
}
