package prom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// fetch asks a query for each of the ticks, at most maxSteps, and returns what it found at each, native histograms too. A range query has
// the same values as instant queries at its steps.
func (c *Client) fetch(ctx context.Context, query string, ticks slo.Ticks) ([][]promql.Point, error) {
	answer, err := c.do(ctx, query, ticks)
	if err != nil {
		return nil, err
	}
	points, err := decodeAll(answer, ticks)
	if err != nil {
		return nil, c.failed(err)
	}
	return points, nil
}

// do sends one query, as one of the few that may run at a time. Its errors wrap one of slo's Err values and are counted.
func (c *Client) do(ctx context.Context, query string, ticks slo.Ticks) (model.Value, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
	}
	bounded, cancel := context.WithTimeout(asking(ctx, ticks.Last), c.timeout)
	defer cancel()
	start := time.Now()
	var answer model.Value
	var warnings v1.Warnings
	var err error
	if ticks.Len() == 1 {
		answer, warnings, err = c.api.Query(bounded, query, ticks.First, v1.WithTimeout(c.timeout))
	} else {
		span := v1.Range{Start: ticks.First, End: ticks.Last, Step: ticks.Interval}
		answer, warnings, err = c.api.QueryRange(bounded, query, span, v1.WithTimeout(c.timeout))
	}
	took := time.Since(start)
	c.metrics.queries.Inc()
	c.metrics.duration.Observe(took.Seconds())
	c.logger.DebugContext(ctx, "prometheus query", "query", query, "ticks", ticks.Len(), "took", took, "ok", err == nil)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err()) // the caller's wish is no failure of Prometheus'
	case err != nil:
		return nil, c.failed(c.explain(err))
	}
	if text := realWarnings(warnings); text != "" {
		return nil, c.failed(fmt.Errorf("%w: %s", slo.ErrIncomplete, text))
	}
	return answer, nil
}

// realWarnings are those that mean missing data. Prometheus before 3.0 sends its hints about a query ("metric might not be a
// counter") in the same list.
func realWarnings(warnings v1.Warnings) string {
	var real []string
	for _, w := range warnings {
		if !strings.HasPrefix(w, "PromQL info:") {
			real = append(real, short(w))
		}
	}
	return short(strings.Join(real, "; "))
}

// decode sorts an answer's values by tick. They have to be numbers.
func decode(answer model.Value, ticks slo.Ticks) ([][]promql.Point, error) {
	points, err := decodeAll(answer, ticks)
	if err != nil {
		return nil, err
	}
	for _, found := range points {
		if slices.ContainsFunc(found, func(p promql.Point) bool { return p.Buckets != nil }) {
			return nil, errHistogram
		}
	}
	return points, nil
}

// decodeAll is decode for values that may be native histograms.
func decodeAll(answer model.Value, ticks slo.Ticks) ([][]promql.Point, error) {
	points := make([][]promql.Point, ticks.Len())
	switch v := answer.(type) {
	case model.Vector:
		if len(points) != 1 {
			return nil, fmt.Errorf("%w: a vector where a matrix was asked for", slo.ErrBadAnswer)
		}
		for _, s := range v {
			points[0] = append(points[0], promql.Point{Tag: tag(s.Metric), Labels: labels(s.Metric), Value: float64(s.Value), Buckets: buckets(s.Histogram)})
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
func addStream(points [][]promql.Point, s *model.SampleStream, ticks slo.Ticks) error {
	mark, set := tag(s.Metric), labels(s.Metric)
	add := func(at model.Time, p promql.Point) error {
		i, ok := index(at, ticks)
		if !ok {
			return fmt.Errorf("%w: a value at a time that was not asked for", slo.ErrBadAnswer)
		}
		points[i] = append(points[i], p)
		return nil
	}
	for _, v := range s.Values {
		if err := add(v.Timestamp, promql.Point{Tag: mark, Labels: set, Value: float64(v.Value)}); err != nil {
			return err
		}
	}
	for _, h := range s.Histograms {
		if err := add(h.Timestamp, promql.Point{Tag: mark, Labels: set, Buckets: buckets(h.Histogram)}); err != nil {
			return err
		}
	}
	return nil
}

// buckets are those of a native histogram; nil where there is none.
func buckets(h *model.SampleHistogram) []promql.Bucket {
	if h == nil {
		return nil
	}
	all := make([]promql.Bucket, 0, len(h.Buckets))
	for _, b := range h.Buckets {
		if b != nil {
			all = append(all, promql.Bucket{Lower: float64(b.Lower), Upper: float64(b.Upper), Count: float64(b.Count)})
		}
	}
	return all
}

var errHistogram = fmt.Errorf("%w: a native histogram where a number was asked for", slo.ErrBadAnswer)

// index is the number of the tick that a time is.
func index(at model.Time, ticks slo.Ticks) (int, bool) {
	since := int64(at) - ticks.First.UnixMilli()
	step := ticks.Interval.Milliseconds()
	if since < 0 || since%step != 0 || since/step >= int64(ticks.Len()) {
		return 0, false
	}
	return int(since / step), true
}

// tag says which part of a query a series is of.
func tag(metric model.Metric) string { return string(metric[promql.MarkLabel]) }

// labels are those of a series itself; nil where it has none.
func labels(metric model.Metric) map[string]string {
	var set map[string]string
	for name, v := range metric {
		if name == promql.MarkLabel {
			continue
		}
		if set == nil {
			set = make(map[string]string, len(metric))
		}
		set[string(name)] = string(v)
	}
	return set
}
