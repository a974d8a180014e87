package prom_test

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// histogramWorlds have latencies: failures take longer than half a second.
func histogramWorlds() []world {
	const classicTotal, classicBad = `sum(increase(d_seconds_count[RANGE]))`, `(sum(increase(d_seconds_count[RANGE])) - sum(increase(d_seconds_bucket{le="0.5"}[RANGE])))`
	const nativeTotal = `histogram_count(sum(increase(d_seconds[RANGE])))`
	const nativeBad = nativeTotal + ` * (1 - histogram_fraction(-Inf, 0.5, sum(increase(d_seconds[RANGE]))))`
	half := slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: 500 * time.Millisecond}}
	exposing := func(as func(pod int) exposition) []pod { return eight(func(i int, p *pod) { p.expose = as(i) }) }
	all := func(e exposition) []pod { return exposing(func(int) exposition { return e }) }
	usual := exposeClassic("0.1", "0.25", "0.5", "1", "2", "+Inf")
	return []world{
		{name: "classic histograms, the threshold is a boundary", pods: all(usual), indicator: half, bad: classicBad, total: classicTotal},
		{
			name: "classic histograms, the threshold is between two", pods: all(exposeClassic("0.1", "0.25", "1", "2", "+Inf")), indicator: half,
			caveats: []slo.CaveatKind{slo.Interpolated},
			bad:     `(sum(increase(d_seconds_count[RANGE])) - sum(increase(d_seconds_bucket{le="0.25"}[RANGE])))`, total: classicTotal,
		},
		{
			name: "half of the targets spell the boundary otherwise", indicator: half, bad: classicBad, total: classicTotal,
			pods: exposing(func(i int) exposition {
				return exposeClassic("0.1", "0.25", []string{"0.5", "0.50", "5e-1", ".5"}[i%4], "1", "2", "+Inf")
			}),
		},
		{
			name: "one target has no bucket from the threshold on", indicator: half, bad: classicBad, total: classicTotal,
			caveats: []slo.CaveatKind{slo.NoBucket},
			pods: exposing(func(i int) exposition {
				if i == 0 {
					return exposeClassic("0.1", "0.25", "+Inf")
				}
				return usual
			}),
		},
		{
			name: "histograms in milliseconds", pods: all(exposeMilliseconds),
			indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_milliseconds", Threshold: 500 * time.Millisecond, Unit: time.Millisecond}},
			bad:       strings.NewReplacer("d_seconds", "d_milliseconds", `"0.5"`, `"500"`).Replace(classicBad),
			total:     strings.ReplaceAll(classicTotal, "d_seconds", "d_milliseconds"),
		},
		{name: "native histograms, exponential", pods: all(exposeExponential), indicator: half, bad: nativeBad, total: nativeTotal, needs: nativeHistograms},
		{name: "native histograms, custom buckets", pods: all(exposeCustom), indicator: half, bad: nativeBad, total: nativeTotal, needs: nativeHistograms},
		{name: "histograms that become native in the middle", needs: nativeHistograms, indicator: half, bad: classicBad, total: classicTotal, pods: eight(func(i int, p *pod) {
			p.expose = usual
			p.later, p.exposeLater = worldBegin.Add(time.Duration(60+i)*time.Minute), exposeExponential
		})},
	}
}

// exposeClassic shows the lengths as a classic histogram with bounds in the given spelling.
func exposeClassic(les ...string) exposition {
	return func(_ map[string]int, lengths *[len(bounds)]int) (samples []promtest.Sample) {
		for _, le := range les {
			bound, _ := strconv.ParseFloat(le, 64)
			n := 0
			for i, of := range lengths {
				if bounds[i] <= bound {
					n += of
				}
			}
			samples = append(samples, single("d_seconds_bucket", float64(n), "le", le))
			if le == "+Inf" {
				samples = append(samples, single("d_seconds_count", float64(n)))
			}
		}
		return samples
	}
}

// exposeMilliseconds shows the lengths as a classic histogram of milliseconds.
func exposeMilliseconds(_ map[string]int, lengths *[len(bounds)]int) (samples []promtest.Sample) {
	n := 0
	for i, of := range lengths {
		n += of
		samples = append(samples, single("d_milliseconds_bucket", float64(n), "le", strconv.FormatFloat(1000*bounds[i], 'f', -1, 64)))
	}
	return append(samples, single("d_milliseconds_count", float64(n)))
}

// exposeCustom shows the lengths as a native histogram with their bounds.
func exposeCustom(_ map[string]int, lengths *[len(bounds)]int) []promtest.Sample {
	h := &histogram.FloatHistogram{Schema: histogram.CustomBucketsSchema, CustomValues: bounds[:len(bounds)-1]}
	h.PositiveSpans = []histogram.Span{{Length: uint32(len(bounds))}}
	for _, n := range lengths {
		h.PositiveBuckets, h.Count = append(h.PositiveBuckets, float64(n)), h.Count+float64(n)
	}
	return []promtest.Sample{{Labels: map[string]string{"__name__": "d_seconds"}, Histogram: h}}
}

// exposeExponential shows the lengths as a native histogram of powers of two: 0.125, 0.25, ... 4.
func exposeExponential(_ map[string]int, lengths *[len(bounds)]int) []promtest.Sample {
	h := &histogram.FloatHistogram{PositiveSpans: []histogram.Span{{Offset: -3, Length: uint32(len(bounds))}}}
	for _, n := range lengths {
		h.PositiveBuckets, h.Count = append(h.PositiveBuckets, float64(n)), h.Count+float64(n)
	}
	return []promtest.Sample{{Labels: map[string]string{"__name__": "d_seconds"}, Histogram: h}}
}
