package prom

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// grid is where ticks are: Phase after the multiples of Interval since 1970.
type grid struct {
	Interval, Phase time.Duration

	// Apart has both ends of a tick be looked up by themselves. VictoriaMetrics needs that: there a
	// function over a range sees the sample before it, too, and would count all of a series that
	// has just begun.
	Apart bool
}

// grid is that of some ticks, for the server that answers, as far as it is known.
func (c *Client) grid(ticks slo.Ticks) grid {
	phase := time.Duration(ticks.First.UnixNano() % int64(ticks.Interval))
	return grid{ticks.Interval, phase, c.server.kind.Load() == victoriaMetrics}
}

// increase is the difference of what a function writes, over the last interval. A series that began
// or ended in the tick has none: a difference needs both its ends.
func (g grid) increase(each func(writer, ...*labels.Matcher) string) string {
	usable := func(write writer, more ...*labels.Matcher) string { return "(" + each(write, more...) + ") >= 0" }
	return "(" + g.difference(usable) + " >= 0 < Inf)"
}

// unchecked is increase where all that has a value at the beginning of the interval is known to be
// a number, and not negative. The increase of what is infinite at its end is infinite.
func (g grid) unchecked(each func(writer, ...*labels.Matcher) string) string {
	return "(" + g.difference(each) + " >= 0)"
}

func (g grid) difference(each func(writer, ...*labels.Matcher) string) string {
	if g.Apart {
		return "((" + each(as("")) + ") - (" + each(as(offset(g.Interval))) + "))"
	}
	return "idelta(" + g.bothEnds(each) + ")"
}

// bothEnds is the values of what a function writes, now and one interval ago. Looking series up
// costs Prometheus far more than reading some of their values, so they are looked up once for both.
// The millisecond more is for Prometheus 3, whose ranges are without their left end. The steps of a
// subquery are multiples of their length since 1970: what is off by a phase is moved there and
// back.
func (g grid) bothEnds(each func(writer, ...*labels.Matcher) string) string {
	there, subquery := as(""), "["+duration(g.Interval+time.Millisecond)+":"+duration(g.Interval)+"]"
	if g.Phase > 0 {
		there = as(" offset -" + duration(g.Phase))
		subquery += offset(g.Phase)
	}
	return "(" + each(there) + ")" + subquery
}

// writer makes a vector of a selector's text, by a modifier or a function over time.
type writer func(selector string) string

// as writes a selector followed by a modifier.
func as(modifier string) writer { return func(s string) string { return s + modifier } }

// joined makes something of every selector, and joins it.
func joined(selectors []*parser.VectorSelector, write writer, more ...*labels.Matcher) string {
	parts := make([]string, len(selectors))
	for i, s := range selectors {
		parts[i] = write(promql.Text(s, more...))
	}
	return strings.Join(parts, " or ")
}

// lastOver writes the last value that a selector's series had in a length of time.
func lastOver(back time.Duration) writer {
	return func(s string) string { return "last_over_time(" + s + over(back) + ")" }
}

// ofTargets matches the targets of jobs and instances.
func ofTargets(jobs, instances []string) []*labels.Matcher {
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

func and(all []*labels.Matcher, one *labels.Matcher) []*labels.Matcher {
	return slices.Concat(all, []*labels.Matcher{one})
}

func bound(le string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchRegexp, model.BucketLabel, le)
}

func byLabels(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	return " by (" + strings.Join(quoted, ", ") + ") "
}

// quoteName writes a label's name so that any UTF-8 text is one.
func quoteName(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return strconv.Quote(name)
}

func offset(d time.Duration) string { return " offset " + duration(d) }

func over(d time.Duration) string { return "[" + duration(d) + "]" }

func duration(d time.Duration) string { return model.Duration(d).String() }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
