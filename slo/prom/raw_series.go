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

// selectors returns vector selectors of all series of the run's counter, with matchers of its
// targets. Selectors that differ only in the metric become one. For classic histograms they select
// all buckets if some may lack one for the threshold.
func (r *run) selectors(where []*labels.Matcher) []string {
	var all []string
	add := func(names []string, of *parser.VectorSelector, more ...*labels.Matcher) {
		matchers := slices.DeleteFunc(slices.Clone(of.LabelMatchers), func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel })
		matchers = slices.Concat([]*labels.Matcher{anyOf(model.MetricNameLabel, names)}, matchers, where, more)
		if text := (&parser.VectorSelector{LabelMatchers: matchers}).String(); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	alike := map[string][]string{} // names, by the other matchers
	for _, g := range r.task.counter.groups {
		for _, s := range g.selectors {
			key := promql.Renamed(s, "").String()
			if name := promql.Name(s); g.histogram == nil && g.within == nil && !slices.Contains(alike[key], name) {
				alike[key] = append(alike[key], name)
			}
		}
	}
	for _, g := range r.task.counter.groups {
		for _, s := range g.selectors {
			name := promql.Name(s)
			switch {
			case g.histogram == nil:
				if names := alike[promql.Renamed(s, "").String()]; len(names) > 0 {
					add(names, s)
				}
			case g.role != total:
			case r.allBuckets:
				add([]string{name, name + "_count", name + "_bucket"}, s)
			default:
				add([]string{name, name + "_count", name + "_bucket"}, s, bound("|"+g.histogram.exact))
			}
		}
	}
	return all
}

// distinct drops the series that are there already: selectors that overlap select them again.
func distinct(series []count.Series) []count.Series {
	type id struct {
		name   string
		labels slo.Labels
	}
	seen := make(map[id]bool, len(series))
	return slices.DeleteFunc(series, func(s count.Series) bool {
		is := id{s.Name, slo.NewLabels(s.Labels)}
		twice := seen[is]
		seen[is] = true
		return twice
	})
}

// targetSelector returns a vector selector of `up` and process starts of all targets that the
// matchers select.
func targetSelector(where []*labels.Matcher) string {
	names := anyOf(model.MetricNameLabel, []string{"up", processStart})
	return (&parser.VectorSelector{LabelMatchers: slices.Concat([]*labels.Matcher{names}, where)}).String()
}

// rawKey is a request: a selector's samples in a length of time.
type rawKey struct {
	selector string
	at       int64
	length   time.Duration
}

// rawAnswer is fetched once, by whoever comes first.
type rawAnswer struct {
	once  sync.Once
	found []count.Series
	err   error
}

// get asks for the samples of a selector in a length of time up to one, unless they were asked for.
func (a *rawReader) get(ctx context.Context, selector string, at time.Time, length time.Duration) ([]count.Series, error) {
	if a.known == nil {
		return a.rawAt(ctx, selector, at, length)
	}
	a.mu.Lock()
	key := rawKey{selector, at.UnixNano(), length}
	answer := a.known[key]
	if answer == nil {
		answer = &rawAnswer{}
		a.known[key] = answer
	}
	a.mu.Unlock()
	answer.once.Do(func() { answer.found, answer.err = a.rawAt(ctx, selector, at, length) })
	return answer.found, answer.err
}

// raw asks for the samples of series, by a range selector at one time or a vector selector at
// several.
func (a *rawReader) raw(ctx context.Context, query string, ticks slo.Ticks) ([]count.Series, error) {
	var found []count.Series
	top, err := a.do(ctx, query, ticks, func(s stream) error {
		found = append(found, rawOf(s))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if top.kind != matrix {
		return nil, a.failed(fmt.Errorf("%w: raw samples are not a matrix", slo.ErrBadAnswer))
	}
	markers := a.server.kind.Load() == victoriaMetrics
	for i := range found {
		found[i].Samples = distinctSamples(found[i].Samples, markers)
	}
	return found, nil
}

// rawOf makes a series from an answer's.
func rawOf(found stream) count.Series {
	s := count.Series{Name: found.labels[model.MetricNameLabel], Labels: found.labels, Samples: found.values, Native: found.histograms}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	delete(s.Labels, model.MetricNameLabel)
	return s
}

// distinctSamples drops samples, in place. VictoriaMetrics includes staleness markers, and keeps
// two samples of one time.
func distinctSamples(all []count.Sample, markers bool) []count.Sample {
	kept := all[:0]
	for i, v := range all {
		isMarker := markers && math.IsNaN(v.Value)
		if isAgain := i > 0 && v.At == all[i-1].At; !isMarker && !isAgain {
			kept = append(kept, v)
		}
	}
	return kept
}

// anyIn reports whether a series has a sample in a stretch.
func anyIn(all []count.Series, from, to time.Time) bool {
	return slices.ContainsFunc(all, func(s count.Series) bool {
		i := position(s.Samples, from.UnixMilli()+1)
		return len(s.Native) > 0 || i < len(s.Samples) && s.Samples[i].At <= to.UnixMilli()
	})
}

// cut returns the samples of series in a stretch, without its left end, as in Prometheus 3.
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

// position returns the index of the first sample that is not before a time.
func position(all []count.Sample, at int64) int {
	i, _ := slices.BinarySearchFunc(all, at, func(s count.Sample, at int64) int { return cmp.Compare(s.At, at) })
	return i
}

// joinRaw puts earlier samples in front of later ones of the same series.
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

// lacksBuckets reports whether some classic histograms have no bucket among the run's series at
// some time.
func (r *run) lacksBuckets() bool {
	type moment struct {
		histogram slo.Labels
		at        int64
	}
	for _, g := range r.task.counter.groups {
		if g.histogram == nil || g.role != total {
			continue
		}
		bare := map[moment]bool{}
		var raws []count.RawHistogram
		for _, s := range r.series {
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
