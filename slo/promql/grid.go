package promql

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
)

// Grid is where ticks are: Phase after the multiples of Interval since 1970.
type Grid struct {
	Interval, Phase time.Duration

	// Apart has both ends of a tick be looked up by themselves. VictoriaMetrics needs that: there a
	// function over a range sees the sample before it, too, and would count all of a series that
	// has just begun.
	Apart bool
}

// GridOf is that of some ticks.
func GridOf(ticks slo.Ticks, apart bool) Grid {
	return Grid{ticks.Interval, time.Duration(ticks.First.UnixNano() % int64(ticks.Interval)), apart}
}

// increase is the difference of what a function writes, over the last interval. A series that began
// or ended in the tick has none: a difference needs both its ends.
func (g Grid) increase(each func(writer, ...*labels.Matcher) string) string {
	usable := func(write writer, more ...*labels.Matcher) string { return "(" + each(write, more...) + ") >= 0" }
	return "(" + g.difference(usable) + " >= 0 < Inf)"
}

// unchecked is increase where all that has a value at the beginning of the interval is known to be
// a number, and not negative. The increase of what is infinite at its end is infinite.
func (g Grid) unchecked(each func(writer, ...*labels.Matcher) string) string {
	return "(" + g.difference(each) + " >= 0)"
}

func (g Grid) difference(each func(writer, ...*labels.Matcher) string) string {
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
func (g Grid) bothEnds(each func(writer, ...*labels.Matcher) string) string {
	there, subquery := as(""), "["+duration(g.Interval+time.Millisecond)+":"+duration(g.Interval)+"]"
	if g.Phase > 0 {
		there = as(" offset -" + duration(g.Phase))
		subquery += offset(g.Phase)
	}
	return "(" + each(there) + ")" + subquery
}
