package prom

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// role says what the events of a group count as.
type role string

const (
	total role = "total"
	good  role = "good"
	bad   role = "bad"
)

// group is the selectors of one metric in one role. Labels tell the series of a group apart, so
// overlapping selectors count a series once. Groups are summed separately, since `or` drops series
// with equal labels even if their names differ.
type group struct {
	role      role
	minus     bool // its events are subtracted
	tag       string
	selectors []*parser.VectorSelector
	histogram *histogram // that the series belong to; nil: they are counters themselves
	within    *within    // which part of the total the series are; nil: all of it, or not all are in it
	outcome   []string   // of the total: the labels to sum it by, so that other groups can be told within it
}

// groups are those of a counter.
type groups []group

// counter counts the events of one ratio or latency indicator. It keeps no counts.
type counter struct {
	groups
	groupBy []string
	part    role // good or bad
	asking
}

// newCounter takes an objective's indicator apart. It returns an error if the indicator is neither
// a ratio nor a latency, or has a problem that promql.Check finds.
func newCounter(o slo.Objective) (*counter, error) {
	r := o.Indicator.Ratio
	switch {
	case o.Indicator.Latency != nil:
		return newLatency(o)
	case r == nil:
		return nil, errors.New("the indicator is neither a ratio nor a latency")
	case (r.Good == "") == (r.Bad == ""):
		return nil, errors.New("one of good and bad must be given")
	}
	c := &counter{groupBy: o.GroupBy, part: bad}
	text := r.Bad
	if r.Good != "" {
		c.part, text = good, r.Good
	}
	terms := 0
	for _, f := range []struct {
		role
		text string
	}{{total, r.Total}, {c.part, text}} {
		found, err := promql.Counters(string(f.role), f.text)
		if err != nil {
			return nil, err
		}
		c.groups.add(f.role, found)
		terms += len(found)
	}
	if terms == 2 { // else one metric may be in several groups of a role
		c.findWithin()
	}
	return c, nil
}

func (all *groups) add(r role, terms []promql.Term) {
	n := 0
	for _, t := range terms {
		for _, same := range byName(t.Selectors) {
			*all = append(*all, group{role: r, minus: t.Minus, tag: string(r) + "/" + strconv.Itoa(n), selectors: same})
			n++
		}
	}
}

// byName groups selectors by metric.
func byName(selectors []*parser.VectorSelector) (groups [][]*parser.VectorSelector) {
	named := map[string][]*parser.VectorSelector{}
	for _, s := range selectors {
		named[promql.Name(s)] = append(named[promql.Name(s)], s)
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		groups = append(groups, named[name])
	}
	return groups
}

// The arms of the queries.
const (
	sumArm     = "sum"     // the sum of all plain differences: finite and not negative
	packedArm  = "packed"  // that sum and the number of its series, in one number
	wholeArm   = "whole"   // that sum, if it is too large for packing
	plainArm   = "plain"   // how many series are in it
	seenArm    = "seen"    // how many series there are in the tick or its look-back, and how often they fell, in one number
	nowArm     = "now"     // how many series there are now
	beforeArm  = "before"  // the same, one interval ago
	pastArm    = "past"    // the targets of series that were there before
	processTag = "process" // the targets with a new process
)

// by returns an aggregation's modifier for group_by's labels, and some more.
func (c *counter) by(more ...string) string {
	names := slices.Concat(c.groupBy, more)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return byLabels(slices.Compact(names))
}

// each writes every selector, and joins the results.
func (g group) each(write writer, more ...*labels.Matcher) string {
	switch {
	case g.histogram == nil:
		return joined(g.selectors, write, more...)
	case g.role == total:
		return g.histogram.total(write, more...)
	}
	return g.histogram.good(write, more...)
}

// times is like each, for a write that counts times, as resets() does.
func (g group) times(write writer, more ...*labels.Matcher) string {
	if g.histogram != nil {
		return g.histogram.times(write, more...)
	}
	return g.each(write, more...)
}
