package slo

import "time"

// Floor returns the last multiple of a step since 1970 that is not after t, in UTC. Ticks, and the
// buckets of a History, are on this grid. (Truncate counts from year 1: another grid, if a day is
// no multiple of the step.)
func Floor(t time.Time, step time.Duration) time.Time { return floorTime(t, step).UTC() }

// grid numbers the ticks of this length since 1970.
type grid time.Duration

// time returns when a tick ends.
func (g grid) time(tick int64) time.Time { return time.Unix(0, tick*int64(g)).UTC() }

// tick returns the newest tick at a time.
func (g grid) tick(t time.Time) int64 { return t.UnixNano() / int64(g) }

// ticks returns a length of time in ticks, rounded up.
func (g grid) ticks(d time.Duration) int64 { return ceilDiv(int64(d), int64(g)) }

// length returns how long some ticks are.
func (g grid) length(ticks int64) time.Duration { return time.Duration(ticks) * time.Duration(g) }
