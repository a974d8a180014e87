package prom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
	"github.com/postburn/postburn/slo/promql"
)

// The tags of measured values: their keys in an SLO file. Bad events and the total have their
// roles' tags.
const (
	boolTag  = "bool"
	ratioTag = "error_ratio"
)

// overshoot is how far a value may be below none or above all of the events. Extrapolated rates can
// be, and are cut.
const overshoot = 0.1

// measured is an indicator that is measured once a tick, without looking back: a bool, or a sampled
// one, see slo.Sampled.
type measured struct {
	arms    []arm
	groupBy []string
}

// newMeasured takes a bool or sampled indicator apart. It returns an error if promql.Check finds a
// problem in it.
func newMeasured(o slo.Objective) (*measured, error) {
	m := &measured{groupBy: o.GroupBy}
	i := o.Indicator.Sampled
	if i == nil {
		expr, err := promql.Condition(boolTag, o.Indicator.Bool)
		m.arms = []arm{{expr, boolTag}}
		return m, err
	}
	if (i.ErrorRatio == "") == (i.Bad == "" && i.Total == "") || (i.Bad == "") != (i.Total == "") {
		return nil, errors.New("error_ratio must be given, or bad and total")
	}
	for _, f := range []arm{{i.Bad, string(bad)}, {i.Total, string(total)}, {i.ErrorRatio, ratioTag}} {
		if f.expr == "" {
			continue
		}
		expr, err := promql.Numbers(f.tag, f.expr)
		if err != nil {
			return nil, err
		}
		m.arms = append(m.arms, arm{expr, f.tag})
	}
	return m, nil
}

// readMeasured reads indicators measured once a tick, at all ticks of the grid.
func (a *asker) readMeasured(ctx context.Context, tasks []*task, ticks slo.Ticks) {
	fine, _ := ticks.Fine()
	for stretch := range steps(fine) {
		left := working(tasks)
		if len(left) == 0 {
			return
		}
		points := a.askEach(ctx, left, stretch, func(t *task) query { return query{arms: t.plan.measured.arms} })
		for t, found := range points {
			t.plan.alone.Store(divisible(t.err) && t.err != nil)
			for i, p := range found {
				samples, err := t.plan.measured.samples(stretch.At(i), p)
				if err != nil {
					t.err = a.failed(fmt.Errorf("%w: %w", slo.ErrRefused, err))
					break
				}
				t.fold(stretch.At(i), samples)
			}
		}
	}
}

// samples returns the tick's samples by label set. NaN makes a blind one, with a caveat, and so
// does a total without bad events, or bad events without a total; a label set without any value is
// left out. Several values of one label set, and impossible values, are errors.
func (m *measured) samples(tick time.Time, points []point) (map[slo.Labels]slo.Sample, error) {
	values := map[slo.Labels]map[string]float64{}
	for _, p := range points {
		if p.Buckets != nil {
			return nil, histogramError(p.Tag)
		}
		labels := slo.PickLabels(p.Labels, m.groupBy)
		if values[labels] == nil {
			values[labels] = map[string]float64{}
		}
		if _, twice := values[labels][p.Tag]; twice {
			return nil, severalError(p.Tag, m.groupBy, labels)
		}
		values[labels][p.Tag] = p.Value
	}
	samples := map[slo.Labels]slo.Sample{}
	for _, labels := range slices.Sorted(maps.Keys(values)) {
		sample, err := m.sample(tick, values[labels])
		if err != nil {
			return nil, err
		}
		samples[labels] = sample
	}
	return samples, nil
}

func histogramError(field string) error {
	if field == boolTag {
		return errors.New("bool: a native histogram is neither true nor false: compare a number, as in max(queue_length) < 100")
	}
	return fmt.Errorf("%s: a native histogram is no number of events: take its count, as in histogram_count(...)", field)
}

// severalError says how to fix several series of one label set: aggregate them.
func severalError(field string, groupBy []string, labels slo.Labels) error {
	example, exampleBy := "sum(...)", "sum by (%s) (...)"
	if field == boolTag {
		example, exampleBy = "max(...) < 100", "max by (%s) (...) < 100"
	}
	if len(groupBy) == 0 {
		return fmt.Errorf("%s: it has several series where one is needed: aggregate them, as in %s, or name their labels in group_by", field, example)
	}
	return fmt.Errorf("%s: it has several series with the labels %s: aggregate them by the labels of group_by, as in %s", field, labels,
		fmt.Sprintf(exampleBy, quoteName(groupBy[0])))
}

// sample makes a sample from a label set's values.
func (m *measured) sample(tick time.Time, values map[string]float64) (slo.Sample, error) {
	blind := slo.Sample{Tick: tick, Blind: true}
	for _, v := range values {
		if math.IsNaN(v) {
			blind.Caveats = slo.MergeCaveats(blind.Caveats, []slo.Caveat{{Kind: slo.NotANumber, Count: 1}})
		}
	}
	if len(blind.Caveats) > 0 || len(values) < len(m.arms) {
		return blind, nil
	}
	badEvents, all := values[string(bad)], values[string(total)]
	if v, is := values[boolTag]; is {
		if v != 0 && v != 1 {
			return slo.Sample{}, fmt.Errorf("bool: the value %v is neither 0 nor 1: compare it, as in max(queue_length) < 100", v)
		}
		badEvents, all = 1-v, 1
	}
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
