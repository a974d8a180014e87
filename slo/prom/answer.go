package prom

import (
	"context"
	"fmt"
	"maps"
	"math"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// point is the value of one series at one tick, as a query answered it.
type point struct {
	Tag     string            // which arm of the query it is of
	Labels  map[string]string // of the series
	Value   float64
	Buckets []count.Bucket // of a native histogram, which has no value; nil: it is a number
}

// fetch asks a query for each of the ticks, at most maxSteps, and returns what it found at each,
// native histograms too. A range query has the same values as instant queries at its steps.
func (c *Client) fetch(ctx context.Context, query string, ticks slo.Ticks) ([][]point, error) {
	answer, err := c.do(ctx, query, ticks)
	if err != nil {
		return nil, err
	}
	points, err := decode(answer, ticks)
	if err != nil {
		return nil, c.failed(err)
	}
	return points, nil
}

// decode sorts an answer's values by tick.
func decode(answer model.Value, ticks slo.Ticks) ([][]point, error) {
	points := make([][]point, ticks.Len())
	switch v := answer.(type) {
	case model.Vector:
		if len(points) != 1 {
			return nil, fmt.Errorf("%w: a vector where a matrix was asked for", slo.ErrBadAnswer)
		}
		for _, s := range v {
			points[0] = append(points[0], point{Tag: tagOf(s.Metric), Labels: labelsOf(s.Metric), Value: float64(s.Value), Buckets: buckets(s.Histogram)})
		}
	case model.Matrix:
		if len(points) == 1 {
			return nil, fmt.Errorf("%w: a matrix where a vector was asked for", slo.ErrBadAnswer)
		}
		for _, s := range v {
			if err := addStream(points, s, ticks); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("%w: neither a vector nor a matrix", slo.ErrBadAnswer)
	}
	return points, nil
}

// addStream sorts the values of one series by tick.
func addStream(points [][]point, s *model.SampleStream, ticks slo.Ticks) error {
	mark, set := tagOf(s.Metric), labelsOf(s.Metric)
	add := func(at model.Time, p point) error {
		i, ok := index(at, ticks)
		if !ok {
			return fmt.Errorf("%w: a value at a time that was not asked for", slo.ErrBadAnswer)
		}
		points[i] = append(points[i], p)
		return nil
	}
	for _, v := range s.Values {
		if err := add(v.Timestamp, point{Tag: mark, Labels: set, Value: float64(v.Value)}); err != nil {
			return err
		}
	}
	for _, h := range s.Histograms {
		if err := add(h.Timestamp, point{Tag: mark, Labels: set, Buckets: buckets(h.Histogram)}); err != nil {
			return err
		}
	}
	return nil
}

// buckets are those of a native histogram; nil where there is none.
func buckets(h *model.SampleHistogram) []count.Bucket {
	if h == nil {
		return nil
	}
	all := make([]count.Bucket, 0, len(h.Buckets))
	for _, b := range h.Buckets {
		if b != nil {
			all = append(all, count.Bucket{Lower: float64(b.Lower), Upper: float64(b.Upper), Count: float64(b.Count)})
		}
	}
	return all
}

// index is the number of the tick that a time is.
func index(at model.Time, ticks slo.Ticks) (int, bool) {
	since := int64(at) - ticks.First.UnixMilli()
	step := ticks.Interval.Milliseconds()
	if since < 0 || since%step != 0 || since/step >= int64(ticks.Len()) {
		return 0, false
	}
	return int(since / step), true
}

// tagOf says which part of a query a series is of.
func tagOf(metric model.Metric) string { return string(metric[markLabel]) }

// labelsOf are those of a series itself; nil where it has none.
func labelsOf(metric model.Metric) map[string]string {
	var set map[string]string
	for name, v := range metric {
		if name == markLabel {
			continue
		}
		if set == nil {
			set = make(map[string]string, len(metric))
		}
		set[string(name)] = string(v)
	}
	return set
}

func labelSet(groupBy []string, labels map[string]string) slo.Labels {
	kept := map[string]string{}
	for _, name := range groupBy {
		if v := labels[name]; v != "" {
			kept[name] = v
		}
	}
	return slo.NewLabels(kept)
}

// targetKey names a target by the labels that Prometheus gives it.
type targetKey struct{ job, instance string }

func targetOf(labels map[string]string) targetKey {
	return targetKey{labels[model.JobLabel], labels[model.InstanceLabel]}
}

// identity is the labels of a series without its metric's name.
func identity(labels map[string]string) string {
	own := maps.Clone(labels)
	delete(own, model.MetricNameLabel)
	return string(slo.NewLabels(own))
}

// usable reports whether a value may be counted with.
func usable(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
