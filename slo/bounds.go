package slo

import "time"

// CoarseStep returns a step in which to read a history's past if nobody needs its single ticks: at
// most `about` long, whole middle buckets of NewHistory (at least one), and a divisor of its
// longest buckets if they exceed a tick, so that their points are ends of steps.
func CoarseStep(interval, rules, window, about time.Duration) time.Duration {
	h := NewHistory(interval, time.Unix(0, 0), rules, window)
	_, middle := forRules(h.ticks(rules))
	widest := int64(h.Resolution() / interval)
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

// Unsure is a history that does not know every point: it got samples of several ticks together.
type Unsure struct {
	*History
	Step    time.Duration          // points at multiples of this are known, ...
	IsKnown func(p time.Time) bool // ... and maybe others
}

// Around returns the nearest known points before and after t; bucket is the length of the bucket
// that holds t. They are the same if t is a known point itself.
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
// is `ahead` long and has the events `next`; at the last tick if ahead is 0. Bad events must be 0
// or more in all ticks.
func (u Unsure) Bounds(length, ahead time.Duration, next Counts) (least, most Counts) {
	least, most = u.CountedBounds(length, ahead, next)
	if gap := u.Origin().Sub(u.Now().Add(-length)); gap > 0 {
		seen := u.seenFor()
		most.Total += most.Total * float64(gap) / float64(max(seen, u.Interval()))
		least.Total += least.Total * float64(max(0, gap-ahead)) / float64(seen+ahead+1)
	}
	return least, most
}

// CountedBounds is Bounds for Counted.
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

// MostBetween returns no less than the most events that Between returns for a stretch at the ticks
// of the next sample, which is `ahead` long and moves the stretch on; at the last tick if ahead is
// 0. The stretch is over by then.
func (u Unsure) MostBetween(from, to time.Time, ahead time.Duration) float64 {
	if most, ok := u.mostIn(u.tick(from), u.tick(to), u.ticks(ahead), u.ticks(u.Step)); ok {
		return most
	}
	bucket := u.Grain(from.Add(-ahead))
	early, _ := u.Around(from, bucket)
	_, late := u.Around(to.Add(ahead), bucket)
	return u.Between(early, late).Total
}

// mostIn returns the most events in a stretch that moves on by up to `ahead` ticks. ok is false
// unless both ends are surely in the longest buckets all the time: there the count grows evenly
// from one point to the next, and points are ends of steps.
func (p *points) mostIn(from, to, ahead, step int64) (most float64, ok bool) {
	bucket := p.levels.coarsest().step
	for _, edge := range [...]int64{from, to} {
		if grain, kept := p.levels.grain(edge+ahead+3*step, p.now); grain != bucket || grain < step || !kept {
			return 0, false
		}
	}
	if to+ahead+bucket > p.now || from < p.known() {
		return 0, false
	}
	at := func(moved int64) { most = max(most, p.between(from+moved, to+moved).Total) }
	at(0)
	at(ahead)
	for _, edge := range [...]int64{from, to} {
		for point := ceilDiv(edge, bucket) * bucket; point < edge+ahead; point += bucket {
			at(point - edge)
		}
	}
	return most, true
}

// floorTime returns the last multiple of a step since 1970 that is not after t.
func floorTime(t time.Time, step time.Duration) time.Time {
	return time.Unix(0, int64(floorDiv(int(t.UnixNano()), int(step)))*int64(step)).UTC()
}

// ceilTime returns the first multiple of a step since 1970 that is not before t.
func ceilTime(t time.Time, step time.Duration) time.Time {
	return floorTime(t.Add(step-1), step)
}
