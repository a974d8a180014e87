package sqlite

import (
	"math"
	"time"
)

// nanos is a time as it is stored. Times before 1678 and after 2262, the zero time among them,
// become the earliest and the latest that can be, so that they sort right.
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

// fromNanos is the time that was stored.
func fromNanos(n int64) time.Time { return time.Unix(0, n).UTC() }

// storable reports whether a time comes back as it was.
func storable(t time.Time) bool { return fromNanos(nanos(t)).Equal(t) }
