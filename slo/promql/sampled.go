package promql

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// ratioTag marks the values of an error ratio; those of bad events and of the total have their
// role.
const ratioTag = "error_ratio"

// overshoot is how far a value may be below none or above all of the events: extrapolated rates
// are, and are cut.
const overshoot = 0.1

// Sampled is an indicator that is measured once a tick, see slo.Sampled. It holds nothing of what
// it has seen.
type Sampled struct {
	arms    []arm
	groupBy []string
}

// checkSampled finds what is wrong with the PromQL of a sampled indicator.
func checkSampled(s slo.Sampled) (problems []Problem) {
	for _, f := range fieldsOf(s) {
		problems = append(problems, CheckExpression(f.tag, f.expr)...)
	}
	return problems
}

// fieldsOf returns the queries that are given, each tagged with the key that it has in an SLO file.
func fieldsOf(s slo.Sampled) (fields []arm) {
	for _, f := range []arm{{s.Bad, string(bad)}, {s.Total, string(total)}, {s.ErrorRatio, ratioTag}} {
		if f.expr != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// NewSampled takes an objective's indicator apart. It returns an error if the indicator is not
// sampled, or has a problem that Check finds.
func NewSampled(o slo.Objective) (*Sampled, error) {
	i := o.Indicator.Sampled
	switch {
	case i == nil:
		return nil, errors.New("the indicator is not sampled")
	case (i.ErrorRatio == "") == (i.Bad == "" && i.Total == "") || (i.Bad == "") != (i.Total == ""):
		return nil, errors.New("error_ratio must be given, or bad and total")
	}
	if problems := checkSampled(*i); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %s", problems[0].Field, problems[0].Text)
	}
	s := &Sampled{groupBy: o.GroupBy}
	for _, f := range fieldsOf(*i) {
		expr, err := newParser().ParseExpr(f.expr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.tag, err)
		}
		text := expr.String() // without comments
		if expr.Type() == parser.ValueTypeScalar {
			text = "vector(" + text + ")"
		}
		s.arms = append(s.arms, tagged(text, f.tag, ""))
	}
	return s, nil
}

// Query asks for all values at one time.
func (s *Sampled) Query() Query { return newQuery(s.arms...) }

// Samples returns the tick's samples by label set. NaN makes a blind one, with a caveat, and so
// does a total without bad events or the other way round; a label set without any value is left
// out. Several values of one label set, and values that can't be, are errors.
func (s *Sampled) Samples(tick time.Time, points []Point) (map[slo.Labels]slo.Sample, error) {
	values := map[slo.Labels]map[string]float64{}
	for _, p := range points {
		if p.Buckets != nil {
			return nil, fmt.Errorf("%s: a native histogram is no number of events: take its count, as in histogram_count(...)", p.Tag)
		}
		labels := labelSet(s.groupBy, p.Labels)
		if values[labels] == nil {
			values[labels] = map[string]float64{}
		}
		if _, twice := values[labels][p.Tag]; twice {
			return nil, severalError(p.Tag, "sum(...)", "sum by (%s) (...)", s.groupBy, labels)
		}
		values[labels][p.Tag] = p.Value
	}
	samples := map[slo.Labels]slo.Sample{}
	for _, labels := range slices.Sorted(maps.Keys(values)) {
		sample, err := s.sample(tick, values[labels])
		if err != nil {
			return nil, err
		}
		samples[labels] = sample
	}
	return samples, nil
}

// sample makes one of the values of a label set.
func (s *Sampled) sample(tick time.Time, values map[string]float64) (slo.Sample, error) {
	blind := slo.Sample{Tick: tick, Blind: true}
	for _, v := range values {
		if math.IsNaN(v) {
			blind.Caveats = slo.MergeCaveats(blind.Caveats, []slo.Caveat{{Kind: slo.NotANumber, Count: 1}})
		}
	}
	if len(blind.Caveats) > 0 || len(values) < len(s.arms) {
		return blind, nil
	}
	badEvents, all := values[string(bad)], values[string(total)]
	if ratio, is := values[ratioTag]; is {
		if ratio < -overshoot || ratio > 1+overshoot {
			return slo.Sample{}, fmt.Errorf("error_ratio: the value %v is not between 0 and 1: it must be the part of the events that is bad", ratio)
		}
		badEvents, all = ratio, 1
	}
	switch {
	case all < 0 || math.IsInf(all, 0):
		return slo.Sample{}, fmt.Errorf("total: the value %v is no number of events: it must be finite and not below 0", all)
	case badEvents < -overshoot*all || math.IsInf(badEvents, 0):
		return slo.Sample{}, fmt.Errorf("bad: the value %v, of a total of %v, is no number of events: it must be finite and not below 0", badEvents, all)
	}
	sample := slo.Sample{Tick: tick, Counts: slo.Counts{Total: dithered(all, tick), Bad: dithered(min(max(badEvents, 0), all), tick)}}
	if excess := badEvents - all; excess > 0 && !count.Same(badEvents, all) {
		sample.Caveats = []slo.Caveat{{Kind: slo.BadAboveTotal, Count: 1, Events: excess}}
	}
	sample.Normalize()
	return sample, nil
}

// dithered rounds a number to a multiple of 1/1024, see slo.Quantize, up or down by turns: a
// constant ratio of 0.0001 would be 0 in all ticks otherwise, and 0 over a month. The turns depend
// on the tick alone; they are the fractions of its multiples of the golden ratio, which are spread
// evenly over any stretch.
func dithered(x float64, tick time.Time) float64 {
	const steps, golden = 1024, 0x9E3779B97F4A7C15 // 2^64 over the golden ratio
	turn := float64(uint64(tick.Unix())*golden>>11) / (1 << 53)
	return math.Floor(x*steps+turn) / steps
}
