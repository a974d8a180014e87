package slo

import "time"

// Quantile is the longest time that a share of the events took.
type Quantile struct {
	Share float64       // of the events: 0.99 for p99
	Value time.Duration // as exact as the histogram's buckets are fine
	Above bool          // it is longer than Value, the histogram's last boundary; how long is not known
}
