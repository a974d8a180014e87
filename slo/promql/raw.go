package promql

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

// Raw is the samples of one series as they were scraped, or its values at the steps of a coarse
// look.
type Raw struct {
	Name    string
	Labels  map[string]string // without the name
	Samples []count.Sample
	Native  []count.NativeSample
}

// Where are matchers of the targets that a question is about.
type Where []*labels.Matcher

// RawSelectors are vector selectors of all series that the counter is of, with more matchers: those
// of the targets concerned. Selectors that differ in nothing but the metric are one. Of classic
// histograms they are of all buckets where some are not known to have one for the threshold.
func (c *Counter) RawSelectors(where Where, allBuckets bool) []string {
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
			key := renamed(s, "").String()
			if name := metricName(s); g.histogram == nil && g.within == nil && !slices.Contains(alike[key], name) {
				alike[key] = append(alike[key], name)
			}
		}
	}
	for _, g := range c.groups {
		for _, s := range g.selectors {
			name := metricName(s)
			switch {
			case g.histogram == nil:
				if names := alike[renamed(s, "").String()]; len(names) > 0 {
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

// LacksBuckets reports whether some classic histograms have no bucket among these series at some
// time.
func (c *Counter) LacksBuckets(series []Raw) bool {
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
				if raw, is := rawHistogram(metricName(v), s); is {
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

// TargetSelector is a vector selector of `up` and the start of their processes of all targets that
// matchers select.
func TargetSelector(where Where) string {
	names := anyOf(model.MetricNameLabel, []string{"up", processStart})
	return (&parser.VectorSelector{LabelMatchers: slices.Concat([]*labels.Matcher{names}, where)}).String()
}

// OfJobs selects the targets of jobs.
func OfJobs(jobs []string) Where { return Where{anyOf(model.JobLabel, jobs)} }

// Range is a range selector of a vector selector.
func Range(selector string, length time.Duration) string {
	return selector + "[" + duration(length) + "]"
}

// PastQuery asks which of some counters had a value in a length of time.
func (c *Counter) PastQuery(fresh []map[string]string, back time.Duration) Query {
	there := func(s string) string { return "last_over_time(" + s + "[" + duration(back) + "])" }
	narrow := narrowed(fresh)
	var arms []arm
	for _, g := range c.groups {
		if g.histogram == nil || g.role == total {
			arms = append(arms, tagged(g.each(there, narrow...), g.tag, pastArm))
		}
	}
	return newQuery(arms...)
}

// narrowed are matchers of the values that labels have in some series, where these are few.
func narrowed(series []map[string]string) (matchers []*labels.Matcher) {
	const most = 100
	values := map[string]map[string]bool{}
	for _, s := range series {
		for name := range s {
			values[name] = map[string]bool{}
		}
	}
	for name, seen := range values {
		for _, s := range series {
			seen[s[name]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) <= most {
			matchers = append(matchers, anyOf(name, slices.Sorted(maps.Keys(values[name]))))
		}
	}
	return matchers
}

// Targets matches the targets of those fresh counters that had a past; it is empty where there are
// none.
func Targets(had []Point, fresh []map[string]string) Where {
	before := map[string]bool{}
	for _, p := range had {
		before[identity(p.Labels)] = true
	}
	jobs, instances := map[string]bool{}, map[string]bool{}
	for _, f := range fresh {
		if before[identity(f)] {
			jobs[f[model.JobLabel]], instances[f[model.InstanceLabel]] = true, true
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	return Where(at(slices.Sorted(maps.Keys(jobs)), slices.Sorted(maps.Keys(instances))))
}

// AnyIn reports whether any of the fresh counters is among some series, by its labels.
func (w *World) AnyIn(series []Raw) bool {
	there := map[slo.Labels]bool{}
	for _, s := range series {
		own := maps.Clone(s.Labels)
		delete(own, model.BucketLabel)
		there[slo.NewLabels(own)] = true
	}
	return slices.ContainsFunc(w.FreshTargets(), func(f map[string]string) bool { return there[slo.NewLabels(f)] })
}

// InstanceQuery asks how many series each target has that had a value in a length of time.
func (c *Counter) InstanceQuery(back time.Duration) Query {
	there := func(s string) string { return "last_over_time(" + s + "[" + duration(back) + "])" }
	var arms []arm
	for _, g := range c.groups {
		if g.within == nil && (g.histogram == nil || g.role == total) {
			by := byLabels([]string{model.InstanceLabel, model.JobLabel})
			arms = append(arms, tagged("count"+by+"("+g.each(there)+")", g.tag, pastArm))
		}
	}
	return newQuery(arms...)
}

// Pieces sorts the targets in the answer to InstanceQuery so that those of one piece have about so
// many series, at most.
func Pieces(points []Point, most int) (pieces []Where) {
	series := map[targetKey]int{}
	for _, p := range points {
		series[targetOf(p.Labels)] += int(p.Value)
	}
	order := func(a, b targetKey) int {
		return cmp.Or(strings.Compare(a.job, b.job), strings.Compare(a.instance, b.instance))
	}
	var instances []string
	job, n := "", 0
	end := func() {
		if len(instances) > 0 {
			pieces = append(pieces, Where(at([]string{job}, instances)))
		}
		instances, n = nil, 0
	}
	for _, t := range slices.SortedFunc(maps.Keys(series), order) {
		if t.job != job || n+series[t] > most {
			end()
		}
		job, instances, n = t.job, append(instances, t.instance), n+series[t]
	}
	end()
	return pieces
}
