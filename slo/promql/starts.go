package promql

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// processStart is a gauge of targets: when their process started, in seconds since 1970.
const processStart = "process_start_time_seconds"

// sameStart is by how much the start of a process may differ that is computed anew with each
// scrape.
const sameStart = 2 * time.Second

// StartQuery asks for the targets of jobs whose process has another start at the end of the tick
// than at its beginning. It is empty where there are no jobs.
func StartQuery(at Grid, jobs []string) Query {
	if len(jobs) == 0 {
		return Query{}
	}
	starts := named(processStart, []*labels.Matcher{anyOf(model.JobLabel, jobs)})
	each := func(write writer, _ ...*labels.Matcher) string { return write(starts) }
	return newQuery(tagged(at.difference(each)+" > "+number(sameStart.Seconds()), processTag, ""))
}

// Jobs are those of the series that an answer to SumQuery is of, at any of the ticks, sorted.
func (c *Counter) Jobs(ticks ...[]Point) []string {
	jobs := map[string]bool{}
	for _, points := range ticks {
		for _, p := range points {
			if _, arm, err := c.arm(p); err == nil && arm == seenArm {
				jobs[p.Labels[model.JobLabel]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(jobs))
}

// MayHave reports whether the counter may have series of a target, by those of its labels that a
// selector speaks of.
func (c *Counter) MayHave(target map[string]string) bool {
	for _, g := range c.groups {
		for _, s := range g.selectors {
			fits := true
			for _, m := range s.LabelMatchers {
				v, has := target[m.Name]
				fits = fits && (!has || m.Name == model.MetricNameLabel || m.Matches(v))
			}
			if fits {
				return true
			}
		}
	}
	return false
}
