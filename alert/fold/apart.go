package fold

import (
	"math"
	"time"

	"github.com/postburn/postburn/slo"
)

// Good and total events of different metrics or targets are seen at different times: a call is
// counted when it begins and again when it ends, or the two are scraped some seconds apart. What
// is in flight at a tick's end is then bad until the next tick, and a window that begins in quiet
// and ends in a burst of traffic has some that never failed, for as long as the burst lasts.
//
// So such counts are read three ways: as they are, with the total of a tick earlier, and with the
// good events of a tick earlier. If the two are at most a tick apart, what is in flight has
// opposite signs in two of these, and what is really bad is in all three. The readings differ by
// counts of single ticks at a window's edges only (see shiftsAt), so in steady traffic they are
// the same. Only what all three say opens a window, keeps it open, or moves its onset and end.
// (Bounding what is in flight by the last tick's total instead would hide an error ratio of 5 %
// for good.)
//
// An objective that never had less than 0 bad events in a tick is read as it is.

// Which stretches are looked at: those that begin at one of so many of the newest ticks, and end
// at one of so many (10 minutes of ticks of 30 s, so that errors in a burst are found though it
// has just ended).
const (
	maxStarts = 720
	maxEnds   = 20
)

// shifts is by how much the bad events up to some time are more in the two other readings: with
// the total of a tick earlier, and with the good events of a tick earlier. Those in (a, b] are
// more by the shifts at b less those at a.
type shifts [2]float64

func (s shifts) add(o shifts) shifts { return shifts{s[0] + o[0], s[1] + o[1]} }

func (s shifts) sub(o shifts) shifts { return shifts{s[0] - o[0], s[1] - o[1]} }

// least returns the fewest bad events of the three readings, given those of the counts as they are.
func (s shifts) least(bad float64) float64 { return bad + min(0, s[0], s[1]) }

// shiftsAt returns the shifts at the end of a tick.
func (w *Watch) shiftsAt(t time.Time) shifts {
	c := w.History.Between(t.Add(-w.History.Interval()), t)
	return shifts{-c.Total, c.Total - c.Bad}
}

// shiftTo returns what the shifts have changed by since the last tick with data, and remembers
// them in `last`; nil if there is one reading only. A tick without data, or of planned work, says
// nothing of what is in flight.
func (w *Watch) shiftTo(last **shifts, start, end time.Time, silent bool) *shifts {
	if !w.History.Apart() {
		*last = nil
		return nil
	}
	if *last == nil {
		s := w.shiftsAt(start)
		*last = &s
	}
	if silent {
		return &shifts{}
	}
	s := w.shiftsAt(end)
	change := s.sub(**last)
	*last = &s
	return &change
}

// reading is what there is up to a time, less what there is up to now.
type reading struct {
	bad    float64
	shifts shifts
}

// certain returns how many bad events there are after a time in all three readings, whatever was
// in flight at either end: the most of any stretch after it that ends not long ago. (Errors in a
// burst are certain within the burst; with the quiet before or after it they are not.) A stretch
// that ends a tick earlier must hold as many, for in the first tick of a burst the three can be
// wrong together. Bad events that `excused` returns for a time are left out of what is after it.
func (w *Watch) certain(after time.Time, excused func(time.Time) float64) (most float64) {
	h, tick := w.History, w.History.Interval()
	at := func(t time.Time) reading { return reading{excused(t) - h.Between(t, h.Now()).Bad, w.shiftsAt(t)} }
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
		before := math.Inf(-1) // of the stretch that ends a tick earlier
		for _, to := range readings[max(i+1, len(readings)-1-maxEnds):] {
			least := to.shifts.sub(from.shifts).least(to.bad - from.bad)
			most, before = max(most, min(least, before)), least
		}
	}
	return most
}

// isCertain reports whether a rule is over its rate in both windows by the bad events that are
// certain.
func (w *Watch) isCertain(r armedRule) bool {
	for _, length := range []time.Duration{r.Short, r.Long} {
		c := w.History.Last(length)
		c.Bad = min(c.Total, w.certain(w.History.Now().Add(-length), w.excusedSince))
		if !r.threshold.Exceeded(c) || length == r.Long && c.Bad < w.Def.Policy.MinBadEvents {
			return false
		}
	}
	return true
}

// isWell reports whether the target was met in the last `hold` of an open window's ticks that had
// events.
func (w *Watch) isWell(open *OpenWindow) bool {
	// What was before the onset says nothing of a recovery, though it may be the last that had
	// events before a long silence.
	recent, enough := w.History.LastActive(open.Hold, open.Run.Onset)
	if !enough {
		return false
	}
	if w.History.Apart() {
		from := w.History.ActiveSince(open.Hold, open.Run.Onset)
		recent.Bad = w.certain(from, noneExcused)
	}
	return !w.thresholdOf(open).Exceeded(recent)
}

func noneExcused(time.Time) float64 { return 0 }

// inFlight returns how many of the bad events in (from, now] may be in flight.
func (w *Watch) inFlight(from time.Time) float64 {
	if !w.History.Apart() {
		return 0
	}
	return max(0, w.History.Between(from, w.History.Now()).Bad-w.certain(from, noneExcused))
}

// addShifts folds the two other readings of a tick into the tracker, and reports whether one of
// them is at 0 after it: then nothing is certain yet (ended), or nothing before this tick is
// (begun: a good event that was counted a tick early may belong to it).
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
