package slo

import (
	"slices"
	"time"
)

// maxBlind bounds how many blind stretches are remembered.
const maxBlind = 64

// History is what an objective's samples add up to: how many events there were until when, and when
// there was no data.
type History struct {
	curve
	seen     int64  // ticks with data since the origin
	negative int64  // the newest tick with less than 0 bad events; 0: there was none
	blind    []Span // stretches without data since the origin, oldest first
}

// NewHistory makes an empty history whose first sample will be for the tick after `start`. Windows
// up to `rules` long are summed with a resolution of a tick or 1/864 of that length, windows up to
// `window` with at least 1/540 of that.
func NewHistory(interval time.Duration, start time.Time, rules, window time.Duration) *History {
	return &History{curve: newCurve(interval, start, rules, window)}
}

// Granularity returns how finely a history keeps what its rules see if they look back for `rules`:
// single ticks for the length `fine`, and buckets of the length `bucket` before that.
func Granularity(interval, rules time.Duration) (fine, bucket time.Duration) {
	g := grid(interval)
	n, middle := forRules(g.ticks(rules))
	return g.length(n + 1), g.length(middle)
}

// Clone returns a copy that shares nothing with the history.
func (h *History) Clone() *History {
	c := *h
	c.curve = h.curve.clone()
	c.blind = slices.Clone(h.blind)
	return &c
}

// Empty reports whether no tick has had data yet.
func (h *History) Empty() bool { return h.seen == 0 }

// Apart reports whether good and total events are seen at different times: a tick that is still
// kept had less than 0 bad ones.
func (h *History) Apart() bool { return h.negative > 0 && h.negative >= h.levels.oldest(h.now) }

// Blind returns the remembered stretches without data since the origin, oldest first.
func (h *History) Blind() []Span { return h.blind }

// BlindSince returns when the oldest remembered stretch without data begins. full is true if older
// ones may be forgotten.
func (h *History) BlindSince() (start time.Time, full bool) {
	if len(h.blind) < maxBlind {
		return h.Origin(), false
	}
	return h.blind[0].Start, true
}

// Add folds in the sample of the tick after the last one. The sample must be normalized; its own
// tick is ignored.
func (h *History) Add(s Sample) { h.AddLong(s, 1) }

// AddLong folds in one sample for the next `ticks` ticks together. Points inside them are not
// known: its events are taken as spread evenly.
func (h *History) AddLong(s Sample, ticks int64) {
	start, end := h.advance(ticks, h.seen > 0 || !s.Blind)
	var own Counts
	switch {
	case !s.Blind:
		own = s.Counts
		h.seen += ticks
		h.count(own)
		if own.Bad < 0 {
			h.negative = end
		}
	case h.seen > 0:
		h.addBlind(Span{h.time(start), h.time(end)})
	}
	if ticks > 1 {
		h.fillIn(start, own)
	}
	for _, l := range s.Late {
		h.spread(l.Counts, h.untilTick(l))
	}
	h.mark()
}

// AddSteps is AddLong for each of some samples that have data, and no late events. Bad events must
// be 0 or more. The history has data already.
func (h *History) AddSteps(steps []Sample, ticks int64) {
	h.addSteps(steps, ticks)
	h.seen += int64(len(steps)) * ticks
}

// untilTick returns Late.Until for ticks.
func (h *History) untilTick(l Late) func(tick int64) Counts {
	return func(tick int64) Counts { return l.Until(h.time(tick)) }
}

func (h *History) addBlind(span Span) {
	if n := len(h.blind); n > 0 && h.blind[n-1].End.Equal(span.Start) {
		h.blind[n-1].End = span.End
		return
	}
	if len(h.blind) == maxBlind {
		h.blind = append(h.blind[:0], h.blind[1:]...)
	}
	h.blind = append(h.blind, span)
}

// Last sums the events in the last `length` of time. Time before the origin counts as free of
// errors, at the mean rate seen since; blind stretches are left out.
func (h *History) Last(length time.Duration) Counts {
	return h.WithUnseen(h.Counted(length), length, h.Origin(), 0)
}

// WithUnseen adds an estimate, as Last does, to events counted in the last `length` of time, of
// which those before `origin` were not seen. The time `took` since the history's own origin counts
// as not seen, too.
func (h *History) WithUnseen(c Counts, length time.Duration, origin time.Time, took time.Duration) Counts {
	seen := float64(h.seen) - float64(took)/float64(h.Interval())
	if unseen := h.tick(origin) - (h.now - h.ticks(length)); unseen > 0 && seen > 0 {
		c.Total += c.Total * float64(unseen) / seen
	}
	return c
}

// seenFor returns how long there was data since the origin.
func (h *History) seenFor() time.Duration { return h.length(h.seen) }
