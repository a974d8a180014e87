package slo

// Trace is the values of one series, one for each requested tick; NaN if there is none.
type Trace struct {
	Labels map[string]string
	Values []float64
}
