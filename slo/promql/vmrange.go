package promql

import "errors"

// ErrUnsupported means that what an objective measures can't be counted, whatever is asked.
var ErrUnsupported = errors.New("it can't be counted")

// Histograms of VictoriaMetrics' own kind, which its client libraries make, and which it makes of
// native histograms that it receives, have buckets without cumulative counts. Their label is
// vmrange, like "4.084e-01...4.642e-01", and their boundaries come and go with the events.
// https://docs.victoriametrics.com/victoriametrics/keyconcepts/#histogram
const (
	vmrangeLabel = "vmrange"
	vmrangeText  = "the histogram is of VictoriaMetrics' own kind, with buckets by vmrange: give one with buckets by le"
)
