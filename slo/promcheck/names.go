package promcheck

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// missingMetrics finds metrics without series, where that is no matter of what has yet to happen.
func missingMetrics(ctx context.Context, s *subject) (findings []Finding) {
	for _, f := range s.fields {
		for _, selector := range f.selectors {
			name := promql.Name(selector)
			if name == "" || strings.HasPrefix(name, "ALERTS") || s.exists(ctx, name) || s.isThere(ctx, f, selector) {
				continue
			}
			if like := promql.Nearest(name, s.names); like != "" && s.exists(ctx, like) {
				if f.role == histogram {
					name, like = family(name), family(like)
				}
				findings = append(findings, Finding{Key: f.key, Text: fmt.Sprintf("there are no series of %s; did you mean %s?", name, shown(like))})
				continue
			}
			if f.role == good || f.role == around || f.role == measured && !f.mayBeEmpty() {
				findings = append(findings, Finding{Key: f.key, Text: fmt.Sprintf("there are no series of %s: %s", name, missingMeans[f.role])})
			}
		}
	}
	return findings
}

// namesOf returns the names of the series that metrics of these types have, sorted.
func namesOf(types map[string][]string) (names []string) {
	for name, all := range types {
		names = append(names, name)
		for _, kind := range all {
			switch {
			case kind == "counter" && !strings.HasSuffix(name, "_total"): // as OpenMetrics names the metric
				names = append(names, name+"_total")
			case kind == "histogram":
				names = append(names, name+"_count", name+"_bucket", name+"_sum")
			case kind == "summary":
				names = append(names, name+"_count", name+"_sum")
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// missingMeans is what it means that a metric has no series.
var missingMeans = map[role]string{
	good:     "without good events all are bad, or there is no data; select good events that are counted, or bad ones",
	measured: "without them there is no data; select series that are there",
	around:   "without them it never has a value; select series that are there",
}

// isThere reports whether a metric without series of the last day is there all the same: as a
// native histogram, or long ago if it is one that may be gone for a while.
func (s *subject) isThere(ctx context.Context, f field, selector *parser.VectorSelector) bool {
	name := promql.Name(selector)
	switch f.role {
	case histogram:
		return s.exists(ctx, family(name))
	case around:
		s.questions++
		found, _, err := s.server.Series(ctx, selectorOf(name), s.now.Add(-longAgo), s.now, 1)
		if err != nil {
			s.err = err
			return true
		}
		return len(found) > 0
	}
	return false
}

// gaugesAndSummaries finds metrics that do not count events, by what their targets say.
func gaugesAndSummaries(_ context.Context, s *subject) (findings []Finding) {
	for _, f := range s.fields {
		if !f.isCounted() {
			continue
		}
		for _, selector := range f.selectors {
			name := promql.Name(selector)
			isPart := family(name) != name
			switch kind := s.typeOf(name); {
			case f.role == histogram && kind == "summary":
				findings = append(findings, Finding{Key: f.key, Fatal: true, Text: fmt.Sprintf(
					"%s is a summary, which has no buckets: export a histogram, or compare a quantile with bool", family(name))})
			case f.role == histogram && (kind == "gauge" || kind == "counter"):
				findings = append(findings, Finding{Key: f.key, Fatal: true, Text: fmt.Sprintf("%s is a %s: give a histogram", family(name), kind)})
			case kind == "summary" && !isPart:
				findings = append(findings, Finding{Key: f.key, Text: fmt.Sprintf("%s is a summary, so its value is a quantile: give %s_count", name, name)})
			case kind == "gauge" && !strings.HasSuffix(name, "_total"):
				findings = append(findings, Finding{Key: f.key, Text: fmt.Sprintf(
					"%s is a gauge, as its targets say: give a counter, or measure it once a tick with sampled or bool", name)})
			}
		}
	}
	return findings
}

// emptyHistograms finds histograms without buckets: by le, native ones, or both.
func emptyHistograms(ctx context.Context, s *subject) (findings []Finding) {
	for _, f := range s.fields {
		if f.role != histogram {
			continue
		}
		for _, selector := range f.selectors {
			name := family(promql.Name(selector))
			kind := s.typeOf(name)
			if kind == "summary" || kind == "gauge" || kind == "counter" || !s.exists(ctx, name+"_count") || s.isNative(ctx, name) {
				continue
			}
			if text := s.lacksBuckets(ctx, name); text != "" {
				findings = append(findings, Finding{Key: f.key, Fatal: true, Text: text})
			}
		}
	}
	return findings
}

// isNative reports whether a name has series of its own that are no quantiles of a summary.
func (s *subject) isNative(ctx context.Context, name string) bool {
	return s.exists(ctx, name) && s.has(ctx, s.metric(ctx, name), labels.MustNewMatcher(labels.MatchEqual, model.QuantileLabel, ""))
}

// lacksBuckets says why a histogram has none; "" if it has.
func (s *subject) lacksBuckets(ctx context.Context, name string) string {
	buckets := name + "_bucket"
	s.questions++
	found, _, err := s.server.Series(ctx, selectorOf(buckets), s.now.Add(-lookback), s.now, 1)
	switch {
	case err != nil:
		s.err = err
	case len(found) == 0 && s.exists(ctx, name):
		return name + " is a summary, which has no buckets: export a histogram, or compare a quantile with bool"
	case len(found) == 0:
		return buckets + " has no series, so nothing says how long events took: keep the buckets when metrics are relabelled"
	case found[0][model.BucketLabel] == "" && found[0]["vmrange"] == "":
		return buckets + " has no label le, so nothing says how long events took: keep it when metrics are relabelled or aggregated"
	}
	return ""
}
