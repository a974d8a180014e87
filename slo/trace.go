package slo

// Trace is the values of one series, one for each of the ticks that were asked for. NaN is where there is none.
type Trace struct {
	Labels map[string]string
	Values []float64
}
