package slo

import "time"

// Floor returns the last multiple of a step since 1970 that is not after t, in UTC. Ticks, and the
// buckets of a History, are on this grid. (Truncate counts from year 1, which is another grid for
// steps that a day is no multiple of.)
func Floor(t time.Time, step time.Duration) time.Time { return floorTime(t, step).UTC() }
