package slo

import (
	"slices"
	"time"
)

// CoarseStep returns the length of the steps in which a history's past may be read where nobody
// looks at ticks one by one: about as long as is asked for, and such that the points of all buckets
// longer than a tick that NewHistory would give it are ends of steps. It is the interval where no
// such step is longer.
func CoarseStep(interval, rules, window, about time.Duration) time.Duration {
	h := NewHistory(interval, time.Unix(0, 0), rules, window)
	_, middle := forRules(h.ticks(rules))
	widest := h.levels[len(h.levels)-1].step
	step := middle
	for n := 2 * middle; time.Duration(n)*interval <= about; n += middle {
		if widest <= middle || widest%n == 0 {
			step = n
		}
	}
	if middle > 1 && widest == middle {
		step = middle
	}
	return time.Duration(step) * interval
}

// Clone returns a copy that shares nothing with the history.
func (h *History) Clone() *History {
	c := *h
	c.blind = slices.Clone(h.blind)
	c.levels = slices.Clone(h.levels)
	for i := range c.levels {
		c.levels[i].points = slices.Clone(c.levels[i].points)
	}
	return &c
}

// Grain returns how long the bucket is that the history keeps a time in now.
func (h *History) Grain(t time.Time) time.Duration {
	tick := t.UnixNano() / int64(h.interval)
	for i := range h.levels {
		if l := &h.levels[i]; tick/l.step >= l.oldest(h.now) {
			return time.Duration(l.step) * h.interval
		}
	}
	return h.Resolution()
}

// Unsure is a history of which not every point is known: samples of several ticks together were
// added to it.
type Unsure struct {
	*History
	Step    time.Duration          // points at multiples of this are known, ...
	IsKnown func(p time.Time) bool // ... and maybe others
}

// Around returns the nearest points before and after t that are known, where t is kept in a bucket
// of that length. They are the same if t is such a point itself.
func (u Unsure) Around(t time.Time, bucket time.Duration) (before, after time.Time) {
	after = ceilTime(t, bucket)
	if !u.IsKnown(after) {
		after = ceilTime(after, u.Step)
	}
	for before = floorTime(t, bucket); ; {
		point := floorTime(before, u.Grain(before)) // what is further back may be kept in longer buckets
		if !u.IsKnown(point) {
			point = floorTime(point, u.Step)
		}
		if point.Equal(before) {
			return before, after
		}
		before = point
	}
}

// IsExact reports whether the sum of all events after t is what it would be if all ticks had been
// added one by one.
func (u Unsure) IsExact(t time.Time) bool {
	if !t.After(u.Origin()) || !t.Before(u.Now()) {
		return true
	}
	before, after := floorTime(t, u.Grain(t)), ceilTime(t, u.Grain(t))
	return (u.IsKnown(before) || !before.After(u.Origin())) && (u.IsKnown(after) || !after.Before(u.Now()))
}

// Bounds returns the least and the most that Last can return at the ticks of the next sample, which
// is of a time so long and has these events; with no time, at the last tick. Bad events must be 0
// or more in all ticks.
func (u Unsure) Bounds(length, ahead time.Duration, next Counts) (least, most Counts) {
	least, most = u.CountedBounds(length, ahead, next)
	if gap := u.Origin().Sub(u.Now().Add(-length)); gap > 0 {
		seen := time.Duration(u.seen) * u.interval
		most.Total += most.Total * float64(gap) / float64(max(seen, u.interval))
		least.Total += least.Total * float64(max(0, gap-ahead)) / float64(seen+ahead+1)
	}
	return least, most
}

// CountedBounds are the bounds of what Counted can return.
func (u Unsure) CountedBounds(length, ahead time.Duration, next Counts) (least, most Counts) {
	from, now := u.Now().Add(-length), u.Now()
	bucket := u.Grain(from.Add(-ahead))
	early, _ := u.Around(from, bucket)
	_, late := u.Around(from.Add(ahead), bucket)
	most = u.Between(early, now).Add(next)
	if late.Before(now) {
		least = u.Between(late, now)
	}
	return least, most
}

// floorTime returns the last multiple of a step since 1970 that is not after t.
func floorTime(t time.Time, step time.Duration) time.Time {
	return time.Unix(0, int64(floorDiv(int(t.UnixNano()), int(step)))*int64(step)).UTC()
}

// ceilTime returns the first multiple of a step since 1970 that is not before t.
func ceilTime(t time.Time, step time.Duration) time.Time {
	return floorTime(t.Add(step-1), step)
}
