package slo

import "time"

// Ahead looks at several next steps of a history at once, before they are added: what windows can
// hold at the ticks of each. Bad events must be 0 or more in all ticks.
type Ahead struct {
	history *History
	step    int64    // ticks
	sums    []Counts // events of the first i steps
	points  []Counts // scratch
}

// AheadOf looks at the next samples of u, which are u.Step long and have data. They begin at a
// multiple of u.Step, at which the events are known, as at all earlier ones. reuse may be an Ahead
// that is no longer needed, or nil.
func (u Unsure) AheadOf(next []Sample, reuse *Ahead) *Ahead {
	if reuse == nil {
		reuse = &Ahead{}
	}
	a := reuse
	a.history, a.step, a.sums = u.History, u.ticks(u.Step), append(a.sums[:0], Counts{})
	for i := range next {
		a.sums = append(a.sums, a.sums[i].Add(next[i].Counts))
	}
	return a
}

// Len returns how many steps there are.
func (a *Ahead) Len() int { return len(a.sums) - 1 }

// Sum returns the events of the first n steps.
func (a *Ahead) Sum(n int) Counts { return a.sums[n] }

// Bound bounds what a window holds at all ticks of a step.
type Bound struct {
	Total  float64 // the fewest events, with those that Last adds for time before the origin
	Seen   float64 // the fewest events without these
	Bad    float64 // the most bad ones
	Before float64 // the most bad ones of the whole history before it begins
}

// Bounds appends the bounds of a window of some length at the first n steps: what Unsure.Bounds
// returns for each of them once those before it are added, or wider.
func (a *Ahead) Bounds(all []Bound, length time.Duration, n int) []Bound {
	h, ticks := a.history, a.history.ticks(length)
	grain := a.grain(ticks)
	points := a.appendUpTo(a.points[:0], h.now-ticks, grain, n+1)
	early, late := points[:n], points[1:] // if it begins at a point in one step, it begins at the next one a step later
	if ticks%a.step != 0 || grain != a.step {
		points = a.appendUpTo(points[:n], h.now+a.step-ticks+grain-1, grain, n)
		early, late = points[:n], points[n:]
	}
	a.points = points
	before := h.All().Bad
	for i := range n {
		now := h.now + int64(i)*a.step
		b := Bound{Seen: max(0, a.sums[i].Total-late[i].Total), Bad: a.sums[i+1].Bad - early[i].Bad, Before: before + late[i].Bad}
		b.Total = b.Seen
		if gap := h.origin - (now - ticks) - a.step; gap > 0 {
			b.Total += b.Total * float64(gap) / (float64(h.seen+int64(i+1)*a.step) + 1)
		}
		all = append(all, b)
	}
	return all
}

// Most returns no less than the most events that a stretch can hold at a tick of some of the steps,
// [first, end). It ends `ago` before the tick.
func (a *Ahead) Most(length, ago time.Duration, first, end int) float64 {
	h := a.history
	from := h.now + int64(first)*a.step - h.ticks(length+ago)
	if most, ok := h.mostIn(from, from+h.ticks(length), int64(end-first)*a.step, a.step); ok {
		return most
	}
	to := h.now + int64(end)*a.step - h.ticks(ago)
	grain := a.grain(h.ticks(length + ago))
	return a.upTo(ceilDiv(to, grain)*grain).Total - a.upTo(from/grain*grain).Total
}

// grain returns the length of buckets, in ticks, that tell all about the edge of a window of some
// ticks: the history may keep it so coarsely by then, but no coarser.
func (a *Ahead) grain(ticks int64) int64 {
	step, _ := a.history.levels.grain(a.history.now-ticks-3*a.step, a.history.now)
	return max(step, a.step)
}

// appendUpTo appends the events up to n points, less those up to now. The points are a step apart,
// rounded down to buckets.
func (a *Ahead) appendUpTo(points []Counts, first, grain int64, n int) []Counts {
	last := int64(-1)
	for i := range n {
		at := (first + int64(i)*a.step) / grain * grain
		if at == last {
			points = append(points, points[len(points)-1])
			continue
		}
		points, last = append(points, a.upTo(at)), at
	}
	return points
}

// upTo returns the events up to the end of a step, less those up to now.
func (a *Ahead) upTo(tick int64) Counts {
	if h := a.history; tick < h.now {
		return h.position(tick).since(h.sum)
	}
	return a.sums[min((tick-a.history.now)/a.step, int64(a.Len()))]
}
