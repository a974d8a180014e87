package prom

import (
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo/count"
)

// sumQuery counts all ordinary series in one query: per group the sum of the differences, and the
// numbers of series, which show whether to look at others one by one.
func (c *counter) sumQuery(at grid) query {
	return c.shared(func(c *counter) (arms []arm) {
		w := sumWriter{c, at}
		for _, g := range c.groups {
			if g.histogram != nil {
				arms = append(arms, w.histogramArms(g)...)
			} else {
				arms = append(arms, w.counterArms(g)...)
			}
		}
		return arms
	})
}

// sumWriter writes the arms of a sumQuery, for ticks of one grid.
type sumWriter struct {
	*counter
	at grid
}

// counterArms returns the sums of a group of counters.
func (w sumWriter) counterArms(g group) []arm {
	outcome := g.outcome
	switch {
	case w.apart && g.within != nil:
		return []arm{tagged("sum"+w.by()+w.increase(g.each), g.tag, sumArm)}
	case g.within != nil:
		return nil
	case w.apart:
		outcome = nil
	}
	return append(w.numbered(w.increase(g.each), w.by(outcome...), g.tag), w.seen(g))
}

// increase writes the differences of a group, each by itself.
func (w sumWriter) increase(each func(writer, ...*labels.Matcher) string) string {
	if w.extent == steady {
		return w.at.unchecked(each)
	}
	return w.at.increase(each)
}

// numbered writes a sum and how many series are in it.
func (w sumWriter) numbered(differences, by, tag string) []arm {
	if w.large {
		return []arm{tagged("sum"+by+"("+differences+")", tag, wholeArm), tagged("count"+by+"("+differences+")", tag, plainArm)}
	}
	return []arm{tagged("sum"+by+"("+differences+" + "+number(packUnit)+")", tag, packedArm)}
}

// seen asks, by job, how many series a group has in the tick and the look-back before it, and how
// often they fell. startQuery needs the jobs.
func (w sumWriter) seen(g group) arm {
	return tagged("sum"+w.by(model.JobLabel)+"("+g.falls(w.fallsBack())+" + "+number(seriesUnit)+")", g.tag, seenArm)
}

// histogramArms returns the sums of one role of a group of histograms.
func (w sumWriter) histogramArms(g group) []arm {
	if w.asksLittle() {
		return w.littleArms(g)
	}
	h, by := g.histogram, w.by()
	counted := h.good
	if g.role == total {
		counted = h.counted
	}
	arms := []arm{
		tagged("count"+by+"("+counted(as(""))+")", g.tag, nowArm),
		tagged("count"+by+"("+counted(as(offset(w.at.Interval)))+")", g.tag, beforeArm),
	}
	if g.role != total {
		return append(arms, tagged("sum"+by+h.difference(g.role, w.at), g.tag, sumArm))
	}
	arms = append(arms, w.numbered(h.difference(g.role, w.at), by, g.tag)...)
	arms = append(arms, w.seen(g))
	return append(arms, h.arms(g.tag, w.at, by, w.groupBy)...)
}

// littleArms returns the sums of one role of histograms, without the other's: equal numbers of
// series mean the same targets.
func (w sumWriter) littleArms(g group) []arm {
	by, classic := w.by(), *g.histogram
	classic.native = askNone
	if g.role != total {
		return w.numbered(w.increase(classic.good), by, g.tag)
	}
	arms := append(w.numbered(w.increase(classic.total), by, g.tag), w.seen(group{role: g.role, tag: g.tag, histogram: &classic}))
	if g.histogram.native != askNone {
		arms = append(arms, g.histogram.nativeTargets(g.tag, by, w.groupBy))
	}
	return arms
}

// falls asks how often each series fell in a length of time, even if it has ended.
func (g group) falls(back time.Duration) string {
	return "(" + g.times(func(s string) string { return "resets(" + s + over(back) + ")" }) + ")"
}

// fallsBack returns how far back from a tick's end to look for falls: in the tick and for ten ticks
// before it, but no longer than Prometheus shows a value that is not scraped. One that fell a while
// ago may show its old value again: a counter of several processes behind one address, or of a
// replica that is behind, then rises far too much. If nothing happened in the tick before, that one
// has looked at the ten: only its last samples are needed, to see a fall from them. A step of the
// past as long as the look-back has enough scrapes of its own.
func (w sumWriter) fallsBack() time.Duration {
	const scrapes = 75 * time.Second // long enough to scrape every target once, if only once a minute
	before := min(max(10*w.at.Interval, scrapes), count.Lookback)
	switch {
	case w.rare:
		before = count.Lookback
	case w.at.Interval >= count.Lookback:
		before = 0
	case w.extent == steady:
		before = scrapes
	}
	return w.at.Interval + before
}

// Half of a sum's cost for Prometheus is finding the series, and their number is needed, too. So
// one number asks for both: packUnit is added for each series. A float64 has room for 2^53: whole
// events are exact up to 2^17 series, and multiples of 1/1024 of an event, as they are counted, up
// to 2^7 series; beyond that the sum is rounded to as fine a multiple as fits. More events than
// packUnit in one tick can't be told from a series.
const packUnit = 1 << 36

// unpack takes a packed sum apart: how many series it has, and their sum.
func unpack(packed float64) (series, sum float64) {
	series = math.Floor(packed / packUnit)
	return series, packed - series*packUnit
}

// seriesUnit is added to the number of a series' falls, so that a sum of them has the number of
// series, too: up to 2^26 series, and as many falls.
const seriesUnit = 1.0 / (1 << 26)

// unpackFalls takes a sum with seriesUnit apart.
func unpackFalls(packed float64) (series, falls float64) {
	falls = math.Floor(packed)
	return (packed - falls) / seriesUnit, falls
}
