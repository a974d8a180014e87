package prom

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo/promql"
)

// Good or bad events are mostly series of the total, told from the others by a label: code=~"5..".
// They are not looked up a second time: the total is summed by that label, and what its values
// match is added up here.

// maxOutcomes is how many values those labels may have, for each label set and job, before that
// costs more than it saves.
const maxOutcomes = 32

// within is what of the total the series of another group are.
type within struct {
	tag   string              // of the group of the total that has all of them
	marks [][]*labels.Matcher // one of these sets of matchers is that of a series, which others of the total are without
}

// findWithin finds the groups of good or bad events that select from what the total does.
func (c *counter) findWithin() {
	for i := range c.groups {
		part := &c.groups[i]
		whole := slices.IndexFunc(c.groups, func(g group) bool {
			return g.role == total && part.role != total && promql.Name(g.selectors[0]) == promql.Name(part.selectors[0])
		})
		if whole >= 0 {
			c.groups[whole].outcome = part.placeWithin(c.groups[whole])
		}
	}
}

// placeWithin notes what of a group of the total a group is, if it is a part of it, and returns the
// labels by which it is told.
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
				continue // all of the total has it
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

// partsOf are the groups that series of the total with these labels are of as well.
func (c *counter) partsOf(whole group, series map[string]string) (parts []group) {
	for _, g := range c.groups {
		if in := g.within; in != nil && !c.apart && in.tag == whole.tag && in.has(series) {
			parts = append(parts, g)
		}
	}
	return parts
}

// together reports whether good or bad events are among the total's own series.
func (c *counter) together() bool {
	return !slices.ContainsFunc(c.groups, func(g group) bool { return g.role != total && g.histogram == nil && g.within == nil })
}

// scattered reports whether the labels by which good or bad events are told have so many values, by
// one tick's answer to sumQuery, that the counter had better ask for these events apart.
func (c *counter) scattered(points []point) bool {
	sums, sets := 0, 0
	for _, p := range points {
		g, arm, err := c.arm(p)
		switch {
		case err != nil || len(g.outcome) == 0 || c.apart:
		case arm == packedArm || arm == wholeArm:
			sums++
		case arm == seenArm:
			sets++
		}
	}
	return sums > maxOutcomes*sets
}
