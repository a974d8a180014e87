package slo

import "time"

// The sizes of a history's levels, in buckets: at ticks of 30 s they make buckets of a tick for 6
// h, of 5 min for 3 d, and of 4 h for 90 d, in less than 24 KiB.
const (
	fineBuckets   = 720
	middleBuckets = 864
	coarseBuckets = 540
)

// maxBlind bounds how many blind stretches are remembered.
const maxBlind = 64

// History is what an objective's samples add up to, at up to three resolutions. Each level is a
// ring of cumulative counts, so the sum over any window is one subtraction, whatever its length,
// and an oldest bucket that the window only cuts is prorated.
type History struct {
	interval time.Duration
	levels   []level
	now      int64  // the last tick added, as a number of intervals since 1970
	origin   int64  // where data begins: the start of the first tick that was not blind
	seen     int64  // ticks with data since then
	sum      sums   // all events since the first origin
	base     sums   // what the cumulative counts begin at: 0, or less by all that was backfilled
	blind    []Span // stretches without data since origin, oldest first
	negative int64  // the newest tick with less than 0 bad events; 0: there was none
	peak     units  // the highest cumulative count of bad events so far
	fall     units  // how far one has been below an earlier one, at most
}

// Span is a stretch of time, (Start, End].
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// NewHistory makes an empty history whose first sample will be that of the tick after `start`.
// Windows up to `rules` long are summed with a resolution of a tick or 1/864 of that length,
// windows up to `window` with at least 1/540 of that.
func NewHistory(interval time.Duration, start time.Time, rules, window time.Duration) *History {
	h := &History{interval: interval, now: start.UnixNano() / int64(interval)}
	h.origin = h.now
	fine, middle := forRules(h.ticks(rules))
	h.addLevel(int(fine), 1)
	if middle > 1 {
		h.addLevel(int(ceilDiv(h.ticks(rules), middle)), middle)
	}
	widest := h.levels[len(h.levels)-1]
	if length := h.ticks(window); length > widest.step*int64(widest.len()-2) {
		step := ceilDiv(ceilDiv(length, coarseBuckets), widest.step) * widest.step
		h.addLevel(int(ceilDiv(length, step)), step)
	}
	return h
}

// forRules is how many ticks are kept one by one where rules look back so many, and how many there
// are in a bucket before that: one where no more are needed.
func forRules(ticks int64) (fine, middle int64) {
	middle = max(1, ceilDiv(ticks, middleBuckets))
	if middle == 1 {
		return max(fineBuckets, ticks), 1
	}
	return fineBuckets, middle
}

// Granularity is how finely a history keeps what rules look at that look back for `rules`: every
// tick for the length `fine`, and buckets of the length `bucket` before that.
func Granularity(interval, rules time.Duration) (fine, bucket time.Duration) {
	n, middle := forRules(ceilDiv(int64(rules), int64(interval)))
	return time.Duration(n+1) * interval, time.Duration(middle) * interval
}

func (h *History) addLevel(buckets int, step int64) {
	// One point more than buckets, and one for a window that is no multiple of the step.
	h.levels = append(h.levels, newLevel(step, buckets+2))
}

// Interval is the length of a tick.
func (h *History) Interval() time.Duration { return h.interval }

// Now is the last tick that was added.
func (h *History) Now() time.Time { return h.time(h.now) }

// Origin is where data begins: the start of the first tick that was not blind.
func (h *History) Origin() time.Time { return h.time(h.origin) }

// Known is from when on the events are known: the origin, or the oldest bucket that is kept.
func (h *History) Known() time.Time {
	l := &h.levels[len(h.levels)-1]
	return h.time(max(h.origin, l.oldest(h.now)*l.step))
}

// Empty reports whether no tick has had data yet.
func (h *History) Empty() bool { return h.seen == 0 }

// Apart reports whether good and total events are seen at different times: some tick had less than
// 0 bad ones, and is still kept.
func (h *History) Apart() bool {
	l := &h.levels[len(h.levels)-1]
	return h.negative > 0 && h.negative >= l.oldest(h.now)*l.step
}

// Blind are the stretches without data since the origin that are remembered, oldest first.
func (h *History) Blind() []Span { return h.blind }

// Add folds in the sample of the tick after the last one. The sample must be normalized; its own
// tick is not looked at.
func (h *History) Add(s Sample) { h.AddLong(s, 1) }

// AddLong folds in the sample of so many ticks together, those after the last one. Points inside
// them are not known: its events are taken as spread evenly.
func (h *History) AddLong(s Sample, ticks int64) {
	start, before := h.now, h.sum
	h.now += ticks
	switch {
	case s.Blind && h.seen == 0:
		h.origin = h.now
	case s.Blind:
		h.addBlind(start)
	default:
		h.seen += ticks
		h.count(s.Counts)
		if s.Bad < 0 {
			h.negative = h.now
		}
	}
	if ticks > 1 {
		h.fillIn(before, Late{From: h.time(start), To: h.time(h.now), Counts: h.sum.sub(before).counts()})
	}
	for _, l := range s.Late {
		h.mayFall(l.Counts)
		h.count(l.Counts)
		h.spread(l)
	}
	for i := range h.levels {
		l := &h.levels[i]
		if h.now%l.step == 0 {
			l.set(h.now/l.step, h.sum, h.sum)
		}
	}
}

// count adds events to the sum. No point of a level is further below it than the oldest one and the
// deepest fall together.
func (h *History) count(c Counts) {
	sum := h.sum.add(sumsOf(c))
	if h.peak.less(sum.bad) {
		h.peak = sum.bad
	} else if fall := h.peak.sub(sum.bad); h.fall.less(fall) {
		h.fall = fall
	}
	for i := range h.levels {
		l := &h.levels[i]
		since := h.base
		if n := l.oldest(h.now); n*l.step > h.origin {
			since = l.at(n, h.sum)
		}
		below := sum.sub(since)
		l.reserve(sums{below.total, below.bad.add(h.fall)}, h.sum)
		l.reserve(sums{below.total, units{}.sub(h.fall)}, h.sum)
	}
	h.sum = sum
}

// mayFall notes that the cumulative counts of bad events are about to be changed inside by late
// ones, which may be below 0.
func (h *History) mayFall(late Counts) {
	if late.Bad < 0 {
		h.fall = h.fall.add(unitsOf(-late.Bad))
	}
}

// findFall finds the highest cumulative count and the deepest fall that the levels hold.
func (h *History) findFall() {
	h.peak, h.fall = h.sum.bad, units{}
	for i := range h.levels {
		l := &h.levels[i]
		highest := h.base.bad
		for n := l.first(h); n <= h.now/l.step; n++ {
			if c := l.at(n, h.sum).bad; highest.less(c) {
				highest = c
			} else if fall := highest.sub(c); h.fall.less(fall) {
				h.fall = fall
			}
		}
		if h.peak.less(highest) {
			h.peak = highest
		}
	}
	if fall := h.peak.sub(h.sum.bad); h.fall.less(fall) {
		h.fall = fall
	}
}

// fillIn sets the points inside of ticks that were added together, before which there was that sum.
func (h *History) fillIn(before sums, added Late) {
	start := added.From.UnixNano() / int64(h.interval)
	for i := range h.levels {
		l := &h.levels[i]
		for n := max(start/l.step+1, l.oldest(h.now-1)); n*l.step < h.now; n++ {
			l.set(n, before.add(sumsOf(added.Until(h.time(n*l.step)))), h.sum)
		}
	}
}

func (h *History) addBlind(start int64) {
	if n := len(h.blind); n > 0 && h.blind[n-1].End.Equal(h.time(start)) {
		h.blind[n-1].End = h.time(h.now)
		return
	}
	if len(h.blind) == maxBlind {
		h.blind = append(h.blind[:0], h.blind[1:]...)
	}
	h.blind = append(h.blind, Span{h.time(start), h.time(h.now)})
}

// spread adds what came late, and is counted, to the points inside and after its stretch.
func (h *History) spread(late Late) {
	for i := range h.levels {
		l := &h.levels[i]
		for n := max(ceilDiv(h.origin, l.step), l.oldest(h.now-1)); n*l.step < h.now; n++ {
			l.set(n, l.at(n, h.sum).add(sumsOf(late.Until(h.time(n*l.step)))), h.sum)
		}
	}
}

// Resolution is the length of the history's longest buckets.
func (h *History) Resolution() time.Duration {
	return time.Duration(h.levels[len(h.levels)-1].step) * h.interval
}

// Last sums the events in the last `length` of time. Time before the origin counts as free of
// errors, at the mean rate seen since; blind stretches are left out.
func (h *History) Last(length time.Duration) Counts {
	from := h.now - h.ticks(length)
	c := h.between(from, h.now)
	if from < h.origin && h.seen > 0 {
		c.Total += c.Total * float64(h.origin-from) / float64(h.seen)
	}
	return c
}

// Counted sums the events in the last `length` of time that were seen, and adds nothing for time
// before the origin.
func (h *History) Counted(length time.Duration) Counts {
	return h.between(h.now-h.ticks(length), h.now)
}

// All sums every event since the origin.
func (h *History) All() Counts { return h.sum.counts() }

// Cumulative is the number of events from the first origin to t, less than 0 before that, prorated
// inside the bucket that t falls in.
func (h *History) Cumulative(t time.Time) Counts {
	return h.position(t.UnixNano() / int64(h.interval)).since(sums{})
}

// Between sums the events in (from, to], each end prorated inside the bucket that it falls in.
// However large the cumulative counts are, the difference is exact to a float64's own precision.
func (h *History) Between(from, to time.Time) Counts {
	return h.between(from.UnixNano()/int64(h.interval), to.UnixNano()/int64(h.interval))
}

func (h *History) between(from, to int64) Counts {
	begin, end := h.position(from), h.position(to)
	var zero sums // what both are taken from
	if !begin.point.isSmall() || !end.point.isSmall() {
		zero = begin.point
	}
	return end.since(zero).Sub(begin.since(zero))
}

// position is the cumulative count at a tick: that of a point, and a share of the bucket after it.
type position struct {
	point sums
	part  Counts
}

// since is the number of events since the cumulative count was zero.
func (p position) since(zero sums) Counts { return p.point.sub(zero).counts().Add(p.part) }

func (h *History) position(tick int64) position {
	switch {
	case tick >= h.now:
		return position{point: h.sum}
	case tick <= h.origin:
		return position{point: h.base}
	}
	for i := range h.levels {
		l := &h.levels[i]
		n := tick / l.step
		if n < l.oldest(h.now) {
			continue
		}
		return h.prorate(l, n, tick)
	}
	// Older than all buckets: the oldest point is the best there is.
	l := &h.levels[len(h.levels)-1]
	return position{point: l.at(l.oldest(h.now), h.sum)}
}

// prorate is the cumulative count at a tick in the bucket of l that begins at its n-th step.
func (h *History) prorate(l *level, n, tick int64) position {
	start, end := n*l.step, min((n+1)*l.step, h.now)
	before := h.base
	if start > h.origin {
		before = l.at(n, h.sum)
	} else {
		start = h.origin
	}
	if tick == start {
		return position{point: before}
	}
	after := h.sum
	if end < h.now {
		after = l.at(n+1, h.sum)
	}
	bucket, part, whole := after.sub(before).counts(), float64(tick-start), float64(end-start)
	return position{before, Counts{bucket.Total * part / whole, bucket.Bad * part / whole}}
}

// EachTick reports whether every tick after `from` is still kept by itself.
func (h *History) EachTick(from time.Time) bool {
	return from.UnixNano()/int64(h.interval) >= h.levels[0].oldest(h.now)
}

// Buckets calls yield for each bucket in (from, now], oldest first, at the finest resolution that
// is kept of it, until yield returns false.
func (h *History) Buckets(from time.Time, yield func(Span, Counts) bool) {
	start := max(h.origin, from.UnixNano()/int64(h.interval))
	for start < h.now {
		end := h.now
		for i := range h.levels {
			l := &h.levels[i]
			if start/l.step >= l.oldest(h.now) || i == len(h.levels)-1 {
				end = min(h.now, (start/l.step+1)*l.step)
				break
			}
		}
		if !yield(Span{h.time(start), h.time(end)}, h.between(start, end)) {
			return
		}
		start = end
	}
}

// LastActive sums the most recent stretches after `since` that had events, `length` of them in all;
// silence and blind stretches in between do not count. It reports false where the history holds
// less than that.
func (h *History) LastActive(length time.Duration, since time.Time) (Counts, bool) {
	sum, _, enough := h.lastActive(length, since)
	return sum, enough
}

// ActiveSince returns when the oldest of the stretches begins that LastActive sums.
func (h *History) ActiveSince(length time.Duration, since time.Time) time.Time {
	_, start, _ := h.lastActive(length, since)
	return h.time(start)
}

func (h *History) lastActive(length time.Duration, since time.Time) (sum Counts, oldest int64, enough bool) {
	wanted, end := h.ticks(length), h.now
	first := max(h.origin, since.UnixNano()/int64(h.interval))
	for wanted > 0 && end > first {
		start := first
		for i := range h.levels {
			l := &h.levels[i]
			if s := (end - 1) / l.step; s >= l.oldest(h.now) {
				start = max(first, s*l.step)
				break
			}
		}
		if c := h.between(start, end); c.Total > 0 {
			sum = sum.Add(c)
			wanted -= end - start
		}
		end = start
	}
	return sum, end, wanted <= 0
}

func (h *History) time(tick int64) time.Time { return time.Unix(0, tick*int64(h.interval)).UTC() }

// ticks is a length of time in ticks, rounded up.
func (h *History) ticks(d time.Duration) int64 { return ceilDiv(int64(d), int64(h.interval)) }

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
