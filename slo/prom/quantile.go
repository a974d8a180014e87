package prom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// Quantiles asks how long all events in (First - Interval, Last] took, for one group_by label set
// of a latency objective. It leaves out what a target counted before it was first seen in a step,
// which hardly changes a share. It costs one query, or two if the server knows no native
// histograms. It returns none if there are no events, or if they can't be told. Its errors wrap one
// of slo's Err values.
func (c *Client) Quantiles(ctx context.Context, o slo.Objective, set slo.Labels, ticks slo.Ticks, shares ...float64) ([]slo.Quantile, error) {
	if o.Indicator.Latency == nil {
		return nil, fmt.Errorf("%w: the indicator is no latency", slo.ErrRefused)
	}
	counter, err := newCounter(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.askOne(ctx, durationQuery(counter, ticks.Interval, set), ticks)
	if err != nil && errors.Is(err, slo.ErrRefused) && tooNative(err) {
		counter = counter.changed(func(h *histogram, _ string) { h.native = askNone })
		points, err = c.askOne(ctx, durationQuery(counter, ticks.Interval, set), ticks)
	}
	if err != nil {
		return nil, err
	}
	found, err := quantiles(points, cmp.Or(o.Indicator.Latency.Unit, time.Second), shares)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	return found, nil
}

// The arms of a durationQuery.
const (
	bucketArm = "bucket" // the increase of classic buckets, by le
	seriesArm = "series" // how many series that is
	spreadArm = "spread" // the increase of native histograms, as a histogram
)

// durationQuery asks for the increase of a label set's buckets over the step before. A target with
// both kinds of histograms counts once.
func durationQuery(c *counter, step time.Duration, set slo.Labels) query {
	var where []*labels.Matcher
	for name, v := range set.Map() {
		where = append(where, labels.MustNewMatcher(labels.MatchEqual, name, v))
	}
	slices.SortFunc(where, func(a, b *labels.Matcher) int { return cmp.Compare(a.Name, b.Name) })
	var arms []arm
	for _, g := range c.groups {
		if g.role != total {
			continue
		}
		h := g.histogram
		buckets := func(write writer) string { return "(" + h.part("_bucket", write, where...) + ")" }
		whole := func(write writer) string { return "(" + joined(h.selectors, write, where...) + ")" }
		now, before := as(""), as(offset(step))
		classic := "(((" + buckets(now) + " - " + buckets(before) + ") >= 0) or (" + buckets(now) + " < " + buckets(before) + "))"
		if h.native != askNone {
			count, was := "histogram_count("+whole(now)+")", "histogram_count("+whole(before)+")"
			native := "((" + whole(now) + " - " + whole(before) + ") and (" + count + " >= " + was + ")) or (" + whole(now) + " and (" + count + " < " + was + "))"
			arms = append(arms, tagged("sum("+native+")", g.tag, spreadArm))
			classic = "(" + classic + " unless ignoring (le) " + was + ")"
		}
		arms = append(arms, tagged("sum by (le) ("+classic+")", g.tag, bucketArm), tagged("count by (le) ("+classic+")", g.tag, seriesArm))
	}
	return query{arms: arms}
}

// errLayouts means that histograms can't be added up because their boundaries differ.
var errLayouts = errors.New("the histograms of its targets have different boundaries")

// quantiles returns the quantiles of all events in the answers to durationQuery; none if there are
// no events. It returns errLayouts if it had to add up classic histograms with different
// boundaries.
func quantiles(answers [][]point, unit time.Duration, shares []float64) ([]slo.Quantile, error) {
	var all spread
	for _, points := range answers {
		cumulative, series := map[string]map[float64]float64{}, map[string]map[float64]float64{}
		for _, p := range points {
			arm := p.Tag[strings.LastIndexByte(p.Tag, '/')+1:]
			tag := strings.TrimSuffix(p.Tag, arm)
			into := cumulative
			switch arm {
			case spreadArm:
				exponential := count.IsExponential(p.Buckets)
				for _, b := range p.Buckets {
					all.add(b, exponential && b.Lower > 0)
				}
				continue
			case seriesArm:
				into = series
			}
			le, err := strconv.ParseFloat(p.Labels[model.BucketLabel], 64)
			if err != nil || math.IsNaN(le) {
				return nil, fmt.Errorf("%w: not a bucket", errAnswer)
			}
			if into[tag] == nil {
				into[tag] = map[float64]float64{}
			}
			into[tag][le] += p.Value
		}
		for tag, byBound := range cumulative {
			if !alike(series[tag]) {
				return nil, errLayouts
			}
			all.addClassic(byBound)
		}
	}
	return all.quantiles(unit, shares), nil
}

// alike reports whether all bounds have the same number of series.
func alike(series map[float64]float64) bool {
	for _, n := range series {
		if n != series[math.Inf(1)] {
			return false
		}
	}
	return true
}

// spread is how events are spread over buckets, which may overlap.
type spread []share

// share is a bucket, and how its events are assumed to be spread inside.
type share struct {
	count.Bucket
	exponential bool
}

func (s *spread) add(b count.Bucket, exponential bool) {
	if b.Count > 0 {
		*s = append(*s, share{b, exponential})
	}
}

// addClassic adds the buckets of classic histograms; each has all events up to its bound. The first
// begins at 0, as histogram_quantile has it.
func (s *spread) addClassic(cumulative map[float64]float64) {
	lower, before := math.Inf(-1), 0.0
	for _, le := range slices.Sorted(maps.Keys(cumulative)) {
		if math.IsInf(lower, -1) && le > 0 {
			lower = 0
		}
		s.add(count.Bucket{Lower: lower, Upper: le, Count: cumulative[le] - before}, false)
		lower, before = le, max(before, cumulative[le])
	}
}

// upTo returns how many events took at most v.
func (s spread) upTo(v float64) (n float64) {
	for _, b := range s {
		switch {
		case v >= b.Upper:
			n += b.Count
		case v > b.Lower:
			n += b.Count * b.Below(v, b.exponential)
		}
	}
	return n
}

// halvings are enough for all digits of a quantile.
const halvings = 60

func (s spread) quantiles(unit time.Duration, shares []float64) (found []slo.Quantile) {
	all := s.upTo(math.Inf(1))
	if all <= 0 {
		return nil
	}
	var bounds []float64
	for _, b := range s {
		bounds = append(bounds, b.Lower, b.Upper)
	}
	bounds = slices.DeleteFunc(bounds, func(v float64) bool { return math.IsInf(v, 0) })
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	for _, share := range shares {
		rank := share * all
		i := slices.IndexFunc(bounds, func(v float64) bool { return s.upTo(v) >= rank })
		switch {
		case len(bounds) == 0:
			return nil
		case i < 0:
			found = append(found, slo.Quantile{Share: share, Value: inUnit(bounds[len(bounds)-1], unit), Above: true})
			continue
		}
		low, high := bounds[max(0, i-1)], bounds[i]
		for range halvings {
			if middle := (low + high) / 2; s.upTo(middle) >= rank {
				high = middle
			} else {
				low = middle
			}
		}
		found = append(found, slo.Quantile{Share: share, Value: inUnit(high, unit)})
	}
	return found
}

func inUnit(v float64, unit time.Duration) time.Duration {
	return time.Duration(math.Round(min(v*float64(unit), math.MaxInt64/2)))
}
