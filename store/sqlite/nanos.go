package sqlite

import (
	"math"
	"time"
)

// nanos returns a time as stored, in nanoseconds since 1970. Times before 1678 (such as the zero
// time) and after 2262 become the earliest and the latest possible, so that they sort right.
func nanos(t time.Time) int64 {
	earliest, latest := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	switch {
	case t.Before(earliest):
		return math.MinInt64
	case t.After(latest):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// fromNanos returns the time that was stored.
func fromNanos(n int64) time.Time { return time.Unix(0, n).UTC() }

// storable reports whether a time survives storing.
func storable(t time.Time) bool { return fromNanos(nanos(t)).Equal(t) }
