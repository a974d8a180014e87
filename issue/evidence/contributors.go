package evidence

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// tolerance is how far the counts by label may be from the exact ones of the window.
	tolerance = 0.1
	// kindShare is the least share of the bad events that a kind must have to be named.
	kindShare = 0.75
)

// contributors looks for what bad events have in common.
type contributors struct {
	read  *reader
	found []issue.Contributor
}

// find looks where a window's bad events are, such as route="/cart" on one pod. It needs no query.
func (c *contributors) find(w alert.Window, r *reading, series *seriesOf) error {
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
		c.found = append(c.found, issue.Contributor{Of: w.ID(), Where: found.where, In: found.in, All: all})
	}
	return nil
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

// findKinds looks of what kind most bad events were, such as code="503": by labels that only bad
// events have, or that make them bad. A kind that the total has as well is in the window's reading;
// for the others the bad events alone are read once more.
func (c *contributors) findKinds(ctx context.Context, p Prometheus, w alert.Window, r *reading, series *seriesOf) error {
	var apart *reading
	for _, name := range series.kinds() {
		only, same := series.onlyKind(name)
		switch {
		case same:
			c.addKind(w, name, map[slo.Labels]slo.Counts{slo.NewLabels(map[string]string{name: only}): w.Counts})
		case len(r.known([]string{name})) > 0:
			c.addKind(w, name, r.between(w.Onset, until(w), []string{name}))
		default:
			if apart == nil {
				ofBad := w
				ofBad.Objective.Indicator = slo.Indicator{Ratio: &slo.Ratio{Bad: w.Objective.Indicator.Ratio.Bad, Total: w.Objective.Indicator.Ratio.Bad}}
				var err error
				if apart, err = c.read.again(ctx, p, r, ofBad, series.badOnly()); err != nil {
					return err
				}
			}
			c.addKind(w, name, apart.between(w.Onset, until(w), []string{name}))
		}
	}
	return nil
}

// addKind names the value of a label that most bad events have, if there is one.
func (c *contributors) addKind(w alert.Window, name string, by map[slo.Labels]slo.Counts) {
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
			c.found = append(c.found, issue.Contributor{
				Of: w.ID(), Outcome: true, In: counts, All: slo.Counts{Total: w.Total, Bad: all.Bad},
				Where: []issue.Clause{{Label: name, Values: []string{value}, Of: len(by)}},
			})
		}
	}
}
