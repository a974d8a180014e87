package evidence

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// fineSteps is how many ticks a window is read in: a counter that is reset inside one loses what it counted before. coarseSteps is that of
	// a second try, where the first would cost too many queries, and beforeSteps that of the time before.
	fineSteps   = 60
	coarseSteps = 5
	beforeSteps = 3
	// maxValuesRead is how many values the first try may read.
	maxValuesRead = 60_000
	// shortestBefore and longestBefore bound how much of the time before a window is compared with it.
	shortestBefore = time.Hour
	longestBefore  = 6 * time.Hour
	// tolerance is by how much the counts by label may differ from the exact ones of the window.
	tolerance = 0.1
	// kindShare is the share of the bad events that a kind has at least to be told.
	kindShare = 0.75
)

// contributors looks for what the bad events of a window have in common.
func (c *collector) contributors(ctx context.Context, p Prometheus, w alert.Window, series *seriesOf) error {
	splits, outcomes := series.splits(), series.outcomes()
	names := slices.Concat(splits, outcomes)
	if combinations(series.total, names) > maxLeaves {
		names, outcomes = splits, nil
	}
	if len(names) == 0 {
		return errNothing
	}
	in, err := c.countFine(ctx, p, w, w.Objective.Indicator, names, max(coarseSteps, min(fineSteps, maxValuesRead/combinations(series.total, names))))
	if err != nil {
		return err
	}
	around := min(max(until(w).Sub(w.Onset), shortestBefore), longestBefore)
	before, err := c.countBy(ctx, p, w, w.Objective.Indicator, names, w.Onset.Add(-around), around, beforeSteps)
	if err != nil {
		return err
	}
	leaves := merge(in, before)
	all := counted(leaves)
	if math.Abs(all.Bad-w.Bad) > tolerance*w.Bad || math.Abs(all.Total-w.Total) > tolerance*w.Total {
		return errDiffers
	}
	for _, found := range append(standsOut(leaves, splits), standsOut(leaves, outcomes)...) {
		c.found.Contributors = append(c.found.Contributors, issue.Contributor{Of: w.ID(), Where: found.where, In: found.in, All: all})
	}
	return nil
}

// countFine counts a window's events in fine steps, and in coarse ones where Prometheus is asked too much by that.
func (c *collector) countFine(
	ctx context.Context, p Prometheus, w alert.Window, indicator slo.Indicator, names []string, most int,
) (map[slo.Labels]slo.Counts, error) {
	length := until(w).Sub(w.Onset)
	var found map[slo.Labels]slo.Counts
	err := c.fine(p, func(p Prometheus) (err error) {
		found, err = c.countBy(ctx, p, w, indicator, names, w.Onset, length, most)
		return err
	})
	if err == nil || ctx.Err() != nil {
		return found, err
	}
	return c.countBy(ctx, p, w, indicator, names, w.Onset, length, coarseSteps)
}

// countBy counts events by labels over a length of time from a start on.
func (c *collector) countBy(
	ctx context.Context, p Prometheus, w alert.Window, indicator slo.Indicator, names []string, start time.Time, length time.Duration, most int,
) (map[slo.Labels]slo.Counts, error) {
	step, n := steps(length, c.Interval, most)
	ticks := slo.Ticks{First: start.Add(step), Last: start.Add(time.Duration(n) * step), Interval: step}
	for n > 1 && ticks.Last.After(c.newest) {
		n--
		ticks.Last = ticks.Last.Add(-step)
	}
	o := w.Objective
	o.Indicator = indicator
	o.GroupBy = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(o.GroupBy), names...))))
	reading := p.Read(ctx, []slo.Objective{o}, ticks)[0]
	if reading.Err != nil {
		return nil, reading.Err
	}
	set := w.Labels.Map()
	found := map[slo.Labels]slo.Counts{}
series:
	for _, s := range reading.Series {
		have := s.Labels.Map()
		for name, v := range set {
			if have[name] != v {
				continue series
			}
		}
		leaf := map[string]string{}
		for _, name := range names {
			leaf[name] = have[name]
		}
		var sum slo.Counts
		for _, sample := range s.Samples {
			sum = sum.Add(sample.Counts)
			for _, late := range sample.Late {
				sum = sum.Add(late.Counts.Sub(late.Until(start)))
			}
		}
		key := slo.NewLabels(leaf)
		found[key] = found[key].Add(sum)
	}
	return found, nil
}

// steps cuts a length into at most that many equal steps, so that they are longer than it by as little as can be.
func steps(length, interval time.Duration, most int) (step time.Duration, n int) {
	ticks := max(1, int(length/interval))
	over := math.MaxInt
	for try := min(most, ticks); try >= 1 && try > most/2; try-- {
		each := (ticks + try - 1) / try
		if each*try-ticks < over {
			over, step, n = each*try-ticks, time.Duration(each)*interval, try
		}
	}
	if n == 0 {
		return interval, ticks
	}
	return step, n
}

// merge joins what was counted in the window and before it.
func merge(in, before map[slo.Labels]slo.Counts) []leaf {
	leaves := make([]leaf, 0, len(in))
	for labels, counts := range in {
		leaves = append(leaves, leaf{key: labels, labels: labels.Map(), in: counts, before: before[labels]})
	}
	for labels, counts := range before {
		if _, seen := in[labels]; !seen {
			leaves = append(leaves, leaf{key: labels, labels: labels.Map(), before: counts})
		}
	}
	slices.SortFunc(leaves, func(a, b leaf) int { return slices.Compare([]byte(a.key), []byte(b.key)) })
	return leaves
}

// kinds finds what kind of bad events most of them were: by labels that only bad events have, or that make them bad.
func (c *collector) kinds(ctx context.Context, p Prometheus, w alert.Window, series *seriesOf) error {
	seen := values(series.part)
	for _, name := range series.kinds() {
		by := map[slo.Labels]slo.Counts{}
		if only := slices.Collect(maps.Keys(seen[name])); len(only) == 1 && everywhere(series.part, name) {
			by[slo.NewLabels(map[string]string{name: only[0]})] = w.Counts
		} else {
			bad := w.Objective.Indicator.Ratio.Bad
			indicator := slo.Indicator{Ratio: &slo.Ratio{Bad: bad, Total: bad}}
			var err error
			if by, err = c.countFine(ctx, p, w, indicator, []string{name}, fineSteps); err != nil {
				return err
			}
		}
		var all slo.Counts
		for _, counts := range by {
			all = all.Add(counts)
		}
		if math.Abs(all.Bad-w.Bad) > tolerance*w.Bad {
			continue
		}
		for labels, counts := range by {
			value := labels.Map()[name]
			if value == "" || counts.Bad < kindShare*all.Bad {
				continue
			}
			c.found.Contributors = append(c.found.Contributors, issue.Contributor{
				Of: w.ID(), Outcome: true, In: counts, All: slo.Counts{Total: w.Total, Bad: all.Bad},
				Where: []issue.Clause{{Label: name, Values: []string{value}, Of: len(by)}},
			})
			break // one of them can have that share
		}
	}
	return nil
}

// everywhere reports whether all series have a label.
func everywhere(series []slo.Trace, name string) bool {
	return !slices.ContainsFunc(series, func(t slo.Trace) bool { return t.Labels[name] == "" })
}
