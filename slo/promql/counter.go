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
)

// lookBack is how far back a series, its target and its process are looked for when a series was not there one interval ago.
const lookBack = time.Hour

// visibleFor is how long Prometheus shows the last value of a series that is not scraped, if nothing else was configured.
const visibleFor = 5 * time.Minute

// The arms of the queries.
const (
	sumArm     = "sum"     // the sum of all plain differences: finite and not negative
	packedArm  = "packed"  // that sum, and how many series it is of, in one number
	seenArm    = "seen"    // how many series there are at any time in the tick, and how often they fell, in one number
	nowArm     = "now"     // how many series there are now; in the odd query their values
	beforeArm  = "before"  // the same, one interval ago
	fellArm    = "fell"    // the series that fell inside the tick
	fineArm    = "fine"    // the values of a few series, at times inside the tick
	scrapeArm  = "scrape"  // when they were scraped
	lastArm    = "last"    // the last value in the tick of a series that ended in it
	pastArm    = "past"    // the last value of a series before the tick
	timeArm    = "time"    // when that was
	targetTag  = "up"      // the targets that were up one interval ago
	reachedTag = "reached" // when a target was last up before the tick
	processTag = "process" // when a target's process started
)

// Role is what the events of a group of series count as.
type role string

const (
	total role = "total"
	good  role = "good"
	bad   role = "bad"
)

// group is the selectors of one metric in one role. Inside a group series are told apart by their labels, so overlapping selectors
// count a series once; between groups they are not, since `or` drops series of equal labels whatever their names.
type group struct {
	role      role
	tag       string
	selectors []*parser.VectorSelector
	histogram *histogram // whose events the series count; nil: they are counters themselves
	within    *within    // what of the total the series are; nil: they are the total, or not all of them are of it
	outcome   []string   // of the total: the labels by which its sums are asked, so that others can be told within it
}

// Counter counts the events of one ratio or latency indicator. It holds nothing of what it has counted.
type Counter struct {
	groups  []group
	groupBy []string
	part    role // good or bad
	asks    extent
}

// NewCounter takes an objective's indicator apart. It returns an error where the indicator is neither a ratio nor a latency, or has a
// problem that Check finds.
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
		if slices.ContainsFunc(terms[r], func(t term) bool { return t.minus }) {
			return nil, fmt.Errorf("%s: - between counters is not supported yet", r)
		}
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
			c.groups = append(c.groups, group{role: r, tag: string(r) + "/" + strconv.Itoa(n), selectors: same})
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

// SumQuery counts all ordinary series in one query: per group the sum of the differences, and the numbers of series from which it shows
// whether others are to be looked at one by one.
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
	return []arm{
		tagged("sum"+c.by(g.outcome...)+"("+packed(c.difference(g, at))+")", g.tag, packedArm),
		c.seen(g, at),
	}
}

// seen is how many series of a group there are, and how often they fell: in the tick, or up to it. Their jobs are told apart, for StartQuery.
func (c *Counter) seen(g group, at Grid) arm {
	falls := g.falls(at)
	if c.asks == many {
		falls = g.fallsUpTo(at)
	}
	return tagged("sum"+c.by(model.JobLabel)+"("+packedFalls(falls)+")", g.tag, seenArm)
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
	arms = append(arms,
		tagged("sum"+by+"("+packed(g.difference(at))+")", g.tag, packedArm),
		c.seen(g, at))
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

// OddQuery fetches the series that have no non-negative difference, one by one: those that were born, ended, fell, or are not a number. It
// names those that fell between two scrapes, too, though they may have made up for it since.
func (c *Counter) OddQuery(at Grid) Query {
	inTick := func(function string) writer {
		return func(s string) string { return function + "(" + s + "[" + duration(at.Interval) + "])" }
	}
	var arms []arm
	for _, g := range c.groups {
		difference := g.difference(at)
		arms = append(arms,
			tagged("("+g.each(as(""))+") unless "+difference, g.tag, nowArm),
			tagged("("+g.each(as(offset(at.Interval)))+") unless "+difference, g.tag, beforeArm),
			tagged("("+g.each(inTick("last_over_time"))+") unless ("+g.each(as(""))+")", g.tag, lastArm))
		if g.histogram == nil || g.role == total { // a histogram's parts fall together
			arms = append(arms, tagged(g.falls(at)+" > 0", g.tag, fellArm))
		}
	}
	return newQuery(arms...)
}

// pastQuery asks for the past of series that were not there one interval ago, or had no number, and of their targets. It is restricted to the jobs and
// instances concerned, as the look-back reads a hundred times as many samples as the difference does.
func (c *Counter) pastQuery(grid Grid, born, again map[string]bool, where []*labels.Matcher) Query {
	interval := grid.Interval
	back := "[" + duration(lookBack) + "]" + offset(interval)
	times := "[" + duration(lookBack) + ":" + duration(pastStep(interval)) + "]" + offset(interval)
	var arms []arm
	for _, g := range c.groups {
		if again[g.tag] {
			arms = append(arms, g.lastUsable(grid, where)...)
		}
		if !born[g.tag] {
			continue
		}
		arms = append(arms, tagged(g.each(func(s string) string { return "last_over_time(" + s + back + ")" }, where...), g.tag, pastArm))
		if g.histogram == nil || g.role == total { // a histogram's parts have the same times
			times := func(s string) string { return "max_over_time(timestamp(" + s + ")" + times + ")" }
			arms = append(arms, tagged(g.times(times, where...), g.tag, timeArm))
		}
	}
	up := named("up", where)
	return newQuery(append(arms,
		tagged(up+offset(interval)+" == 1", targetTag, ""),
		tagged("max_over_time((timestamp("+up+") and ("+up+" == 1))"+times+")", reachedTag, ""),
		tagged(named(processStart, where), processTag, ""))...)
}

// falls is how often each series fell inside the tick, looked at in steps of a tenth of it; the first is the last scrape before it.
func (g group) falls(at Grid) string {
	there, steps := at.steps(at.Interval+time.Millisecond, at.Interval/fineSteps, 0)
	return "(" + g.times(func(s string) string { return "resets(" + there(s) + steps + ")" }) + ")"
}

// fallsUpTo is falls of the tick and of the time before it in which a series may have had the value that it begins with. Series that ended in
// that time are among them. For many ticks this is cheaper, as they share what is read, and more of them than have to be are looked at anyway.
func (g group) fallsUpTo(at Grid) string {
	back := "[" + duration(at.Interval+visibleFor) + "]"
	return "(" + g.times(func(s string) string { return "resets(" + s + back + ")" }) + ")"
}

// difference is the group's increase over the last interval, per series that has a finite and non-negative one. A histogram's series
// has one where its events and its good ones both have.
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

// twins is each of a histogram's other role.
func (g group) twins(write writer, more ...*labels.Matcher) string {
	if g.role == total {
		return g.histogram.good(write, more...)
	}
	return g.histogram.total(write, more...)
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

// pastStep is how closely the times of last samples are looked for: fine enough not to miss a sample between two scrapes.
func pastStep(interval time.Duration) time.Duration {
	return min(max(interval/2, time.Second).Truncate(time.Second), 15*time.Second)
}
