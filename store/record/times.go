package record

import (
	"math"
	"time"
)

// Nanos returns a time as stored, in nanoseconds since 1970. Times before 1678 (such as the zero
// time) and after 2262 become the earliest and the latest possible, so that they sort right.
func Nanos(t time.Time) int64 {
	earliest, latest := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	switch {
	case t.Before(earliest):
		return math.MinInt64
	case t.After(latest):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// Time returns the time that was stored.
func Time(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// storable reports whether a time survives storing.
func storable(t time.Time) bool { return Time(Nanos(t)).Equal(t) }

// ADay is a day of UTC, which has no leap seconds.
const ADay = 24 * time.Hour

// DayNumber counts days since 1970.
func DayNumber(t time.Time) int64 { return t.Unix() / int64(ADay/time.Second) }

// Date returns the beginning of a day.
func Date(day int64) time.Time { return time.Unix(day*int64(ADay/time.Second), 0).UTC() }
