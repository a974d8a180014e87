package prom

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// Good or bad events are mostly series of the total that a label tells apart: code=~"5..". They are
// not looked up twice: the total is summed by that label, and the matching values are added up
// here.

// maxOutcomes is how many values those labels may have, by label set and job, before this costs
// more than it saves.
const maxOutcomes = 32

// within says which series of the total another group has.
type within struct {
	tag   string              // of the total's group that has all of them
	marks [][]*labels.Matcher // a series of the group matches one of these sets of matchers, others of the total none
}

// findWithin finds the groups of good or bad events that select series of the total.
func (all groups) findWithin() {
	for i := range all {
		part := &all[i]
		whole := slices.IndexFunc(all, func(g group) bool {
			return g.role == total && part.role != total && promql.Name(g.selectors[0]) == promql.Name(part.selectors[0])
		})
		if whole >= 0 {
			all[whole].outcome = part.placeWithin(all[whole])
		}
	}
}

// placeWithin notes which series of a total's group a group has, if it is a part of it, and returns
// the labels that tell them.
func (g *group) placeWithin(whole group) []string {
	in := within{tag: whole.tag}
	outcome := map[string]bool{}
	for _, s := range g.selectors {
		if !slices.ContainsFunc(whole.selectors, func(w *parser.VectorSelector) bool { return demands(s, w.LabelMatchers...) }) {
			return nil
		}
		var mark []*labels.Matcher
		for _, m := range s.LabelMatchers {
			if m.Name == model.MetricNameLabel || !slices.ContainsFunc(whole.selectors, func(w *parser.VectorSelector) bool { return !demands(w, m) }) {
				continue // the whole total has it
			}
			mark = append(mark, m)
			outcome[m.Name] = true
		}
		in.marks = append(in.marks, mark)
	}
	g.within = &in
	return slices.Sorted(maps.Keys(outcome))
}

// demands reports whether a selector has all of these matchers.
func demands(s *parser.VectorSelector, all ...*labels.Matcher) bool {
	return !slices.ContainsFunc(all, func(m *labels.Matcher) bool {
		return !slices.ContainsFunc(s.LabelMatchers, func(own *labels.Matcher) bool { return own.String() == m.String() })
	})
}

// has reports whether series of the total with these labels are of the group.
func (in *within) has(series map[string]string) bool {
	return slices.ContainsFunc(in.marks, func(mark []*labels.Matcher) bool {
		return !slices.ContainsFunc(mark, func(m *labels.Matcher) bool { return !m.Matches(series[m.Name]) })
	})
}

// partsOf returns the other groups that have a series of the total with these labels.
func (c *counter) partsOf(whole group, series map[string]string) (parts []group) {
	for _, g := range c.groups {
		if in := g.within; in != nil && !c.apart && in.tag == whole.tag && in.has(series) {
			parts = append(parts, g)
		}
	}
	return parts
}

// together reports whether good or bad events are among the total's own series.
func (all groups) together() bool {
	return !slices.ContainsFunc(all, func(g group) bool { return g.role != total && g.histogram == nil && g.within == nil })
}
