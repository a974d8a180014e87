package prom

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
	"github.com/postburn/postburn/slo/promql"
)

// The arms of a histogram's sums, besides the arms that all groups have.
const (
	lackArm   = "lack"   // how many targets have no bucket for the threshold
	leftArm   = "left"   // how many events they counted
	amongArm  = "among"  // of how many targets the threshold is between two buckets
	unsureArm = "unsure" // how many events they counted between the two
	nativeArm = "native" // how many targets have native histograms
	shapeArm  = "shape"  // the sum of the differences of native histograms, as a histogram
	gaugeArm  = "gauge"  // no values, but a warning if native histograms are gauges
	layoutArm = "layout" // the buckets of histograms without one for the threshold
)

// Limits of what a query asks.
const (
	maxBounds   = 16 // pairs of boundaries of one objective
	gaugeWindow = 2 * time.Minute
)

// histogram writes vectors that count the events of one metric's classic and native histograms.
// Both kinds of one target count as one series without `le`, and so do all spellings of one `le`:
// the largest value counts, which is the newest. So a switch from one to the other neither begins a
// series anew nor counts twice.
type histogram struct {
	selectors []*parser.VectorSelector
	threshold float64
	exact     string    // pattern of the `le` that is the threshold
	between   []pattern // else the boundaries around the threshold, narrowest first
	resolved  bool      // between is known
	native    asked
}

// pattern is bounds with the patterns of their `le`.
type pattern struct {
	count.Bounds
	lowLE, highLE string
}

// asked is how much to ask about native histograms.
type asked int

const (
	askAll    asked = iota // their events, shape, and whether they are counters
	askEvents              // events alone: mixed shapes can't be summed
	askNone                // the server knows no native histograms
)

// newLatency is newCounter for a latency.
func newLatency(o slo.Objective) (*counter, error) {
	l := o.Indicator.Latency
	selectors, err := promql.Histograms(l.Histogram)
	if err != nil {
		return nil, err
	}
	unit := l.Unit
	if unit == 0 {
		unit = time.Second
	}
	if l.Threshold <= 0 || unit < 0 {
		return nil, errors.New("the threshold must be longer than 0")
	}
	threshold := float64(l.Threshold) / float64(unit)
	c := &counter{groupBy: o.GroupBy, part: good}
	for i, same := range byName(selectors) {
		h := &histogram{selectors: same, threshold: threshold, exact: spellings(threshold)}
		for _, r := range []role{total, good} {
			c.groups = append(c.groups, group{role: r, tag: string(r) + "/" + strconv.Itoa(i), selectors: same, histogram: h})
		}
	}
	return c, nil
}

// twin returns the tag of a histogram's other role.
func (g group) twin() string {
	role, number, _ := strings.Cut(g.tag, "/")
	if role == string(total) {
		return string(good) + "/" + number
	}
	return string(total) + "/" + number
}

// total writes the numbers of all events.
func (h *histogram) total(write writer, more ...*labels.Matcher) string {
	return h.whole(h.part("_count", write, more...), "histogram_count("+joined(h.selectors, write, more...)+")")
}

// times is like total, for a write that counts times, as resets() does.
func (h *histogram) times(write writer, more ...*labels.Matcher) string {
	return h.whole(h.part("_count", write, more...), joined(h.selectors, write, more...))
}

// whole puts the classic and native part of each target together.
func (h *histogram) whole(classic, native string) string {
	if h.native == askNone {
		return "max without (le) (" + classic + ")"
	}
	return "max without (le) (" + classic + ` or label_replace(` + native + `, "le", "native", "", ""))`
}

// good writes the numbers of events of at most the threshold, for targets with a bucket for it or
// two around it.
func (h *histogram) good(write writer, more ...*labels.Matcher) string {
	arms := []string{h.direct(write, more...)}
	for _, p := range h.between {
		arms = append(arms, h.estimate(p, write, more...))
	}
	return strings.Join(arms, " or ")
}

// direct is good without postburn's own estimates. The server's share of a native histogram is
// rounded like all counts, or it could fall by the last digit though nothing happened; an empty
// histogram has no share.
func (h *histogram) direct(write writer, more ...*labels.Matcher) string {
	whole := joined(h.selectors, write, more...)
	share := "(round(histogram_fraction(-Inf, " + number(h.threshold) + ", " + whole + ") * histogram_count(" + whole + "), " + quantum + ") >= 0)"
	return h.whole(h.part("_bucket", write, and(more, bound(h.exact))...), share+" or (histogram_count("+whole+") == 0)")
}

// quantum is the smallest counted part of an event, see slo.Quantize.
const quantum = "0.0009765625"

// estimate is good between two boundaries, as if the events between them were spread evenly.
func (h *histogram) estimate(p pattern, write writer, more ...*labels.Matcher) string {
	high, share := h.cumulative(p.highLE, write, more...), p.Share(h.threshold)
	switch {
	case share == 1:
		return high
	case p.First:
		return "round(" + high + " * " + number(share) + ", " + quantum + ")"
	}
	return "round(" + h.cumulative(p.lowLE, write, more...) + " * " + number(1-share) + " + " + high + " * " + number(share) + ", " + quantum + ")"
}

// unsure writes the numbers of events between the boundaries of estimates; "" if there are none.
func (h *histogram) unsure(write writer) string {
	sure := h.direct(write)
	var arms []string
	for _, p := range h.between {
		switch high := h.cumulative(p.highLE, write); {
		case p.Share(h.threshold) == 1:
			sure += " or " + high
		case p.First:
			arms = append(arms, high)
		default:
			arms = append(arms, "("+high+" - "+h.cumulative(p.lowLE, write)+")")
		}
	}
	if len(arms) == 0 {
		return ""
	}
	return "((" + strings.Join(arms, " or ") + ") unless (" + sure + "))"
}

// cumulative writes the values of buckets with an `le` that a pattern matches.
func (h *histogram) cumulative(le string, write writer, more ...*labels.Matcher) string {
	return "max without (le) (" + h.part("_bucket", write, and(more, bound(le))...) + ")"
}

// part writes the series of a part of classic histograms.
func (h *histogram) part(suffix string, write writer, more ...*labels.Matcher) string {
	parts := make([]*parser.VectorSelector, len(h.selectors))
	for i, s := range h.selectors {
		parts[i] = promql.Renamed(s, promql.Name(s)+suffix)
	}
	return joined(parts, write, more...)
}

// difference writes the finite increase of a role's numbers, for targets if neither role's fell.
func (h *histogram) difference(r role, at grid) string {
	own, other := at.increase(h.total), at.increase(h.good)
	if r == good {
		own, other = other, own
	}
	return "(" + own + " and " + other + ")"
}

// counted is total without the targets to leave out, once these are known.
func (h *histogram) counted(write writer, more ...*labels.Matcher) string {
	if !h.resolved {
		return h.total(write, more...)
	}
	return h.total(write, more...) + " and (" + h.good(write, more...) + ")"
}

// targets writes the number of targets with series in an expression.
func targets(expr, by string, groupBy []string) string {
	names := slices.Concat(groupBy, []string{model.JobLabel, model.InstanceLabel})
	slices.Sort(names)
	return "count" + by + "(group" + byLabels(slices.Compact(names)) + "(" + expr + "))"
}

// arms returns the arms of sums that only histograms have.
func (h *histogram) arms(tag string, at grid, by string, groupBy []string) (arms []arm) {
	targets := func(expr string) string { return targets(expr, by, groupBy) }
	now, before := as(""), as(offset(at.Interval))
	if h.resolved {
		lacking := "(" + h.total(now) + " unless (" + h.good(now) + "))"
		arms = append(arms, tagged(targets(lacking), tag, lackArm), tagged("sum"+by+"("+at.increase(h.total)+" and "+lacking+")", tag, leftArm))
	}
	if unsure := h.unsure(now); unsure != "" {
		arms = append(arms, tagged(targets(unsure), tag, amongArm), tagged("sum"+by+"("+unsure+" - "+h.unsure(before)+" >= 0)", tag, unsureArm))
	}
	whole := joined(h.selectors, now)
	if h.native != askNone {
		arms = append(arms, h.nativeTargets(tag, by, groupBy))
	}
	if h.native == askAll {
		rates := joined(h.selectors, func(s string) string { return "rate(" + s + over(max(gaugeWindow, 2*at.Interval)) + ")" })
		arms = append(arms,
			tagged("sum"+by+"((("+whole+") - ("+joined(h.selectors, before)+")) and "+h.difference(total, at)+")", tag, shapeArm),
			tagged("count"+by+"(histogram_count("+rates+") < 0)", tag, gaugeArm))
	}
	return arms
}

// nativeTargets asks how many targets have native histograms.
func (h *histogram) nativeTargets(tag, by string, groupBy []string) arm {
	return tagged(targets("histogram_count("+joined(h.selectors, as(""))+")", by, groupBy), tag, nativeArm)
}

// simpler returns a counter that asks the server for less: first without sums of native histograms,
// which mixed ones do not have, then without native histograms, which old servers don't know. It
// returns nil if nothing is left to leave out.
func (c *counter) simpler() *counter {
	for _, g := range c.groups {
		if g.histogram == nil || g.histogram.native == askNone {
			return nil
		}
	}
	return c.changed(func(h *histogram, _ string) { h.native++ })
}

// changed returns a counter with changed histograms. Both roles of a metric share one.
func (c *counter) changed(change func(h *histogram, tag string)) *counter {
	other := *c
	other.groups = slices.Clone(c.groups)
	changed := map[*histogram]*histogram{}
	for i, g := range other.groups {
		if g.histogram == nil {
			continue
		}
		if changed[g.histogram] == nil {
			h := *g.histogram
			_, number, _ := strings.Cut(g.tag, "/")
			change(&h, string(total)+"/"+number)
			changed[g.histogram] = &h
		}
		other.groups[i].histogram = changed[g.histogram]
	}
	return &other
}
