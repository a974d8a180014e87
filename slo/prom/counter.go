package prom

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
	"github.com/postburn/postburn/slo/promql"
)

// role is what the events of a group of series count as.
type role string

const (
	total role = "total"
	good  role = "good"
	bad   role = "bad"
)

// group is the selectors of one metric in one role. Inside a group series are told apart by their
// labels, so overlapping selectors count a series once; between groups they are not, since `or`
// drops series of equal labels whatever their names.
type group struct {
	role      role
	minus     bool // its events are subtracted
	tag       string
	selectors []*parser.VectorSelector
	histogram *histogram // whose events the series count; nil: they are counters themselves
	within    *within    // what of the total the series are; nil: they are the total, or not all of them are of it
	outcome   []string   // of the total: the labels by which its sums are asked, so that others can be told within it
}

// counter counts the events of one ratio or latency indicator. It holds nothing of what it has
// counted.
type counter struct {
	groups  []group
	groupBy []string
	part    role // good or bad
	asking
}

// asking is how a counter asks. What is counted does not depend on it.
type asking struct {
	extent
	large bool // the sums may be too large to be packed
	apart bool // good or bad events are asked for by themselves, though they are series of the total
}

// newCounter takes an objective's indicator apart. It returns an error where the indicator is
// neither a ratio nor a latency, or has a problem that promql.Check finds.
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
		c.addGroups(f.role, found)
		terms += len(found)
	}
	if terms == 2 { // else one metric may be in several groups of a role
		c.findWithin()
	}
	return c, nil
}

func (c *counter) addGroups(r role, terms []promql.Term) {
	n := 0
	for _, t := range terms {
		for _, same := range byName(t.Selectors) {
			c.groups = append(c.groups, group{role: r, minus: t.Minus, tag: string(r) + "/" + strconv.Itoa(n), selectors: same})
			n++
		}
	}
}

// byName sorts selectors into those of one metric each.
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
	packedArm  = "packed"  // that sum, and how many series it is of, in one number
	wholeArm   = "whole"   // that sum, where it is too large for that
	plainArm   = "plain"   // how many series it is of
	seenArm    = "seen"    // how many series there are in the tick or its look-back, and how often they fell, in one number
	nowArm     = "now"     // how many series there are now
	beforeArm  = "before"  // the same, one interval ago
	pastArm    = "past"    // the targets of series that were there before
	processTag = "process" // the targets whose process started anew
)

// sumQuery counts all ordinary series in one query: per group the sum of the differences, and the
// numbers of series from which it shows whether others are to be looked at one by one.
func (c *counter) sumQuery(at grid) query {
	return c.shared(func(c *counter) (arms []arm) {
		for _, g := range c.groups {
			if g.histogram != nil {
				arms = append(arms, c.histogramArms(g, at)...)
			} else {
				arms = append(arms, c.counterArms(g, at)...)
			}
		}
		return arms
	})
}

// counterArms are the sums of a group of counters.
func (c *counter) counterArms(g group, at grid) []arm {
	outcome := g.outcome
	switch {
	case c.apart && g.within != nil:
		return []arm{tagged("sum"+c.by()+c.increase(at)(g.each), g.tag, sumArm)}
	case g.within != nil:
		return nil
	case c.apart:
		outcome = nil
	}
	return append(c.numbered(c.increase(at)(g.each), c.by(outcome...), g.tag), c.seen(g, at))
}

// increase writes the differences of a group, each by itself.
func (c *counter) increase(at grid) func(func(writer, ...*labels.Matcher) string) string {
	if c.extent == steady {
		return at.unchecked
	}
	return at.increase
}

// numbered is a sum and how many series it is of.
func (c *counter) numbered(differences, by, tag string) []arm {
	if c.large {
		return []arm{tagged("sum"+by+"("+differences+")", tag, wholeArm), tagged("count"+by+"("+differences+")", tag, plainArm)}
	}
	return []arm{tagged("sum"+by+"("+differences+" + "+number(packUnit)+")", tag, packedArm)}
}

// seen is how many series of a group there are in the tick and the look-back before it, and how
// often they fell. Their jobs are told apart, for startQuery.
func (c *counter) seen(g group, at grid) arm {
	return tagged("sum"+c.by(model.JobLabel)+"("+g.falls(at)+" + "+number(seriesUnit)+")", g.tag, seenArm)
}

// by is the modifier of an aggregation to the label sets of group_by, and of some labels more.
func (c *counter) by(more ...string) string {
	names := slices.Concat(c.groupBy, more)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return byLabels(slices.Compact(names))
}

// fallsOver is how long before a tick falls are looked for: ten ticks, and as long as it takes to
// scrape every target once, but no longer than Prometheus shows a value that is not scraped. A step
// of the past that is as long as that has enough scrapes of its own.
func fallsOver(interval time.Duration) time.Duration {
	const scrapes = 75 * time.Second // of targets that are scraped once a minute
	if interval >= count.Lookback {
		return 0
	}
	return min(max(10*interval, scrapes), count.Lookback)
}

// falls is how often each series fell in the tick and for a while before it. One that fell a while
// ago may show what it had before once more: a counter of several processes behind one address, or
// of a replica that is behind, rises far too much then. Series that ended in that time are among
// them.
func (g group) falls(at grid) string {
	back := over(at.Interval + fallsOver(at.Interval))
	return "(" + g.times(func(s string) string { return "resets(" + s + back + ")" }) + ")"
}

// each makes something of every selector, and joins it.
func (g group) each(write writer, more ...*labels.Matcher) string {
	switch {
	case g.histogram == nil:
		return joined(g.selectors, write, more...)
	case g.role == total:
		return g.histogram.total(write, more...)
	}
	return g.histogram.good(write, more...)
}

// times is each where what is written are times.
func (g group) times(write writer, more ...*labels.Matcher) string {
	if g.histogram != nil {
		return g.histogram.times(write, more...)
	}
	return g.each(write, more...)
}

// Half of what a sum costs Prometheus is to find the series, and how many series it is of is to be
// known as well. So both are asked for in one number: packUnit more is added for each series. A
// float64 has room for 2^53: whole events are exact up to 2^17 series, and multiples of 1/1024 of
// an event, which is what is counted, up to 2^7 series; beyond that the sum is rounded to as fine a
// multiple as there is room for. More events than packUnit in one tick can't be told from a series.
const packUnit = 1 << 36

// unpack takes a sum apart: of how many series it is, and what they sum to.
func unpack(packed float64) (series, sum float64) {
	series = math.Floor(packed / packUnit)
	return series, packed - series*packUnit
}

// seriesUnit is added to the number of times that a series fell, so that a sum of them has the
// number of series as well: up to 2^26 of them, and as many falls.
const seriesUnit = 1.0 / (1 << 26)

// unpackFalls takes such a sum apart.
func unpackFalls(packed float64) (series, falls float64) {
	falls = math.Floor(packed)
	return (packed - falls) / seriesUnit, falls
}
