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

// tagLabel tells the arms of a query apart: its value is the role, the number of the group, and the arm.
const tagLabel = "postburn"

// lookBack is how far back a series, its target and its process are looked for when a series was not there one interval ago.
const lookBack = time.Hour

// The arms of the queries.
const (
	sumArm     = "sum"     // the sum of all non-negative differences
	goodArm    = "plain"   // how many series have one
	nowArm     = "now"     // how many series there are now; in the odd query their values
	beforeArm  = "before"  // the same, one interval ago
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
}

// Counter counts the events of one ratio indicator. It holds nothing of what it has counted.
type Counter struct {
	groups  []group
	groupBy []string
	part    role // good or bad
}

// NewCounter takes an objective's indicator apart. It returns an error where the indicator is no ratio, or has a problem that Check finds.
func NewCounter(o slo.Objective) (*Counter, error) {
	r := o.Indicator.Ratio
	switch {
	case r == nil:
		return nil, errors.New("only ratio indicators are supported yet")
	case o.Exclude != "":
		return nil, errors.New("exclude is not supported yet")
	case (r.Good == "") == (r.Bad == ""):
		return nil, errors.New("one of good and bad must be given")
	}
	c := &Counter{groupBy: o.GroupBy, part: bad}
	text := r.Bad
	if r.Good != "" {
		c.part, text = good, r.Good
	}
	var check checker
	c.addGroups(total, check.counters(string(total), r.Total))
	c.addGroups(c.part, check.counters(string(c.part), text))
	if len(check.problems) > 0 {
		p := check.problems[0]
		return nil, fmt.Errorf("%s: %s", p.Field, p.Text)
	}
	return c, nil
}

func (c *Counter) addGroups(r role, selectors []*parser.VectorSelector) {
	byName := map[string][]*parser.VectorSelector{}
	for _, s := range selectors {
		byName[metricName(s)] = append(byName[metricName(s)], s)
	}
	for i, name := range slices.Sorted(maps.Keys(byName)) {
		c.groups = append(c.groups, group{role: r, tag: string(r) + "/" + strconv.Itoa(i), selectors: byName[name]})
	}
}

// SumQuery counts all ordinary series in one query: per group the sum of the differences, and the numbers of series from which it shows
// whether others are to be looked at one by one.
func (c *Counter) SumQuery(interval time.Duration) string {
	by := ""
	if len(c.groupBy) > 0 {
		names := make([]string, len(c.groupBy))
		for i, name := range c.groupBy {
			names[i] = quoteName(name)
		}
		by = " by (" + strings.Join(names, ", ") + ") "
	}
	var arms []string
	for _, g := range c.groups {
		difference := g.difference(interval)
		arms = append(arms,
			tagged("sum"+by+"("+difference+")", g.tag, sumArm),
			tagged("count"+by+"("+difference+")", g.tag, goodArm),
			tagged("count"+by+"("+g.values("")+")", g.tag, nowArm),
			tagged("count"+by+"("+g.values(offset(interval))+")", g.tag, beforeArm))
	}
	return strings.Join(arms, " or ")
}

// OddQuery fetches the series that have no non-negative difference, one by one: those that were born, ended, fell, or are not a number.
func (c *Counter) OddQuery(interval time.Duration) string {
	var arms []string
	for _, g := range c.groups {
		difference := g.difference(interval)
		arms = append(arms,
			tagged("("+g.values("")+") unless "+difference, g.tag, nowArm),
			tagged("("+g.values(offset(interval))+") unless "+difference, g.tag, beforeArm),
			tagged("("+g.each(func(s string) string { return "last_over_time(" + s + "[" + duration(interval) + "])" })+") unless ("+g.values("")+")", g.tag, lastArm))
	}
	return strings.Join(arms, " or ")
}

// pastQuery asks for the past of series that were not there one interval ago, and of their targets. It is restricted to the jobs and
// instances concerned, as the look-back reads a hundred times as many samples as the difference does.
func (c *Counter) pastQuery(interval time.Duration, born map[string]bool, jobs, instances []string) string {
	where := []*labels.Matcher{anyOf(model.JobLabel, jobs), anyOf(model.InstanceLabel, instances)}
	back := "[" + duration(lookBack) + "]" + offset(interval)
	times := "[" + duration(lookBack) + ":" + duration(pastStep(interval)) + "]" + offset(interval)
	var arms []string
	for _, g := range c.groups {
		if !born[g.tag] {
			continue
		}
		arms = append(arms,
			tagged(g.each(func(s string) string { return "last_over_time(" + s + back + ")" }, where...), g.tag, pastArm),
			tagged(g.each(func(s string) string { return "max_over_time(timestamp(" + s + ")" + times + ")" }, where...), g.tag, timeArm))
	}
	up := named("up", where)
	return strings.Join(append(arms,
		tagged(up+offset(interval)+" == 1", targetTag, ""),
		tagged("max_over_time((timestamp("+up+") and ("+up+" == 1))"+times+")", reachedTag, ""),
		tagged(named("process_start_time_seconds", where), processTag, "")), " or ")
}

// difference is the group's increase over the last interval, per series that has a finite and non-negative one.
func (g group) difference(interval time.Duration) string {
	return "(((" + g.values("") + ") - ((" + g.values(offset(interval)) + ") >= 0)) >= 0 < Inf)"
}

// values is the group's series, each selector followed by a modifier.
func (g group) values(modifier string) string {
	return g.each(func(s string) string { return s + modifier })
}

// each makes something of every selector, and joins it.
func (g group) each(write func(selector string) string, more ...*labels.Matcher) string {
	var parts []string
	for _, s := range g.selectors {
		parts = append(parts, write(plain(s, more...)))
	}
	return strings.Join(parts, " or ")
}

// tagged marks a query's arm.
func tagged(expr, tag, arm string) string {
	if arm != "" {
		tag += "/" + arm
	}
	return "label_replace(" + expr + `, "` + tagLabel + `", "` + tag + `", "", "")`
}

func named(metric string, where []*labels.Matcher) string {
	return plain(&parser.VectorSelector{Name: metric}, where...)
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
