package evidence

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// maxTicks is how many ticks a reading has at most; large objectives have fewer.
	maxTicks = 240
	// coarseTicks is the same for the second try, if the first one took too many queries.
	coarseTicks = 24
	// maxValuesRead bounds ticks times combinations of labels, which is the size of the answer.
	maxValuesRead = 200_000
	// maxSeriesRead bounds ticks times series, which is Prometheus' work.
	maxSeriesRead = 300_000
	// maxEach is how many ticks of an indicator that is measured once a tick are read one by one.
	// If there are more, the tick at the end of each step stands for the step.
	maxEach = 10_000
	// A window is compared with as long a time before it, within these bounds.
	shortestBefore = time.Hour
	longestBefore  = 6 * time.Hour
)

// reader reads the events of breach windows and of the time around them.
type reader struct{ scope }

// by reads an objective's events by labels. It returns errNothing if there are none.
func (rd *reader) by(ctx context.Context, p Prometheus, w alert.Window, names []string, ticks slo.Ticks) (*reading, error) {
	if ticks.Last.Sub(ticks.First) <= maxEach*rd.interval {
		ticks.Each = rd.interval
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

// again reads other events by other labels, in the same ticks as before.
func (rd *reader) again(ctx context.Context, p Prometheus, r *reading, w alert.Window, names []string) (*reading, error) {
	return rd.by(ctx, p, w, names, r.ticks)
}

// around returns how much of the time before and after a window its chart shows.
func (rd *reader) around(w alert.Window) time.Duration {
	return max(until(w).Sub(w.Onset)/4, least*rd.interval)
}

// ticksOf returns the ticks in which a window and the time around it are read, about as many as
// wanted. One of them ends at the onset, and the last by the newest final tick. They may be up to
// four times as many, so that one of them ends near the window's end, too.
func (rd *reader) ticksOf(w alert.Window, wanted int) slo.Ticks {
	length := until(w).Sub(w.Onset)
	before, after := lengthBefore(w), rd.around(w)
	step := min(roundStep((before+length+after)/time.Duration(wanted), rd.interval), max(length, rd.interval))
	step = rd.fitting(w, step)
	ticks := slo.Ticks{First: w.Onset.Add(step - upTo(before, step)), Last: w.Onset.Add(upTo(length+after, step)), Interval: step}
	for ticks.Last.After(rd.newest) && ticks.Len() > 1 {
		ticks.Last = ticks.Last.Add(-step)
	}
	return ticks
}

// fitting returns the longest step, down to a quarter of the given one, with a tick that ends close
// enough to the window's end: within half of what counts by label may be off. If there is none, it
// returns the step that comes closest. Events are spread evenly over their tick, but in the tick in
// which a window ends, nearly all bad events come before that end.
func (rd *reader) fitting(w alert.Window, longest time.Duration) time.Duration {
	length := until(w).Sub(w.Onset)
	best, least := longest, length
	for step := longest; step >= max(longest/4, rd.interval); step -= rd.interval {
		final := rd.newest.Sub(w.Onset) / step * step
		off := (min(upTo(length, step), final) - length).Abs()
		if float64(off) <= tolerance/2*float64(length) {
			return step
		}
		if off < least {
			best, least = step, off
		}
	}
	return best
}

// lengthBefore returns for how long before a window events are read. The chart needs no more.
func lengthBefore(w alert.Window) time.Duration {
	length := until(w).Sub(w.Onset)
	return max(min(max(length, shortestBefore), longestBefore), length/2)
}

// upTo rounds a length up to whole steps.
func upTo(length, step time.Duration) time.Duration { return (length + step - 1) / step * step }

// roundStep returns the next multiple of the interval that divides 5 minutes, or that is a round
// part of an hour or some hours, so that a chart's round steps can be made of it. If there is none
// near, it returns the next multiple.
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
