package promcheck

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// unmatched finds selectors that no series of their metric fit, where that is no matter of what has
// yet to happen.
func unmatched(ctx context.Context, s *subject) (findings []Finding) {
	for _, f := range s.fields {
		for _, selector := range f.selectors {
			name := promql.Name(selector)
			if name == "" || strings.HasPrefix(name, "ALERTS") || !s.exists(ctx, name) {
				continue
			}
			m := s.metric(ctx, name)
			if s.has(ctx, m, selector.LabelMatchers...) {
				continue
			}
			for _, matcher := range selector.LabelMatchers {
				if text := s.wrong(ctx, f, m, matcher); text != "" {
					findings = append(findings, Finding{Key: f.key, Text: text})
				}
			}
		}
	}
	return findings
}

// wrong says what is wrong with a matcher of a selector without series; "" if nothing is.
func (s *subject) wrong(ctx context.Context, f field, m *metric, matcher *labels.Matcher) string {
	if matcher.Name == model.MetricNameLabel || matcher.Matches("") || s.has(ctx, m, matcher) {
		return ""
	}
	if s.has(ctx, m, labels.MustNewMatcher(labels.MatchNotEqual, matcher.Name, "")) {
		return s.wrongValue(f, m, matcher)
	}
	own := m.labels()
	if other := likelyLabel(m, matcher); other != "" {
		return fmt.Sprintf("`%s` is on no series of %s; `%s` is", matcher.Name, m.name, shown(other))
	}
	if f.role == bad && s.inTotal(matcher) || f.role != total && f.role != histogram && mayComeLater(matcher.Name) {
		return ""
	}
	return fmt.Sprintf("`%s` is on no series of %s, which has %s", matcher.Name, m.name, listed(own))
}

// mayComeLater reports whether a label may be empty, and so on no series, until something fails.
func mayComeLater(label string) bool {
	return slices.ContainsFunc([]string{"err", "reason", "cause", "fail", "exception", "type", "kind"}, func(part string) bool {
		return strings.Contains(strings.ToLower(label), part)
	})
}

// sameLabels are names that exporters give to the same label.
var sameLabels = [][]string{
	{"code", "status", "status_code", "statusCode", "http_status", "http_status_code", "http_response_status_code", "response_code", "http_code", "grpc_code", "rpc_grpc_status_code"},
	{"method", "verb", "http_method", "http_request_method", "request_method", "grpc_method", "rpc_method"},
	{"path", "route", "handler", "uri", "url", "endpoint", "http_route", "http_target"},
	{"job", "service", "app", "application", "service_name"},
	{"namespace", "exported_namespace", "kubernetes_namespace", "k8s_namespace_name"},
	{"pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name", "exported_pod"},
	{"queue", "topic", "queue_name"},
	{"result", "outcome", "status", "state"},
}

// likelyLabel returns the label of a metric that a matcher is likely about: one with a like name,
// or one that has the same meaning; "" if there is none.
func likelyLabel(m *metric, matcher *labels.Matcher) string {
	own := m.labels()
	if like := promql.Nearest(matcher.Name, own); like != "" {
		return like
	}
	if exported := model.ExportedLabelPrefix + matcher.Name; slices.Contains(own, exported) {
		return exported
	}
	for _, same := range sameLabels {
		if !slices.Contains(same, matcher.Name) {
			continue
		}
		for _, other := range same {
			if !slices.Contains(own, other) {
				continue
			}
			values := m.values(other)
			family, known := promql.FamilyOf(values)
			if slices.ContainsFunc(values, matcher.Matches) || known && family.Has(matcher) {
				return other
			}
		}
	}
	return ""
}

// wrongValue says what is wrong with a matcher of a label that is there; "" if nothing is.
func (s *subject) wrongValue(f field, m *metric, matcher *labels.Matcher) string {
	values := m.values(matcher.Name)
	family, known := promql.FamilyOf(values)
	meant, isPattern := promql.MeantAsPattern(matcher)
	switch {
	case isPattern && promql.IsPattern(matcher.Value):
		return "" // as the text shows
	case isPattern && (slices.ContainsFunc(values, meant.Matches) || known && family.Has(meant)):
		return fmt.Sprintf("%s is compared as text, and no series of %s has it: a pattern is written %s", matcher, m.name, meant)
	case matcher.Name == model.BucketLabel:
		return wrongBoundary(m.name, matcher, values)
	case known && family.Has(matcher):
		return ""
	case known && family.Excludes(matcher, values):
		return fmt.Sprintf("%s fits no series of %s: its values are %s such as %s", matcher, m.name, family.Name, listed(values))
	}
	if matcher.Type == labels.MatchEqual && !(f.role == bad && s.inTotal(matcher)) {
		if like := likelyValue(matcher.Value, values); like != "" {
			return fmt.Sprintf("%s is on no series of %s; did you mean %q?", matcher, m.name, like)
		}
	}
	if f.role == total || f.role == good || f.role == histogram {
		return fmt.Sprintf("%s fits no series of %s: its values are %s", matcher, m.name, listed(values))
	}
	return ""
}

// likelyValue returns the value that was likely meant: one that differs in case, or a little; ""
// if there is none. Values with digits differ a little and mean something else.
func likelyValue(value string, values []string) string {
	for _, v := range values {
		if strings.EqualFold(v, value) {
			return v
		}
	}
	if strings.ContainsAny(value, "0123456789") {
		return ""
	}
	return promql.Nearest(value, values)
}

// wrongBoundary says which boundaries there are in place of one that a selector of buckets names.
func wrongBoundary(name string, matcher *labels.Matcher, values []string) string {
	wanted, err := strconv.ParseFloat(matcher.Value, 64)
	if err != nil || matcher.Type != labels.MatchEqual {
		return fmt.Sprintf("%s fits no boundary of %s: they are %s", matcher, name, listed(values))
	}
	low, high := "", ""
	below, above := math.Inf(-1), math.Inf(1)
	for _, v := range values {
		boundary, err := strconv.ParseFloat(v, 64)
		switch {
		case err != nil:
		case boundary == wanted:
			return fmt.Sprintf("%s is on no series of %s: the boundary is spelt le=%q", matcher, name, v)
		case boundary < wanted && boundary > below:
			below, low = boundary, v
		case boundary > wanted && boundary <= above:
			above, high = boundary, v
		}
	}
	near := strings.Trim(low+" and "+high, "and ")
	return fmt.Sprintf("%s is no boundary of %s: the nearest are %s", matcher, name, near)
}

// inTotal reports whether all selectors of the total, which has series, have the same matcher. Then
// the label and its value are right, and series of bad events are yet to come.
func (s *subject) inTotal(matcher *labels.Matcher) bool {
	_, all, ok := s.counted()
	return ok && !slices.ContainsFunc(all.taken, func(t *parser.VectorSelector) bool {
		return !slices.ContainsFunc(t.LabelMatchers, func(m *labels.Matcher) bool { return m.String() == matcher.String() })
	})
}

// excludesNothing finds matchers that were meant to leave series out by a pattern, and compare with
// its text.
func excludesNothing(ctx context.Context, s *subject) (findings []Finding) {
	for _, f := range s.fields {
		for _, selector := range f.selectors {
			name := promql.Name(selector)
			for _, matcher := range selector.LabelMatchers {
				meant, is := promql.MeantAsPattern(matcher)
				if !is || matcher.Type != labels.MatchNotEqual || promql.IsPattern(matcher.Value) || name == "" || !s.exists(ctx, name) {
					continue
				}
				values := s.metric(ctx, name).values(matcher.Name)
				left := slices.ContainsFunc(values, func(v string) bool { return !meant.Matches(v) })
				if left && !slices.Contains(values, matcher.Value) {
					findings = append(findings, Finding{Key: f.key, Text: fmt.Sprintf(
						"%s is compared as text, and leaves out no series of %s: a pattern is written %s", matcher, name, meant)})
				}
			}
		}
	}
	return findings
}

// missingGroups finds labels of group_by that are on no series of the events.
func missingGroups(ctx context.Context, s *subject) (findings []Finding) {
	for _, label := range s.Objective.GroupBy {
		for _, f := range s.fields {
			if !f.isCounted() || len(f.taken) == 0 {
				continue
			}
			texts := map[string]bool{}
			for _, selector := range f.taken {
				text, some := s.lacksLabel(ctx, f, selector, label)
				if text == "" && some {
					texts = nil
					break
				}
				if text != "" {
					texts[text] = true
				}
			}
			for text := range texts {
				findings = append(findings, Finding{Key: "group_by", Text: text})
				break // one of its selectors says enough
			}
		}
	}
	return findings
}

// lacksLabel says that a label is on none of the series of a selector; some is whether there are
// any series.
func (s *subject) lacksLabel(ctx context.Context, f field, selector *parser.VectorSelector, label string) (text string, some bool) {
	name := promql.Name(selector)
	if !s.exists(ctx, name) {
		return "", false
	}
	m := s.metric(ctx, name)
	there := labels.MustNewMatcher(labels.MatchNotEqual, label, "")
	if f.role == bad && !s.has(ctx, m, selector.LabelMatchers...) {
		return "", false
	}
	if s.has(ctx, m, append(slices.Clone(selector.LabelMatchers), there)...) || len(m.series) == 0 {
		return "", true
	}
	matcher := labels.MustNewMatcher(labels.MatchRegexp, label, ".+")
	if other := likelyLabel(m, matcher); other != "" {
		return fmt.Sprintf("`%s` is on no series of %s; `%s` is", label, name, shown(other)), true
	}
	return fmt.Sprintf("`%s` is on no series of %s, which has %s", label, name, listed(m.labels())), true
}

// listed writes a few names of a server's for people.
func listed(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "no labels"
	}
	texts := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		texts = append(texts, shown(name))
	}
	switch {
	case len(names) > most:
		return strings.Join(texts, ", ") + " and others"
	case len(texts) == 1:
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

// shown writes a name of a server's so that no terminal obeys it: quoted if it has characters that
// are not plain text, and cut if it is long.
func shown(name string) string {
	const most = 60
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "..."
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return strconv.QuoteToGraphic(name)
	}
	return name
}
