package promcheck

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// metric is what is known of a metric's series of the last day.
type metric struct {
	name   string
	once   sync.Once
	series []map[string]string
	whole  bool // these are all
	err    error
}

// metric returns what is known of a metric. It asks once.
func (c *Checker) metric(ctx context.Context, name string) *metric {
	c.mu.Lock()
	m := c.metrics[name]
	if m == nil {
		m = &metric{name: name}
		c.metrics[name] = m
	}
	c.mu.Unlock()
	m.once.Do(func() {
		m.series, m.whole, m.err = c.server.Series(ctx, selectorOf(name), c.now.Add(-lookback), c.now, maxSeries)
	})
	return m
}

// selectorOf writes a selector of a metric's series with all of some matchers.
func selectorOf(name string, matchers ...*labels.Matcher) string {
	all := append([]*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)}, matchers...)
	s := parser.VectorSelector{LabelMatchers: all}
	return s.String()
}

// with returns the known series that all matchers take.
func (m *metric) with(matchers ...*labels.Matcher) (found []map[string]string) {
	for _, set := range m.series {
		if fits(set, matchers) {
			found = append(found, set)
		}
	}
	return found
}

// fits reports whether all matchers take a series of the metric.
func fits(set map[string]string, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if m.Name != model.MetricNameLabel && !m.Matches(set[m.Name]) {
			return false
		}
	}
	return true
}

// values returns the values of a label on the known series, sorted, without the empty one.
func (m *metric) values(label string) []string { return valuesIn(m.series, label) }

func valuesIn(series []map[string]string, label string) []string {
	found := map[string]bool{}
	for _, set := range series {
		if v := set[label]; v != "" {
			found[v] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// labels returns the names of labels on the known series, sorted, without the metric's name.
func (m *metric) labels() []string {
	found := map[string]bool{}
	for _, set := range m.series {
		for name := range set {
			found[name] = true
		}
	}
	delete(found, model.MetricNameLabel)
	return slices.Sorted(maps.Keys(found))
}

// has reports whether the metric has series that all matchers take. If its series are not all
// known, the server is asked; once too much was asked, there may be some.
func (s *subject) has(ctx context.Context, m *metric, matchers ...*labels.Matcher) bool {
	switch {
	case slices.ContainsFunc(m.series, func(set map[string]string) bool { return fits(set, matchers) }):
		return true
	case m.whole:
		return false
	case s.questions >= maxQuestions || s.err != nil:
		return true
	}
	s.questions++
	own := slices.DeleteFunc(slices.Clone(matchers), func(o *labels.Matcher) bool { return o.Name == model.MetricNameLabel })
	found, _, err := s.server.Series(ctx, selectorOf(m.name, own...), s.now.Add(-lookback), s.now, 1)
	if err != nil {
		s.err = err
		return true
	}
	return len(found) > 0
}

// exists reports whether there are series of a metric, and notes an error.
func (s *subject) exists(ctx context.Context, name string) bool {
	m := s.metric(ctx, name)
	if m.err != nil {
		s.err = m.err
		return true
	}
	return len(m.series) > 0
}

// typeOf returns the type that targets agree about; empty if there is none. The parts of a
// histogram or summary have its type.
func (c *Checker) typeOf(name string) string {
	for _, known := range []string{name, strings.TrimSuffix(name, "_total"), family(name)} {
		types := slices.Compact(slices.Clone(c.types[known]))
		if len(types) == 1 {
			return types[0]
		}
	}
	return ""
}

// family returns the name of the histogram or summary that a metric may be a part of.
func family(name string) string {
	for _, part := range []string{"_bucket", "_count", "_sum"} {
		if base, is := strings.CutSuffix(name, part); is {
			return base
		}
	}
	return name
}
