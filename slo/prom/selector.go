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

// grid places the ticks: Phase after the multiples of Interval since 1970.
type grid struct {
	Interval, Phase time.Duration

	// Apart looks up both ends of a tick separately. VictoriaMetrics needs that: there a function
	// over a range also sees the sample before it, and would count all of a series that has just
	// begun.
	Apart bool
}

// grid returns the grid of some ticks, for the server that answers, as far as it is known.
func (c *Client) grid(ticks slo.Ticks) grid {
	phase := time.Duration(ticks.First.UnixNano() % int64(ticks.Interval))
	return grid{ticks.Interval, phase, c.server.kind.Load() == victoriaMetrics}
}

// increase writes the difference of an expression over the last interval. A series that began or
// ended in the tick has none: a difference needs both ends.
func (g grid) increase(each func(writer, ...*labels.Matcher) string) string {
	usable := func(write writer, more ...*labels.Matcher) string { return "(" + each(write, more...) + ") >= 0" }
	return "(" + g.difference(usable) + " >= 0 < Inf)"
}

// unchecked is increase if all values at the beginning of the interval are known to be numbers, and
// not negative. An infinite value at its end makes the increase infinite.
func (g grid) unchecked(each func(writer, ...*labels.Matcher) string) string {
	return "(" + g.difference(each) + " >= 0)"
}

func (g grid) difference(each func(writer, ...*labels.Matcher) string) string {
	if g.Apart {
		return "((" + each(as("")) + ") - (" + each(as(offset(g.Interval))) + "))"
	}
	return "idelta(" + g.bothEnds(each) + ")"
}

// bothEnds writes the values of an expression now and one interval ago. Looking up series costs
// Prometheus far more than reading some of their values, so it looks them up once for both. The
// extra millisecond is for Prometheus 3: its ranges exclude their left end. The steps of a subquery
// are multiples of their length since 1970, so a grid with a phase is moved there and back.
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

// joined writes every selector, and joins the results.
func joined(selectors []*parser.VectorSelector, write writer, more ...*labels.Matcher) string {
	parts := make([]string, len(selectors))
	for i, s := range selectors {
		parts[i] = write(promql.Text(s, more...))
	}
	return strings.Join(parts, " or ")
}

// lastOver writes the last value of a selector's series in a length of time.
func lastOver(back time.Duration) writer {
	return func(s string) string { return "last_over_time(" + s + over(back) + ")" }
}

// ofTargets matches the targets of jobs and instances.
func ofTargets(jobs, instances []string) []*labels.Matcher {
	return []*labels.Matcher{anyOf(model.JobLabel, jobs), anyOf(model.InstanceLabel, instances)}
}

// anyOf matches a label with any of the values; an empty value matches series without the label.
// See written.
func anyOf(name string, values []string) *labels.Matcher { return written(name, anyValue(values)) }

// anyValue returns a regular expression for any of the values.
func anyValue(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return strings.Join(quoted, "|")
}

// written returns a matcher to write into a query. It must not match anything itself: it has no
// compiled expression, as compiling one for each query takes longer than writing the rest of it.
func written(name, expression string) *labels.Matcher {
	return &labels.Matcher{Type: labels.MatchRegexp, Name: name, Value: expression}
}

func and(all []*labels.Matcher, one *labels.Matcher) []*labels.Matcher {
	return slices.Concat(all, []*labels.Matcher{one})
}

// bound matches buckets by their bound. See written.
func bound(le string) *labels.Matcher { return written(model.BucketLabel, le) }

func byLabels(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	return " by (" + strings.Join(quoted, ", ") + ") "
}

// quoteName writes a label's name, which may be any UTF-8 text.
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
