package slo

import (
	"errors"
	"time"
)

// Ticks are a stretch of the time grid: First, First + Interval, ... Last. All are aligned: whole
// multiples of Interval since 1970.
//
// The past may be read in steps that are longer than a tick of the grid. Then Each is the length of
// that tick; 0 means Interval. Differences of counters add up over a step of any length, but what
// is measured once a tick is measured at all ticks inside the step.
type Ticks struct {
	First, Last time.Time
	Interval    time.Duration
	Each        time.Duration
}

// Fine returns the ticks of the grid inside all steps, and how many there are in one step.
func (t Ticks) Fine() (fine Ticks, perStep int) {
	if t.Each <= 0 || t.Each >= t.Interval || t.Interval%t.Each != 0 || t.Len() == 0 {
		t.Each = 0
		return t, 1
	}
	return Ticks{First: t.First.Add(t.Each - t.Interval), Last: t.Last, Interval: t.Each}, int(t.Interval / t.Each)
}

// Len returns the number of ticks.
func (t Ticks) Len() int {
	if t.Last.Before(t.First) {
		return 0
	}
	return int(t.Last.Sub(t.First)/t.Interval) + 1
}

// At returns the i-th tick.
func (t Ticks) At(i int) time.Time { return t.First.Add(time.Duration(i) * t.Interval) }

// Reading is what a source found for one objective, or why it found nothing.
type Reading struct {
	Series []Series // one a label set; without group_by exactly one, of the empty label set
	Err    error    // there is no sample: read the ticks again. It wraps one of the Err values below
}

// Series are the normalized samples of one label set, one for each tick that was asked for.
type Series struct {
	Labels  Labels
	Samples []Sample
}

// Why a source has no samples. No data at all is no error: it makes blind samples.
var (
	ErrUnreachable = errors.New("prometheus is unreachable")         // no connection, a timeout, or a 5xx answer
	ErrBadAnswer   = errors.New("the answer is not prometheus'")     // an HTML page, truncated JSON, a value of the wrong type
	ErrRefused     = errors.New("prometheus refused the query")      // bad_data or execution: a second try may not help
	ErrIncomplete  = errors.New("prometheus answered with warnings") // a partial response, by the server's own word
	ErrClock       = errors.New("prometheus' clock is behind")       // by it, the ticks have yet to come: its data for them is incomplete
)
