package slo

import "time"

// Day is what is known of an objective on a day, in UTC.
type Day struct {
	Date   time.Time     // its first moment
	Counts               // events, those of planned work included
	Known  time.Duration // how much of the day is known, in one piece up to its end or to now
	Blind  time.Duration // how much of that had no data
	Exact  bool          // the history's buckets end where the day does; else both ends are estimated
}

// End returns the last moment of the day.
func (d Day) End() time.Time { return d.Date.AddDate(0, 0, 1) }
