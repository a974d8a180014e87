package promcheck

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// mixedServices finds good or bad events of one service out of those of another, where both
// services have both metrics. What one metric's selectors say of two services, the text shows.
func mixedServices(ctx context.Context, s *subject) (findings []Finding) {
	part, all, ok := s.counted()
	if !ok {
		return nil
	}
	for _, p := range part.taken {
		for _, label := range promql.IdentityLabels() {
			own, others := equality(p, label), []*labels.Matcher(nil)
			for _, t := range all.taken {
				if m := equality(t, label); m != nil && promql.Name(t) != promql.Name(p) {
					others = append(others, m)
				}
			}
			if own == nil || len(others) < len(all.taken) {
				continue
			}
			same := slices.ContainsFunc(others, func(m *labels.Matcher) bool { return m.Value == own.Value })
			if !same && s.bothHave(ctx, p, all.taken[0], own, others[0]) {
				findings = append(findings, Finding{Key: part.key, Text: fmt.Sprintf("%s is not the %s of the total, which has %s: %s has that, too",
					own, label, others[0], promql.Name(p))})
			}
		}
	}
	return findings
}

// bothHave reports whether the metrics of two selectors have series with both matchers.
func (s *subject) bothHave(ctx context.Context, a, b *parser.VectorSelector, one, other *labels.Matcher) bool {
	for _, selector := range []*parser.VectorSelector{a, b} {
		name := promql.Name(selector)
		if !s.exists(ctx, name) {
			return false
		}
		m := s.metric(ctx, name)
		if !s.has(ctx, m, one) || !s.has(ctx, m, other) {
			return false
		}
	}
	return true
}

func equality(s *parser.VectorSelector, label string) *labels.Matcher {
	i := slices.IndexFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label && m.Type == labels.MatchEqual })
	if i < 0 {
		return nil
	}
	return s.LabelMatchers[i]
}

// widerParts finds good or bad events of more services than the total's, and a total of more than
// those of bad events.
func widerParts(ctx context.Context, s *subject) (findings []Finding) {
	part, all, ok := s.counted()
	if !ok || len(part.taken) != 1 || len(all.taken) != 1 {
		return nil
	}
	p, t := part.taken[0], all.taken[0]
	same := family(promql.Name(p)) == family(promql.Name(t))
	for _, label := range promql.IdentityLabels() {
		own, other := equality(p, label), equality(t, label)
		switch {
		case own == nil && other != nil && !names(p, label):
			if more := s.othersOf(ctx, p, other); more != "" {
				findings = append(findings, Finding{Key: part.key, Text: fmt.Sprintf("it has series of %s=%q, too, and the total has %s alone: give both the same %s",
					label, more, other, label)})
			}
		case own != nil && other == nil && same && !names(t, label):
			if more := s.othersOf(ctx, t, own); more != "" {
				findings = append(findings, Finding{Key: all.key, Text: fmt.Sprintf("it has series of %s=%q, too, and %s has %s alone: give both the same %s",
					label, more, part.role, own, label)})
			}
		}
	}
	return findings
}

// String names a role as its key does.
func (r role) String() string {
	return map[role]string{total: "total", good: "good", bad: "bad"}[r]
}

// names reports whether a selector says anything about a label.
func names(s *parser.VectorSelector, label string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label })
}

// othersOf returns another value that a selector's series have of a label, if they have the given
// one, too; "" if there is none.
func (s *subject) othersOf(ctx context.Context, selector *parser.VectorSelector, own *labels.Matcher) string {
	name := promql.Name(selector)
	if !s.exists(ctx, name) {
		return ""
	}
	found := s.metric(ctx, name).with(selector.LabelMatchers...)
	values := valuesIn(found, own.Name)
	if !slices.Contains(values, own.Value) {
		return ""
	}
	for _, v := range values {
		if v != own.Value {
			return v
		}
	}
	return ""
}

// withoutTargets finds series that do not say which process counted them.
func withoutTargets(ctx context.Context, s *subject) (findings []Finding) {
	for _, f := range s.fields {
		if f.role != total && f.role != histogram {
			continue
		}
		for _, selector := range f.taken {
			name := promql.Name(selector)
			if !s.exists(ctx, name) {
				continue
			}
			found := s.metric(ctx, name).with(selector.LabelMatchers...)
			if len(found) == 0 || len(valuesIn(found, model.JobLabel)) > 0 || len(valuesIn(found, model.InstanceLabel)) > 0 {
				continue
			}
			findings = append(findings, Finding{Key: f.key, Text: fmt.Sprintf(
				"no series of %s has the labels job and instance, so nothing tells a process that restarts from a sum that falls: give the counters as they are scraped", name)})
			break
		}
	}
	return findings
}
