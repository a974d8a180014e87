package slo

import "slices"

// The sizes of a history's levels, in buckets: at ticks of 30 s they make buckets of a tick for 6
// h, of 5 min for 3 d, and of 4 h for 90 d, in less than 24 KiB.
const (
	fineBuckets   = 720
	middleBuckets = 864
	coarseBuckets = 540
)

// levels are rings of cumulative counts at up to three resolutions, the finest first.
type levels []level

// newLevels makes levels for rules that look back so many ticks, and for a window.
func newLevels(rules, window int64) (all levels) {
	fine, middle := forRules(rules)
	all.add(fine, 1)
	if middle > 1 {
		all.add(ceilDiv(rules, middle), middle)
	}
	widest := all.coarsest()
	if window > widest.step*int64(widest.len()-2) {
		step := ceilDiv(ceilDiv(window, coarseBuckets), widest.step) * widest.step
		all.add(ceilDiv(window, step), step)
	}
	return all
}

// forRules returns how many ticks to keep one by one for rules that look back so many, and how many
// ticks make a bucket before that: 1 if one by one is enough.
func forRules(ticks int64) (fine, middle int64) {
	middle = max(1, ceilDiv(ticks, middleBuckets))
	if middle == 1 {
		return max(fineBuckets, ticks), 1
	}
	return fineBuckets, middle
}

func (all *levels) add(buckets, step int64) {
	// One point more than buckets, and one for a window that is no multiple of the step.
	*all = append(*all, newLevel(step, int(buckets)+2))
}

// clone returns a copy that shares nothing.
func (all levels) clone() levels {
	c := slices.Clone(all)
	for i := range c {
		c[i] = c[i].clone()
	}
	return c
}

func (all levels) coarsest() *level { return &all[len(all)-1] }

// oldest returns the start of the oldest bucket that is kept if `now` is the last tick.
func (all levels) oldest(now int64) int64 {
	l := all.coarsest()
	return l.oldest(now) * l.step
}

// grain returns how many ticks the bucket has that keeps a tick's start if `now` is the last tick;
// kept is false if none does: then it is the length of the longest.
func (all levels) grain(tick, now int64) (step int64, kept bool) {
	for i := range all {
		if l := &all[i]; tick/l.step >= l.oldest(now) {
			return l.step, true
		}
	}
	return all.coarsest().step, false
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
