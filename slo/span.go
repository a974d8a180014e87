package slo

import "time"

// Span is a stretch of time, (Start, End].
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Overlap returns how long two stretches have in common.
func (s Span) Overlap(o Span) time.Duration {
	return max(0, Earlier(s.End, o.End).Sub(Later(s.Start, o.Start)))
}

// Earlier returns the first of two times.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Later returns the last of two times.
func Later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
