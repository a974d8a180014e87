package prom

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/count"
	"github.com/postburn/postburn/slo/promql"
)

// world is the raw samples of a run, or around one of its ticks, and the label sets and roles that
// they count for.
type world struct {
	count.World
	counter *counter
	members []member // of the counters
}

// member says what the events of a counter count as.
type member struct {
	labels map[string]string
	groups []group
	kind   memberKind

	isOfHistogram bool
}

// isTotal reports whether its events belong to the total.
func (m member) isTotal() bool {
	return slices.ContainsFunc(m.groups, func(g group) bool { return g.role == total })
}

// memberKind tells a histogram's counters apart.
type memberKind int

const (
	ofEvents memberKind = iota // a counter, or all events of a histogram
	ofGood                     // the good events of a histogram; all events have the same caveats
	ofUnsure                   // estimated events
	ofLeft                     // events left out
)

// newWorld sorts a run's raw samples into what a counter counts. Targets are the series of
// targetSelector.
func newWorld(c *counter, series, targets []count.Series) *world {
	w := &world{counter: c, members: make([]member, 0, len(series))}
	w.Counters = make([]count.Series, 0, len(series))
	histograms := map[*histogram][]count.RawHistogram{}
	var m member
	var found groups
	for _, s := range series {
		found = found[:0]
		for _, g := range c.groups {
			switch {
			case g.histogram == nil:
				if slices.ContainsFunc(g.selectors, func(v *parser.VectorSelector) bool { return selects(v, s.Name, s) }) {
					found = append(found, g)
				}
			case g.role == total:
				for _, v := range g.selectors {
					if raw, is := rawHistogram(promql.Name(v), s); is && selects(v, promql.Name(v), s) {
						histograms[g.histogram] = append(histograms[g.histogram], raw)
						break
					}
				}
			}
		}
		if !slices.EqualFunc(found, m.groups, func(a, b group) bool { return a.tag == b.tag }) {
			m.groups = slices.Clone(found) // which most of the next series have, too
		}
		if len(found) > 0 {
			m.labels, s.Part = s.Labels, !m.isTotal()
			w.members, w.Counters = append(w.members, m), append(w.Counters, s)
		}
	}
	for _, g := range c.groups {
		if g.histogram != nil && g.role == total {
			w.addHistograms(histograms[g.histogram], g)
		}
	}
	for _, s := range targets {
		if s.Name == processStart {
			w.Starts = append(w.Starts, s)
		} else {
			w.Up = append(w.Up, s)
		}
	}
	for _, all := range [][]count.Series{w.Counters, w.Up, w.Starts} {
		count.Prepare(all)
	}
	return w
}

// at returns the samples of a run to count a tick by: from a time up to its end.
func (w *world) at(tick time.Time, interval time.Duration, from time.Time) *world {
	part := &world{counter: w.counter, members: make([]member, 0, len(w.members))}
	part.Tick, part.Interval = tick, interval
	part.Counters = make([]count.Series, 0, len(w.Counters))
	part.Up, part.Starts = cut(w.Up, from, tick), cut(w.Starts, from, tick)
	first, last := from.UnixMilli()+1, tick.UnixMilli()+1
	for i, s := range w.Counters {
		s.Samples = s.Samples[position(s.Samples, first):position(s.Samples, last)]
		if m := w.members[i]; len(s.Samples) > 0 || m.isOfHistogram { // their order tells its counters apart
			part.members, part.Counters = append(part.members, m), append(part.Counters, s)
		}
	}
	return part
}

// selects reports whether a selector selects a series by its labels; it ignores the names of a
// histogram's parts.
func selects(v *parser.VectorSelector, name string, s count.Series) bool {
	for _, m := range v.LabelMatchers {
		value := s.Labels[m.Name]
		if m.Name == model.MetricNameLabel {
			value = name
		}
		if !m.Matches(value) {
			return false
		}
	}
	return true
}

// rawHistogram returns a series as a part of a metric's histograms; ok is false if it is none.
func rawHistogram(metric string, s count.Series) (raw count.RawHistogram, ok bool) {
	raw = count.RawHistogram{Name: metric, Labels: s.Labels, Bound: math.NaN(), Samples: s.Samples, Native: s.Native}
	part, of := strings.CutPrefix(s.Name, metric)
	switch {
	case !of:
		return raw, false
	case part == "":
		return raw, len(s.Native) > 0
	case part == "_bucket":
		bound, err := strconv.ParseFloat(s.Labels[model.BucketLabel], 64)
		raw.Bound = bound
		raw.Labels = maps.Clone(s.Labels)
		delete(raw.Labels, model.BucketLabel)
		return raw, err == nil && !math.IsNaN(bound)
	}
	return raw, part == "_count"
}

func (w *world) addHistograms(raw []count.RawHistogram, all group) {
	fast := all
	fast.role = good
	for _, h := range count.Histograms(raw, all.histogram.threshold) {
		for _, of := range []struct {
			series count.Series
			member
		}{
			{h.All, member{groups: []group{all}}},
			{h.Good, member{groups: []group{fast}, kind: ofGood}},
			{h.Unsure, member{kind: ofUnsure}},
			{h.Left, member{kind: ofLeft}},
		} {
			of.labels, of.isOfHistogram = of.series.Labels, true
			w.members, w.Counters = append(w.members, of.member), append(w.Counters, of.series)
		}
	}
}

// freshTargets returns the labels of the counters whose past to ask for.
func (w *world) freshTargets() (fresh []map[string]string) {
	for _, i := range w.Fresh() {
		if k := w.members[i].kind; k == ofEvents {
			fresh = append(fresh, w.members[i].labels)
		}
	}
	return fresh
}

// dropSums forgets the sums of a tick, which is counted by raw samples. What had a value then was
// seen, even if no raw sample can be counted.
func (t *tally) dropSums() {
	for _, s := range t.sets {
		seen := s.seen
		*s = *newSet()
		s.seen = seen
	}
}

// addRaw counts raw samples. Those of one target are added together.
func (t *tally) addRaw(w *world) {
	less := map[slo.Labels]*[2]map[targetKey]bool{}
	for i, c := range w.Count() {
		m := w.members[i]
		if !c.Seen && c.Late == 0 && len(c.Caveats) == 0 || t.isGoodless(m) {
			continue
		}
		labels := t.counter.labelSet(m.labels)
		into := t.set(labels)
		for _, g := range m.groups {
			into.seen = into.seen || g.role == total && c.Seen
			into.add(time.Time{}, g, c.Events)
			if c.Late != 0 {
				into.add(c.Since, g, c.Late)
			}
		}
		switch m.kind {
		case ofEvents:
			into.caveats = slo.MergeCaveats(into.caveats, m.caveats(c.Caveats))
		case ofUnsure, ofLeft:
			if less[labels] == nil {
				less[labels] = &[2]map[targetKey]bool{{}, {}}
			}
			less[labels][m.kind-ofUnsure][targetOf(m.labels)] = true
			into.addLess(m.kind, c.Events+c.Late)
		}
	}
	for labels, targets := range less {
		s := t.set(labels)
		s.unsure.Count, s.leftOut.Count = s.unsure.Count+len(targets[0]), s.leftOut.Count+len(targets[1])
	}
}

func (into *set) addLess(kind memberKind, events float64) {
	if kind == ofUnsure {
		into.unsure.Events += events
	} else {
		into.leftOut.Events += events
	}
}

// caveats returns a counter's caveats. The total names the events; good or bad ones among them are
// known from it.
func (m member) caveats(all []slo.Caveat) []slo.Caveat {
	if m.isTotal() {
		return all
	}
	all = slices.Clone(all)
	for i := range all {
		if all[i].Kind == slo.Reset {
			all[i].Events = 0
		}
	}
	return slices.DeleteFunc(all, func(c slo.Caveat) bool { return c.Kind == slo.LongGap })
}
