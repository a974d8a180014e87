package evidence

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// tolerance is by how much the counts by label may differ from the exact ones of the window.
	tolerance = 0.1
	// kindShare is the share of the bad events that a kind has at least to be told.
	kindShare = 0.75
)

// contributors looks for what the bad events of a window have in common.
func (c *collector) contributors(r *reading, series *seriesOf) error {
	w := r.window
	splits, outcomes := r.known(series.splits()), r.known(series.outcomes())
	if len(splits)+len(outcomes) == 0 {
		return errNothing
	}
	names := slices.Concat(splits, outcomes)
	leaves := merge(r.between(w.Onset, until(w), names), r.between(w.Onset.Add(-lengthBefore(w)), w.Onset, names))
	all := counted(leaves)
	if math.Abs(all.Bad-w.Bad) > tolerance*w.Bad || math.Abs(all.Total-w.Total) > tolerance*w.Total {
		return errDiffers
	}
	for _, found := range append(standsOut(leaves, splits), standsOut(leaves, outcomes)...) {
		c.found.Contributors = append(c.found.Contributors, issue.Contributor{Of: w.ID(), Where: found.where, In: found.in, All: all})
	}
	return nil
}

// known are those of some labels by which the events were read.
func (r *reading) known(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(r.names, name) })
}

// merge joins what was counted in the window and before it.
func merge(in, before map[slo.Labels]slo.Counts) []leaf {
	leaves := make([]leaf, 0, len(in))
	for labels, counts := range in {
		leaves = append(leaves, leaf{key: labels, labels: labels.Map(), in: counts, before: before[labels]})
	}
	slices.SortFunc(leaves, func(a, b leaf) int { return slices.Compare([]byte(a.key), []byte(b.key)) })
	return leaves
}

// kinds finds what kind of bad events most of them were: by labels that only bad events have, or
// that make them bad. Those that the total has as well are in the window's reading; the others are
// read once more, of the bad events alone.
func (c *collector) kinds(ctx context.Context, p Prometheus, r *reading, series *seriesOf) error {
	w, seen := r.window, values(series.part)
	var apart *reading
	for _, name := range series.kinds() {
		only := slices.Collect(maps.Keys(seen[name]))
		switch {
		case len(only) == 1 && everywhere(series.part, name):
			c.tellKind(r, name, map[slo.Labels]slo.Counts{slo.NewLabels(map[string]string{name: only[0]}): w.Counts})
		case slices.Contains(r.names, name):
			c.tellKind(r, name, r.between(w.Onset, until(w), []string{name}))
		default:
			if apart == nil {
				ofBad := w
				ofBad.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: w.Objective.Indicator.Ratio.Bad, Total: w.Objective.Indicator.Ratio.Bad}}
				var err error
				if apart, err = c.readBy(ctx, p, ofBad, series.badOnly(), r.ticks); err != nil {
					return err
				}
			}
			c.tellKind(r, name, apart.between(w.Onset, until(w), []string{name}))
		}
	}
	return nil
}

// tellKind tells the value of a label that most bad events have, if there is one.
func (c *collector) tellKind(r *reading, name string, by map[slo.Labels]slo.Counts) {
	w := r.window
	maps.DeleteFunc(by, func(_ slo.Labels, counts slo.Counts) bool { return counts.Bad <= 0 })
	var all slo.Counts
	for _, counts := range by {
		all = all.Add(counts)
	}
	if math.Abs(all.Bad-w.Bad) > tolerance*w.Bad {
		return
	}
	for labels, counts := range by {
		if value := labels.Map()[name]; value != "" && counts.Bad >= kindShare*all.Bad { // one at most
			c.found.Contributors = append(c.found.Contributors, issue.Contributor{
				Of: w.ID(), Outcome: true, In: counts, All: slo.Counts{Total: w.Total, Bad: all.Bad},
				Where: []issue.Clause{{Label: name, Values: []string{value}, Of: len(by)}},
			})
		}
	}
}

// everywhere reports whether all series have a label.
func everywhere(series []slo.Trace, name string) bool {
	return !slices.ContainsFunc(series, func(t slo.Trace) bool { return t.Labels[name] == "" })
}
