package prom

import (
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

// Quantiles asks how long the events of a latency objective took, of one label set of its group_by: all those in (First - Interval,
// Last]. It costs one query, or two at a server that knows no native histograms. There are none where there are no events, or where they
// can't be told. Its errors wrap one of slo's Err values.
func (c *Client) Quantiles(ctx context.Context, o slo.Objective, set slo.Labels, ticks slo.Ticks, shares ...float64) ([]slo.Quantile, error) {
	durations, err := newDurations(o, set)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	points, err := c.askOne(ctx, durations.Query(ticks.Interval), ticks)
	if err != nil && errors.Is(err, slo.ErrRefused) && tooNative(err) {
		durations = durations.Classic()
		points, err = c.askOne(ctx, durations.Query(ticks.Interval), ticks)
	}
	if err != nil {
		return nil, err
	}
	found, err := durations.Quantiles(points, shares...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", slo.ErrRefused, err)
	}
	return found, nil
}

// The arms of a durations query.
const (
	bucketArm = "bucket" // the increase of classic buckets, by le
	seriesArm = "series" // how many series that is of
	spreadArm = "spread" // the increase of native histograms, as a histogram
)

// errLayouts means that histograms can't be added up, because their boundaries are not the same.
var errLayouts = errors.New("the histograms of its targets have different boundaries")

// durations asks how long the events of a latency took. What a target counted before it was first seen in a step is left out: of a
// share that makes little.
type durations struct {
	histograms []*histogram
	where      []*labels.Matcher
	unit       time.Duration
}

// newDurations takes the latency of an objective apart, for one label set of its group_by.
func newDurations(o slo.Objective, set slo.Labels) (*durations, error) {
	c, err := newCounter(o)
	if err != nil {
		return nil, err
	}
	if o.Indicator.Latency == nil {
		return nil, errors.New("the indicator is no latency")
	}
	d := &durations{unit: o.Indicator.Latency.Unit}
	if d.unit == 0 {
		d.unit = time.Second
	}
	for _, g := range c.groups {
		if g.role == total {
			d.histograms = append(d.histograms, g.histogram)
		}
	}
	values := set.Map()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		d.where = append(d.where, labels.MustNewMatcher(labels.MatchEqual, name, values[name]))
	}
	return d, nil
}

// query asks for the increase of all buckets over the step before. A target with both kinds of histograms counts once.
func (d *durations) Query(step time.Duration) query {
	var arms []arm
	for i, h := range d.histograms {
		tag := strconv.Itoa(i)
		buckets := func(write writer) string { return "(" + h.part("_bucket", write, d.where...) + ")" }
		whole := func(write writer) string { return "(" + joined(h.selectors, write, d.where...) + ")" }
		now, before := as(""), as(offset(step))
		classic := "(((" + buckets(now) + " - " + buckets(before) + ") >= 0) or (" + buckets(now) + " < " + buckets(before) + "))"
		if h.native != askNone {
			count, was := "histogram_count("+whole(now)+")", "histogram_count("+whole(before)+")"
			native := "((" + whole(now) + " - " + whole(before) + ") and (" + count + " >= " + was + ")) or (" + whole(now) + " and (" + count + " < " + was + "))"
			arms = append(arms, tagged("sum("+native+")", tag, spreadArm))
			classic = "(" + classic + " unless ignoring (le) " + was + ")"
		}
		arms = append(arms, tagged("sum by (le) ("+classic+")", tag, bucketArm), tagged("count by (le) ("+classic+")", tag, seriesArm))
	}
	return query{arms: arms}
}

// Classic asks about classic histograms only: old servers don't know others.
func (d *durations) Classic() *durations {
	other := *d
	other.histograms = nil
	for _, h := range d.histograms {
		classic := *h
		classic.native = askNone
		other.histograms = append(other.histograms, &classic)
	}
	return &other
}

// Quantiles are those of all events in the answers to Query. There are none where there are no events. It returns errLayouts where
// classic histograms of different boundaries would have to be added up.
func (d *durations) Quantiles(answers [][]point, shares ...float64) ([]slo.Quantile, error) {
	var all spread
	for _, points := range answers {
		cumulative, series := map[string]map[float64]float64{}, map[string]map[float64]float64{}
		for _, p := range points {
			tag, arm, _ := strings.Cut(p.Tag, "/")
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
	return all.quantiles(d.unit, shares), nil
}

// alike reports whether all bounds are those of as many series.
func alike(series map[float64]float64) bool {
	for _, n := range series {
		if n != series[math.Inf(1)] {
			return false
		}
	}
	return true
}

// spread is how events are spread over buckets, which may overlap.
type spread struct{ buckets []share }

// share is a bucket with the way in which its events are taken to be spread inside.
type share struct {
	count.Bucket
	exponential bool
}

func (s *spread) add(b count.Bucket, exponential bool) {
	if b.Count > 0 {
		s.buckets = append(s.buckets, share{b, exponential})
	}
}

// addClassic adds the buckets of classic histograms, each of which has all events up to its bound. The first begins at 0, as
// histogram_quantile has it.
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

// upTo is how many events took at most that.
func (s *spread) upTo(v float64) (n float64) {
	for _, b := range s.buckets {
		switch {
		case v >= b.Upper:
			n += b.Count
		case v <= b.Lower || math.IsInf(b.Lower, -1) || math.IsInf(b.Upper, 1):
		case b.exponential:
			n += b.Count * math.Log(v/b.Lower) / math.Log(b.Upper/b.Lower)
		default:
			n += b.Count * (v - b.Lower) / (b.Upper - b.Lower)
		}
	}
	return n
}

// halvings are enough for all digits of a quantile.
const halvings = 60

func (s *spread) quantiles(unit time.Duration, shares []float64) (found []slo.Quantile) {
	all := s.upTo(math.Inf(1))
	if all <= 0 {
		return nil
	}
	var bounds []float64
	for _, b := range s.buckets {
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
