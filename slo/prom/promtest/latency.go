package promtest

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
)

// Latency makes a service expose `http_request_duration_seconds{route}`, too. Half of the quick
// requests take up to 0.125 s, 40 % up to 0.25 s and the others up to 0.5 s; 60 % of the slow ones
// take up to 1 s, and the others up to 2 s.
type Latency struct {
	// Native makes it a native histogram, of schema 0; else it is a classic one. Their boundaries
	// are the same.
	Native bool
	// Slow is the share of requests that take longer than 0.5 s; nil: none do.
	Slow func(at time.Time, t Target, route string) float64
}

// latencyBounds are the boundaries: 2^-3 to 2^1, which are native ones too.
var latencyBounds = [...]float64{0.125, 0.25, 0.5, 1, 2}

// durations are a route's numbers of requests by bucket.
type durations [len(latencyBounds)]float64

// add spreads requests over the buckets.
func (d *durations) add(n, slow float64) {
	quick := n - slow
	parts := durations{0.5 * quick, 0.4 * quick, 0.1 * quick, 0.6 * slow, 0.4 * slow}
	for i, part := range parts {
		d[i] += part
	}
}

// write exposes the histogram of a route.
func (l *Latency) write(w *writer, at time.Time, route string, d durations) {
	const name = "http_request_duration_seconds"
	total, counts := 0.0, make([]float64, len(d)) // none of them ever falls
	for i, n := range d {
		counts[i] = math.Floor(n)
		total += counts[i]
	}
	if l.Native {
		set := w.series(name, routeLabels(route)).labels // which endAll does not end
		w.samples = append(w.samples, Sample{Labels: set, Time: at, Histogram: &histogram.FloatHistogram{
			Count: total, Sum: total / 4, PositiveSpans: []histogram.Span{{Offset: -3, Length: uint32(len(d))}}, PositiveBuckets: slices.Clone(counts),
		}})
		return
	}
	cumulative := 0.0
	for i, bound := range latencyBounds {
		cumulative += counts[i]
		w.write(at, cumulative, name+"_bucket", append(routeLabels(route), "le", strconv.FormatFloat(bound, 'g', -1, 64))...)
	}
	w.write(at, cumulative, name+"_bucket", append(routeLabels(route), "le", "+Inf")...)
	w.write(at, cumulative, name+"_count", routeLabels(route)...)
}
