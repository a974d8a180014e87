package count

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/postburn/postburn/slo"
)

// Bucket is one of a native histogram: the events in (Lower, Upper].
type Bucket struct {
	Lower, Upper, Count float64
}

// RawHistogram is one series of a histogram: a classic bucket, the count of a classic histogram, or
// a native histogram.
type RawHistogram struct {
	Name    string            // of the histogram, without _bucket and _count
	Labels  map[string]string // without the name and le
	Bound   float64           // of a bucket; otherwise NaN
	Samples []Sample          // of a bucket or a count
	Native  []NativeSample    // of a native histogram
}

// NativeSample is a native histogram at the time of its scrape.
type NativeSample struct {
	At      int64 // ms since 1970
	Count   float64
	Buckets []Bucket
}

// Histogram is the series of one histogram as counters.
type Histogram struct {
	All    Series // all events
	Good   Series // events of at most the threshold
	Unsure Series // events between the two boundaries around it; Good has a share of them
	Left   Series // events that cannot be told to be good or bad; not in All
}

// Histograms makes counters of histograms, one for each label set. A series that becomes native, or
// spells a boundary another way, goes on: the largest of several values at one time counts.
//
// The good events are exact if the threshold is a boundary. Between two boundaries they are split
// as histogram_fraction() does: evenly, and in exponential buckets by the logarithm.
func Histograms(raw []RawHistogram, threshold float64) []Histogram {
	type key struct {
		name   string
		labels slo.Labels
	}
	parts := map[key][]RawHistogram{}
	for _, r := range raw {
		k := key{r.Name, slo.NewLabels(r.Labels)}
		parts[k] = append(parts[k], r)
	}
	order := func(a, b key) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.labels, b.labels)) }
	var all []Histogram
	for _, k := range slices.SortedFunc(maps.Keys(parts), order) {
		all = append(all, newHistogram(parts[k], threshold))
	}
	return all
}

// reading is what one scrape of a histogram shows.
type reading struct {
	count   float64 // of a classic one
	counted bool
	buckets map[float64]float64 // cumulative, by bound
	native  *NativeSample
}

func newHistogram(parts []RawHistogram, threshold float64) Histogram {
	readings := map[int64]*reading{}
	at := func(t int64) *reading {
		if readings[t] == nil {
			readings[t] = &reading{buckets: map[float64]float64{}}
		}
		return readings[t]
	}
	for _, p := range parts {
		for _, s := range p.Samples {
			r := at(s.At)
			if math.IsNaN(p.Bound) {
				r.count, r.counted = s.Value, true
			} else if had, is := r.buckets[p.Bound]; !is || s.Value > had {
				r.buckets[p.Bound] = s.Value
			}
		}
		for _, s := range p.Native {
			at(s.At).native = &s
		}
	}
	first := Series{Name: parts[0].Name, Labels: parts[0].Labels}
	h := Histogram{first, first, first, first}
	h.Good.Part, h.Unsure.Part, h.Left.Part = true, true, true
	for _, t := range slices.Sorted(maps.Keys(readings)) {
		h.add(t, readings[t], threshold)
	}
	return h
}

// add adds what one scrape shows.
func (h *Histogram) add(at int64, r *reading, threshold float64) {
	split, ok := r.splitClassic(threshold)
	if r.native != nil {
		if native := splitNative(*r.native, threshold); !ok || native.all >= split.all {
			split, ok = native, true
		}
	}
	set := func(s *Series, v float64) { s.Samples = append(s.Samples, Sample{at, v}) }
	switch {
	case ok:
		if !usable(split.all) || !usable(split.good) {
			split.all, split.good = math.NaN(), math.NaN() // neither can be trusted
		}
		set(&h.All, split.all)
		set(&h.Good, split.good)
		if split.between {
			set(&h.Unsure, split.unsure)
		}
		if split.left > 0 {
			set(&h.Left, split.left)
		}
	case r.counted:
		set(&h.Left, r.count)
	}
}

// split is the events of one scrape.
type split struct {
	all, good, unsure, left float64
	between                 bool // the threshold is between two boundaries
}

// splitClassic splits the events of a classic histogram; ok is false if no bucket reaches the
// threshold.
func (r *reading) splitClassic(threshold float64) (s split, ok bool) {
	b, ok := Around(threshold, slices.Collect(maps.Keys(r.buckets)))
	if !ok || !r.counted {
		return split{}, false
	}
	low, high := r.buckets[b.Low], r.buckets[b.High]
	if b.First {
		low = 0
	}
	s = split{all: r.count, good: high}
	if share := b.Share(threshold); share < 1 {
		s.good, s.unsure, s.between = round(low*(1-share)+high*share), high-low, true
	}
	return s, true
}

// round rounds a count to the smallest part of an event that is counted.
func round(v float64) float64 {
	if usable(v) {
		return slo.Quantize(v)
	}
	return v
}

// splitNative splits the events of a native histogram. If the threshold is inside an endless
// bucket, the bucket's events can't be told to be good or bad.
func splitNative(h NativeSample, threshold float64) (s split) {
	exponential := IsExponential(h.Buckets)
	for _, b := range h.Buckets {
		switch {
		case b.Upper <= threshold || Same(b.Upper, threshold):
			s.good += b.Count
		case b.Lower >= threshold || Same(b.Lower, threshold):
		case math.IsInf(b.Upper, 1):
			s.left += b.Count
		default:
			s.unsure, s.between = s.unsure+b.Count, true
			s.good += b.Count * b.Below(threshold, exponential && b.Lower > 0)
		}
	}
	s.all, s.good = h.Count-s.left, round(s.good)
	return s
}

// Below returns the share of a bucket's events that are at most v, which is inside it.
func (b Bucket) Below(v float64, exponential bool) float64 {
	switch {
	case math.IsInf(b.Lower, -1):
		return 0
	case exponential:
		return math.Log(v/b.Lower) / math.Log(b.Upper/b.Lower)
	}
	return (v - b.Lower) / (b.Upper - b.Lower)
}

// IsExponential reports whether a native histogram's positive bounds follow a standard schema:
// powers of 2^(2^-schema). Otherwise they are custom ones, and events count as spread evenly in
// each bucket, as in histogram_quantile().
func IsExponential(buckets []Bucket) bool {
	width := 0.0
	for _, b := range buckets {
		if b.Lower <= 0 {
			continue
		}
		if width == 0 {
			width = math.Log2(b.Upper / b.Lower)
		}
		if !isWhole(math.Log2(b.Upper)/width) || math.Abs(math.Log2(b.Upper/b.Lower)/width-1) > 1e-6 {
			return false
		}
	}
	return isWhole(math.Log2(width))
}

func isWhole(v float64) bool { return math.Abs(v-math.Round(v)) < 1e-6 }

// Bounds are a histogram's two boundaries around the threshold. If they are equal, both are the
// threshold.
type Bounds struct {
	Low, High float64 // Low is 0 if the threshold is in the first bucket
	First     bool    // there is no bucket at Low
}

// Share returns the part of the events between the bounds that counts as good.
func (b Bounds) Share(threshold float64) float64 {
	if b.Low == b.High {
		return 1
	}
	return (threshold - b.Low) / (b.High - b.Low)
}

// nearEnough is how far a boundary may be off the threshold, relative to it, and still be it:
// boundaries are often computed, as 0.1 + 0.2.
const nearEnough = 1e-9

// Same reports whether a boundary is the threshold.
func Same(boundary, threshold float64) bool {
	return math.Abs(boundary-threshold) <= nearEnough*threshold
}

// Around returns the narrowest pair of boundaries around the threshold; ok is false if it is above
// all of them.
func Around(threshold float64, boundaries []float64) (found Bounds, ok bool) {
	low, high := math.Inf(-1), math.Inf(1)
	for _, b := range boundaries {
		switch {
		case Same(b, threshold):
			return Bounds{Low: b, High: b}, true
		case b < threshold:
			low = max(low, b)
		case b > threshold:
			high = min(high, b)
		}
	}
	if math.IsInf(low, -1) {
		return Bounds{High: high, First: true}, !math.IsInf(high, 1)
	}
	return Bounds{Low: low, High: high}, !math.IsInf(high, 1)
}
