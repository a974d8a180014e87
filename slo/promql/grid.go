package promql

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
)

// Grid is where ticks are: Phase after the multiples of Interval since 1970.
type Grid struct{ Interval, Phase time.Duration }

// GridOf is that of some ticks.
func GridOf(ticks slo.Ticks) Grid {
	return Grid{ticks.Interval, time.Duration(ticks.First.UnixNano() % int64(ticks.Interval))}
}

// increase is the difference of what a function writes, over the last interval. A series that began or ended in the tick has none: a
// difference needs both its ends.
func (g Grid) increase(each func(writer, ...*labels.Matcher) string) string {
	usable := func(write writer, more ...*labels.Matcher) string { return "(" + each(write, more...) + ") >= 0" }
	return "(idelta(" + g.bothEnds(usable) + ") >= 0 < Inf)"
}

// unchecked is increase where all that has a value at the beginning of the interval is known to be a number, and not negative. The increase of what
// is infinite at its end is infinite.
func (g Grid) unchecked(each func(writer, ...*labels.Matcher) string) string {
	return "(idelta(" + g.bothEnds(each) + ") >= 0)"
}

// bothEnds is the values of what a function writes, now and one interval ago. Looking series up costs Prometheus far more than reading some of
// their values, so they are looked up once for both. The millisecond more is for Prometheus 3, whose ranges are without their left end.
func (g Grid) bothEnds(each func(writer, ...*labels.Matcher) string) string {
	there, steps := g.steps(g.Interval+time.Millisecond, g.Interval, 0)
	return "(" + each(there) + ")" + steps
}

// steps is a subquery's times, which are ticks or parts of them, of a stretch that ends so long before now; and the writer of the selectors in
// it. The steps of a subquery are multiples of their length since 1970: what is off by a phase is moved there and back.
func (g Grid) steps(stretch, step, ago time.Duration) (there writer, subquery string) {
	there, subquery = as(""), "["+duration(stretch)+":"+duration(step)+"]"
	if g.Phase > 0 {
		there = as(" offset -" + duration(g.Phase))
	}
	if back := g.Phase + ago; back > 0 {
		subquery += offset(back)
	}
	return there, subquery
}
