package slo

import "time"

// Quantile is how long a share of the events took at most.
type Quantile struct {
	Share float64       // of the events: 0.99 for p99
	Value time.Duration // as exact as the histogram's buckets are fine
	Above bool          // it is longer than Value, the histogram's last boundary; how long is not known
}
