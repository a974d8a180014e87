package promql

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
)

// Shape is what the selectors of a ratio or latency indicator say about its series' labels.
// Subtracted selectors say nothing: their series do not have the remaining events.
type Shape struct {
	CountsBad bool     // the indicator names its bad events; else its good ones, or the series of both are the same
	Latency   bool     // good and all events have the same series
	Outcome   []string // labels by which good or bad events are told from the others, sorted
	Fixed     []string // labels that the selectors of good or bad events fix to one value, sorted
	total     []*parser.VectorSelector
	part      []*parser.VectorSelector // nil: as in total
}

// NewShape takes an objective's indicator apart. It returns an error if the indicator is neither a
// ratio nor a latency, or has a problem that Check finds.
func NewShape(o slo.Objective) (Shape, error) {
	r := o.Indicator.Ratio
	switch {
	case o.Indicator.Latency != nil:
		return latencyShape(o)
	case r == nil:
		return Shape{}, errors.New("the indicator is neither a ratio nor a latency")
	}
	s := Shape{CountsBad: r.Bad != ""}
	field, text := "good", r.Good
	if s.CountsBad {
		field, text = "bad", r.Bad
	}
	all, err := Counters("total", r.Total)
	if err != nil {
		return Shape{}, err
	}
	part, err := Counters(field, text)
	if err != nil {
		return Shape{}, err
	}
	s.total, s.part = added(all), added(part)
	inTotal, differ, values := map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}
	for _, m := range matchers(s.total) {
		inTotal[m.String()] = true
	}
	for _, m := range matchers(s.part) {
		if values[m.Name] == nil {
			values[m.Name] = map[string]bool{}
		}
		values[m.Name][m.String()] = true
		if m.Type == labels.MatchEqual && len(values[m.Name]) == 1 {
			s.Fixed = append(s.Fixed, m.Name)
		} else {
			s.Fixed = slices.DeleteFunc(s.Fixed, func(name string) bool { return name == m.Name })
		}
		if !inTotal[m.String()] && m.Name != model.MetricNameLabel {
			differ[m.Name] = true
		}
	}
	s.Outcome = slices.Sorted(maps.Keys(differ))
	slices.Sort(s.Fixed)
	s.Fixed = slices.Compact(s.Fixed)
	return s, nil
}

// latencyShape is NewShape for a latency: each target has one series for each set of labels, its
// count or its native histogram.
func latencyShape(o slo.Objective) (Shape, error) {
	selectors, err := Histograms(o.Indicator.Latency.Histogram)
	s := Shape{Latency: true}
	for _, selector := range selectors {
		s.total = append(s.total, Renamed(selector, Name(selector)+"_count"), selector)
	}
	return s, err
}

// added returns the selectors of the terms that are added.
func added(terms []Term) (selectors []*parser.VectorSelector) {
	for _, t := range terms {
		if !t.Minus {
			selectors = append(selectors, t.Selectors...)
		}
	}
	return selectors
}

// TotalSeries returns a query for the label sets of all series of the total that had a value in the
// last `while`.
func (s Shape) TotalSeries(while time.Duration) string { return present(s.total, while) }

// PartSeries is TotalSeries for the good or bad events. It is empty if these have the same series.
func (s Shape) PartSeries(while time.Duration) string { return present(s.part, while) }

func present(selectors []*parser.VectorSelector, while time.Duration) string {
	parts := make([]string, len(selectors))
	for i, s := range selectors {
		parts[i] = "present_over_time(" + Text(s) + "[" + model.Duration(while).String() + "])"
	}
	return strings.Join(parts, " or ")
}

func matchers(selectors []*parser.VectorSelector) []*labels.Matcher {
	var all []*labels.Matcher
	for _, s := range selectors {
		all = append(all, s.LabelMatchers...)
	}
	return all
}
