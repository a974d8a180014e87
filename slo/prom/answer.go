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

// point is the value of one series at one tick, from a query's answer.
type point struct {
	Tag     string            // the arm of the query
	Labels  map[string]string // of the series
	Value   float64
	Buckets []count.Bucket // of a native histogram, which has no value; nil: it is a number
}

// Kinds of results.
const (
	vector = "vector"
	matrix = "matrix"
)

// fetch asks a query for all ticks, at most maxSteps, and returns the points of each, native
// histograms too. A range query has the same values as instant queries at its steps.
func (q *querier) fetch(ctx context.Context, query string, ticks slo.Ticks) ([][]point, error) {
	points := make([][]point, ticks.Len())
	top, err := q.do(ctx, query, ticks, func(s stream) error { return addStream(points, s, ticks) })
	if err != nil {
		return nil, err
	}
	if err := fits(top.kind, ticks); err != nil {
		return nil, q.failed(err)
	}
	return points, nil
}

// fits returns an error if a result is not of the kind that the query asks for.
func fits(kind string, ticks slo.Ticks) error {
	switch {
	case kind != vector && kind != matrix:
		return fmt.Errorf("%w: neither a vector nor a matrix", slo.ErrBadAnswer)
	case kind == vector && ticks.Len() > 1:
		return fmt.Errorf("%w: a vector where a matrix was asked for", slo.ErrBadAnswer)
	case kind == matrix && ticks.Len() == 1:
		return fmt.Errorf("%w: a matrix where a vector was asked for", slo.ErrBadAnswer)
	}
	return nil
}

// addStream sorts the values of one series by tick. The values of a vector belong to its only tick,
// whatever their times.
func addStream(points [][]point, s stream, ticks slo.Ticks) error {
	add := func(at int64, p point) error {
		i, ok := 0, true
		if len(points) > 1 {
			i, ok = index(at, ticks)
		}
		if !ok {
			return fmt.Errorf("%w: a value at a time that was not asked for", slo.ErrBadAnswer)
		}
		points[i] = append(points[i], p)
		return nil
	}
	for _, v := range s.values {
		if err := add(v.At, point{Tag: s.tag, Labels: s.labels, Value: v.Value}); err != nil {
			return err
		}
	}
	for _, h := range s.histograms {
		if err := add(h.At, point{Tag: s.tag, Labels: s.labels, Buckets: h.Buckets}); err != nil {
			return err
		}
	}
	return nil
}

// index returns which tick a time is.
func index(at int64, ticks slo.Ticks) (int, bool) {
	since := at - ticks.First.UnixMilli()
	step := ticks.Interval.Milliseconds()
	if since < 0 || since%step != 0 || since/step >= int64(ticks.Len()) {
		return 0, false
	}
	return int(since / step), true
}

// targetKey names a target by the labels that Prometheus gives it.
type targetKey struct{ job, instance string }

func targetOf(labels map[string]string) targetKey {
	return targetKey{labels[model.JobLabel], labels[model.InstanceLabel]}
}

// identity returns a series' labels without its metric's name.
func identity(labels map[string]string) string {
	own := maps.Clone(labels)
	delete(own, model.MetricNameLabel)
	return string(slo.NewLabels(own))
}

// usable reports whether a value may be counted with.
func usable(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
