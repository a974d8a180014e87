package prom

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
	"github.com/postburn/postburn/slo/promql"
)

// rawSelectors are vector selectors of all series that the counter is of, with more matchers: those
// of the targets concerned. Selectors that differ in nothing but the metric are one. Of classic
// histograms they are of all buckets where some are not known to have one for the threshold.
func (c *counter) rawSelectors(where []*labels.Matcher, allBuckets bool) []string {
	var all []string
	add := func(names []string, of *parser.VectorSelector, more ...*labels.Matcher) {
		matchers := slices.DeleteFunc(slices.Clone(of.LabelMatchers), func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel })
		matchers = slices.Concat([]*labels.Matcher{anyOf(model.MetricNameLabel, names)}, matchers, where, more)
		if text := (&parser.VectorSelector{LabelMatchers: matchers}).String(); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	alike := map[string][]string{} // names, by the other matchers
	for _, g := range c.groups {
		for _, s := range g.selectors {
			key := promql.Renamed(s, "").String()
			if name := promql.Name(s); g.histogram == nil && g.within == nil && !slices.Contains(alike[key], name) {
				alike[key] = append(alike[key], name)
			}
		}
	}
	for _, g := range c.groups {
		for _, s := range g.selectors {
			name := promql.Name(s)
			switch {
			case g.histogram == nil:
				if names := alike[promql.Renamed(s, "").String()]; len(names) > 0 {
					add(names, s)
				}
			case g.role != total:
			case allBuckets:
				add([]string{name, name + "_count", name + "_bucket"}, s)
			default:
				add([]string{name, name + "_count", name + "_bucket"}, s, bound("|"+g.histogram.exact))
			}
		}
	}
	return all
}

// targetSelector is a vector selector of `up` and the start of their processes of all targets that
// matchers select.
func targetSelector(where []*labels.Matcher) string {
	names := anyOf(model.MetricNameLabel, []string{"up", processStart})
	return (&parser.VectorSelector{LabelMatchers: slices.Concat([]*labels.Matcher{names}, where)}).String()
}

// rawKey is what is asked for: a selector's samples in a length of time.
type rawKey struct {
	selector string
	at       int64
	length   time.Duration
}

// rawAnswer is asked for once, by whoever comes first.
type rawAnswer struct {
	once  sync.Once
	found []count.Series
	err   error
}

// rawAnswers are shared by the tasks of one batch: many objectives are of the same targets. Without
// a map of what is known, nothing is.
type rawAnswers struct {
	mu    sync.Mutex
	known map[rawKey]*rawAnswer
}

// get asks for the samples of a selector in a length of time up to one.
func (s *rawAnswers) get(ctx context.Context, a *asker, selector string, at time.Time, length time.Duration) ([]count.Series, error) {
	ask := func() ([]count.Series, error) {
		return a.raw(ctx, selector+over(length), slo.Ticks{First: at, Last: at, Interval: time.Second})
	}
	if s.known == nil {
		return ask()
	}
	s.mu.Lock()
	key := rawKey{selector, at.UnixNano(), length}
	answer := s.known[key]
	if answer == nil {
		answer = &rawAnswer{}
		s.known[key] = answer
	}
	s.mu.Unlock()
	answer.once.Do(func() { answer.found, answer.err = ask() })
	return answer.found, answer.err
}

// raw asks for the samples of series, by a range selector at one time or a vector selector at
// several.
func (a *asker) raw(ctx context.Context, query string, ticks slo.Ticks) ([]count.Series, error) {
	answer, err := a.do(ctx, query, ticks)
	if err != nil {
		return nil, err
	}
	matrix, is := answer.(model.Matrix)
	if !is {
		return nil, a.failed(fmt.Errorf("%w: raw samples are not a matrix", slo.ErrBadAnswer))
	}
	found := make([]count.Series, 0, len(matrix))
	for _, stream := range matrix {
		found = append(found, rawOf(stream, a.server.kind.Load() == victoriaMetrics))
	}
	return found, nil
}

// rawOf is one series of an answer. VictoriaMetrics has staleness markers in it, and keeps two
// samples of one time.
func rawOf(stream *model.SampleStream, markers bool) count.Series {
	s := count.Series{Name: string(stream.Metric[model.MetricNameLabel]), Labels: make(map[string]string, len(stream.Metric))}
	for name, v := range stream.Metric {
		if name != model.MetricNameLabel {
			s.Labels[string(name)] = string(v)
		}
	}
	if len(stream.Values) > 0 {
		s.Samples = make([]count.Sample, 0, len(stream.Values))
	}
	for i, v := range stream.Values {
		switch isMarker := markers && math.IsNaN(float64(v.Value)); {
		case isMarker, i > 0 && v.Timestamp == stream.Values[i-1].Timestamp:
		default:
			s.Samples = append(s.Samples, count.Sample{At: int64(v.Timestamp), Value: float64(v.Value)})
		}
	}
	for _, h := range stream.Histograms {
		s.Native = append(s.Native, count.NativeSample{At: int64(h.Timestamp), Count: float64(h.Histogram.Count), Buckets: buckets(h.Histogram)})
	}
	return s
}

// anyIn reports whether a series has a sample in a stretch.
func anyIn(all []count.Series, from, to time.Time) bool {
	return slices.ContainsFunc(all, func(s count.Series) bool {
		i := position(s.Samples, from.UnixMilli()+1)
		return len(s.Native) > 0 || i < len(s.Samples) && s.Samples[i].At <= to.UnixMilli()
	})
}

// cut is the samples of series in a stretch, without its left end, as Prometheus 3 has it.
func cut(all []count.Series, from, to time.Time) []count.Series {
	first, last := from.UnixMilli()+1, to.UnixMilli()
	kept := make([]count.Series, 0, len(all))
	for _, s := range all {
		s.Samples = s.Samples[position(s.Samples, first):position(s.Samples, last+1)]
		i, _ := slices.BinarySearchFunc(s.Native, first, func(v count.NativeSample, at int64) int { return cmp.Compare(v.At, at) })
		j, _ := slices.BinarySearchFunc(s.Native, last+1, func(v count.NativeSample, at int64) int { return cmp.Compare(v.At, at) })
		s.Native = s.Native[i:j]
		if len(s.Samples)+len(s.Native) > 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

// position is the number of the first sample that is not before a time.
func position(all []count.Sample, at int64) int {
	i, _ := slices.BinarySearchFunc(all, at, func(s count.Sample, at int64) int { return cmp.Compare(s.At, at) })
	return i
}

// joinRaw puts samples of the time before in front of those of the same series.
func joinRaw(before, after []count.Series) []count.Series {
	if len(before) == 0 {
		return after
	}
	key := func(s count.Series) string { return s.Name + string(slo.NewLabels(s.Labels)) }
	at := make(map[string]int, len(before))
	all := slices.Clone(before)
	for i, s := range all {
		at[key(s)] = i
	}
	for _, s := range after {
		if i, had := at[key(s)]; had {
			all[i].Samples = slices.Concat(all[i].Samples, s.Samples)
			all[i].Native = slices.Concat(all[i].Native, s.Native)
		} else {
			all = append(all, s)
		}
	}
	return all
}

// lacksBuckets reports whether some classic histograms have no bucket among these series at some
// time.
func (c *counter) lacksBuckets(series []count.Series) bool {
	type moment struct {
		histogram slo.Labels
		at        int64
	}
	for _, g := range c.groups {
		if g.histogram == nil || g.role != total {
			continue
		}
		bare := map[moment]bool{}
		var raws []count.RawHistogram
		for _, s := range series {
			for _, v := range g.selectors {
				if raw, is := rawHistogram(promql.Name(v), s); is {
					raws = append(raws, raw)
				}
			}
		}
		each := func(ofCount bool, do func(moment)) {
			for _, raw := range raws {
				if math.IsNaN(raw.Bound) == ofCount {
					labels := slo.NewLabels(raw.Labels)
					for _, s := range raw.Samples {
						do(moment{labels, s.At})
					}
				}
			}
		}
		each(true, func(m moment) { bare[m] = true })
		each(false, func(m moment) { delete(bare, m) })
		if len(bare) > 0 {
			return true
		}
	}
	return false
}
