package evidence

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// maxTicks is how many ticks a reading has at most; large objectives have fewer. maxValuesRead
	// bounds ticks times combinations of labels, which is the size of the answer. maxSeriesRead
	// bounds ticks times series, which is Prometheus' work.
	maxTicks      = 240
	coarseTicks   = 24
	maxValuesRead = 200_000
	maxSeriesRead = 300_000
	// shortestBefore and longestBefore bound how much of the time before a window is compared with
	// it.
	shortestBefore = time.Hour
	longestBefore  = 6 * time.Hour
)

// reading is the events of a window, of the time before it and of a little after it, by labels.
// Once read, they are grouped in memory for whoever asks.
type reading struct {
	window alert.Window
	ticks  slo.Ticks
	names  []string // of the labels by which events are told apart
	series []labelled
}

// labelled is the samples of all events that have some labels in common.
type labelled struct {
	labels  map[string]string
	samples []slo.Sample
}

// maxEach is how many ticks are read one by one of an indicator that is measured once a tick. In a
// longer stretch, each step is told by the tick at its end.
const maxEach = 10_000

// readBy reads an objective's events by labels. It returns errNothing if there are none.
func (c *collector) readBy(ctx context.Context, p Prometheus, w alert.Window, names []string, ticks slo.Ticks) (*reading, error) {
	if ticks.Last.Sub(ticks.First) <= maxEach*c.Interval {
		ticks.Each = c.Interval
	}
	r := &reading{window: w, names: names, ticks: ticks}
	o := w.Objective
	o.GroupBy = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.GroupBy, names))))
	answer := p.Read(ctx, []slo.Objective{o}, ticks)[0]
	if answer.Err != nil {
		return nil, answer.Err
	}
	own := w.Labels.Map()
	for _, s := range answer.Series {
		if labels := s.Labels.Map(); contains(labels, own) {
			r.series = append(r.series, labelled{labels, s.Samples})
		}
	}
	if len(r.series) == 0 {
		return nil, errNothing
	}
	return r, nil
}

// contains reports whether a set of labels has all of some others.
func contains(labels, others map[string]string) bool {
	for name, v := range others {
		if labels[name] != v {
			return false
		}
	}
	return true
}

// ticksOf returns the ticks in which a window and the time around it are read: about as many as
// wanted, so that one of them ends at the onset.
func (c *collector) ticksOf(w alert.Window, wanted int) slo.Ticks {
	length := until(w).Sub(w.Onset)
	before, after := lengthBefore(w), c.aroundOf(w)
	step := min(roundStep((before+length+after)/time.Duration(wanted), c.Interval), max(length, c.Interval))
	ticks := slo.Ticks{First: w.Onset.Add(step - upTo(before, step)), Last: w.Onset.Add(upTo(length+after, step)), Interval: step}
	for ticks.Last.After(c.newest) && ticks.Len() > 1 {
		ticks.Last = ticks.Last.Add(-step)
	}
	return ticks
}

// lengthBefore is how long before a window its events are compared with it. The chart needs no
// more.
func lengthBefore(w alert.Window) time.Duration {
	length := until(w).Sub(w.Onset)
	return max(min(max(length, shortestBefore), longestBefore), length/2)
}

// upTo rounds a length up to whole steps.
func upTo(length, step time.Duration) time.Duration { return (length + step - 1) / step * step }

// roundStep returns the next multiple of the interval of which round steps of a chart can be made:
// a part of 5 minutes, a part of an hour or some hours. If there is none near, it is the next
// multiple.
func roundStep(least, interval time.Duration) time.Duration {
	const short = 5 * time.Minute
	least = max(interval, upTo(least, interval))
	for step := least; step <= max(4*least, short); step += interval {
		if short%step == 0 || step%short == 0 && time.Hour%step == 0 || step%time.Hour == 0 {
			return step
		}
	}
	return least
}

// between sums the events of a stretch by some of the labels. Late events are spread evenly over
// the time in which they went unseen, and those of a tick over the tick.
func (r *reading) between(from, to time.Time, names []string) map[slo.Labels]slo.Counts {
	found := map[slo.Labels]slo.Counts{}
	for _, s := range r.series {
		kept := map[string]string{}
		for _, name := range names {
			kept[name] = s.labels[name]
		}
		var sum slo.Counts
		for _, sample := range s.samples {
			if !sample.Blind {
				in := slo.Late{From: sample.Tick.Add(-r.ticks.Interval), To: sample.Tick, Counts: sample.Counts}
				sum = sum.Add(in.Until(to).Sub(in.Until(from)))
			}
			for _, late := range sample.Late {
				sum = sum.Add(late.Until(to).Sub(late.Until(from)))
			}
		}
		key := slo.NewLabels(kept)
		found[key] = found[key].Add(sum)
	}
	return found
}

// seen is for how long there was data in a stretch.
func (r *reading) seen(from, to time.Time) (length time.Duration) {
	for i := range r.ticks.Len() {
		end := r.ticks.At(i)
		start := end.Add(-r.ticks.Interval)
		if end.After(from) && start.Before(to) && slices.ContainsFunc(r.series, func(s labelled) bool { return !s.samples[i].Blind }) {
			length += earlier(end, to).Sub(later(start, from))
		}
	}
	return length
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
