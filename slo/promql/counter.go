package promql

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
)

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

// Role is what the events of a group of series count as.
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

// Counter counts the events of one ratio or latency indicator. It holds nothing of what it has
// counted.
type Counter struct {
	groups  []group
	groupBy []string
	part    role // good or bad
	asks    extent
	large   bool // its sums may be too large to be packed
}

// NewCounter takes an objective's indicator apart. It returns an error where the indicator is
// neither a ratio nor a latency, or has a problem that Check finds.
func NewCounter(o slo.Objective) (*Counter, error) {
	r := o.Indicator.Ratio
	switch {
	case o.Indicator.Latency != nil:
		return newLatency(o)
	case r == nil:
		return nil, errors.New("the indicator is neither a ratio nor a latency")
	case (r.Good == "") == (r.Bad == ""):
		return nil, errors.New("one of good and bad must be given")
	}
	c := &Counter{groupBy: o.GroupBy, part: bad}
	text := r.Bad
	if r.Good != "" {
		c.part, text = good, r.Good
	}
	var check checker
	terms := map[role][]term{total: check.counters(string(total), r.Total), c.part: check.counters(string(c.part), text)}
	if len(check.problems) > 0 {
		p := check.problems[0]
		return nil, fmt.Errorf("%s: %s", p.Field, p.Text)
	}
	plain := true
	for _, r := range []role{total, c.part} {
		plain = plain && len(terms[r]) == 1
		c.addGroups(r, terms[r])
	}
	if plain { // else one metric may be in several groups of a role
		c.findWithin()
	}
	return c, nil
}

func (c *Counter) addGroups(r role, terms []term) {
	n := 0
	for _, t := range terms {
		for _, same := range byName(t.selectors) {
			c.groups = append(c.groups, group{role: r, minus: t.minus, tag: string(r) + "/" + strconv.Itoa(n), selectors: same})
			n++
		}
	}
}

// byName sorts selectors into those of one metric each.
func byName(selectors []*parser.VectorSelector) (groups [][]*parser.VectorSelector) {
	named := map[string][]*parser.VectorSelector{}
	for _, s := range selectors {
		named[metricName(s)] = append(named[metricName(s)], s)
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		groups = append(groups, named[name])
	}
	return groups
}

// SumQuery counts all ordinary series in one query: per group the sum of the differences, and the
// numbers of series from which it shows whether others are to be looked at one by one.
func (c *Counter) SumQuery(at Grid) Query {
	return c.shared(func(c *Counter) (arms []arm) {
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
func (c *Counter) counterArms(g group, at Grid) []arm {
	if in := g.within; in != nil {
		if !in.apart {
			return nil
		}
		return []arm{tagged("sum"+c.by()+c.difference(g, at), g.tag, sumArm)}
	}
	return append(c.numbered(c.difference(g, at), c.by(g.outcome...), g.tag), c.seen(g, at))
}

// numbered is a sum and how many series it is of.
func (c *Counter) numbered(differences, by, tag string) []arm {
	if c.large {
		return []arm{tagged("sum"+by+"("+differences+")", tag, wholeArm), tagged("count"+by+"("+differences+")", tag, plainArm)}
	}
	return []arm{tagged("sum"+by+"("+packed(differences)+")", tag, packedArm)}
}

// seen is how many series of a group there are in the tick and the look-back before it, and how
// often they fell. Their jobs are told apart, for StartQuery.
func (c *Counter) seen(g group, at Grid) arm {
	return tagged("sum"+c.by(model.JobLabel)+"("+packedFalls(g.falls(at))+")", g.tag, seenArm)
}

// histogramArms are the sums of a role of a group of histograms.
func (c *Counter) histogramArms(g group, at Grid) []arm {
	if c.asksLittle() {
		return c.littleArms(g, at)
	}
	by := c.by()
	arms := []arm{
		tagged("count"+by+"("+g.counted(as(""))+")", g.tag, nowArm),
		tagged("count"+by+"("+g.counted(as(offset(at.Interval)))+")", g.tag, beforeArm),
	}
	if g.role != total {
		return append(arms, tagged("sum"+by+g.difference(at), g.tag, sumArm))
	}
	arms = append(arms, c.numbered(g.difference(at), by, g.tag)...)
	arms = append(arms, c.seen(g, at))
	return append(arms, g.histogram.arms(g.tag, at, by, c.groupBy)...)
}

// by is the modifier of an aggregation to the label sets of group_by, and of some labels more.
func (c *Counter) by(more ...string) string {
	names := slices.Concat(c.groupBy, more)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return byLabels(slices.Compact(names))
}

func byLabels(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	return " by (" + strings.Join(quoted, ", ") + ") "
}

// fallsOver is how long before a tick falls are looked for: ten ticks, and as long as it takes to
// scrape every target once, but no longer than Prometheus shows a value that is not scraped.
func fallsOver(interval time.Duration) time.Duration {
	const scrapes = 75 * time.Second // of targets that are scraped once a minute
	return min(max(10*interval, scrapes), count.Lookback)
}

// falls is how often each series fell in the tick and for a while before it. One that fell a while
// ago may show what it had before once more: a counter of several processes behind one address, or
// of a replica that is behind, rises far too much then. Series that ended in that time are among
// them.
func (g group) falls(at Grid) string {
	back := "[" + duration(at.Interval+fallsOver(at.Interval)) + "]"
	return "(" + g.times(func(s string) string { return "resets(" + s + back + ")" }) + ")"
}

// difference is the group's increase over the last interval, per series that has a finite and
// non-negative one. A histogram's series has one where its events and its good ones both have.
func (g group) difference(at Grid) string {
	if g.histogram != nil {
		return g.histogram.difference(g.role, at)
	}
	return at.increase(g.each)
}

// writer makes a vector of a selector's text, by a modifier or a function over time.
type writer func(selector string) string

// as writes a selector followed by a modifier.
func as(modifier string) writer { return func(s string) string { return s + modifier } }

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

// counted is each without the series that are left out.
func (g group) counted(write writer) string {
	if g.histogram != nil && g.role == total {
		return g.histogram.counted(write)
	}
	return g.each(write)
}

// times is each where what is written are times.
func (g group) times(write writer, more ...*labels.Matcher) string {
	if g.histogram != nil {
		return g.histogram.times(write, more...)
	}
	return g.each(write, more...)
}

// joined makes something of every selector, and joins it.
func joined(selectors []*parser.VectorSelector, write writer, more ...*labels.Matcher) string {
	parts := make([]string, len(selectors))
	for i, s := range selectors {
		parts[i] = write(plain(s, more...))
	}
	return strings.Join(parts, " or ")
}

func named(metric string, where []*labels.Matcher) string {
	return plain(&parser.VectorSelector{Name: metric}, where...)
}

// at matches the targets of jobs and instances.
func at(jobs, instances []string) []*labels.Matcher {
	return []*labels.Matcher{anyOf(model.JobLabel, jobs), anyOf(model.InstanceLabel, instances)}
}

// anyOf matches a label with one of the values; an empty value matches series without the label.
func anyOf(name string, values []string) *labels.Matcher {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return labels.MustNewMatcher(labels.MatchRegexp, name, strings.Join(quoted, "|"))
}

func offset(d time.Duration) string { return " offset " + duration(d) }

func duration(d time.Duration) string { return model.Duration(d).String() }

// quoteName writes a label's name so that any UTF-8 text is one.
func quoteName(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return strconv.Quote(name)
}
