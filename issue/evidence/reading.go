package evidence

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
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

// known returns those of some labels by which the events were read.
func (r *reading) known(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(r.names, name) })
}

// between sums the events of a stretch by some of the labels. It spreads late events evenly over
// the time in which they went unseen, and the others over their tick.
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

// contains reports whether a set of labels has all of some others.
func contains(labels, others map[string]string) bool {
	for name, v := range others {
		if labels[name] != v {
			return false
		}
	}
	return true
}

// seen returns for how long there was data in a stretch.
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
