package promql

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/postburn/postburn/slo"
)

// A counter that is reset and climbs past its old value inside one tick has a difference like any other. So series that fell between two
// scrapes, and those of targets whose process restarted, are followed through the tick at fine steps.

// fineSteps is how many steps of a tick are looked at: no scrape is missed but where they are closer than a tenth of an interval.
const fineSteps = 10

// resetFraction is the part of its value that a counter loses at least when it starts anew. One that falls by less was read
// from another replica, which is a little behind.
const resetFraction = 1.0 / 8

// processStart is a gauge of targets: when their process started, in seconds since 1970.
const processStart = "process_start_time_seconds"

// Tolerances in the times at which processes started.
const (
	sameStart = 2 * time.Second // one that is computed anew with each scrape varies
	skew      = time.Minute     // between a target's clock and Prometheus'
)

// StartQuery asks for the targets of jobs whose process has another start at the end of the tick than at its beginning.
func StartQuery(at Grid, jobs []string) Query {
	starts := named(processStart, []*labels.Matcher{anyOf(model.JobLabel, jobs)})
	each := func(write writer, _ ...*labels.Matcher) string { return write(starts) }
	return newQuery(tagged("idelta("+at.bothEnds(each)+") > "+number(sameStart.Seconds()), processTag, ""))
}

// RestartQuery asks which of these targets, of one tick's answers to StartQuery or several', restarted between their last scrapes before and in
// the tick: one that started before that was another one of several, or has no clock to trust. It is empty where there are none.
func RestartQuery(interval time.Duration, started [][]Point) Query {
	jobs, instances := map[string]bool{}, map[string]bool{}
	for _, points := range started {
		for _, p := range points {
			jobs[p.Labels[model.JobLabel]], instances[p.Labels[model.InstanceLabel]] = true, true
		}
	}
	if len(jobs) == 0 {
		return Query{}
	}
	start := named(processStart, at(slices.Sorted(maps.Keys(jobs)), slices.Sorted(maps.Keys(instances))))
	was := start + offset(interval)
	changed := "(" + start + " > (" + was + ") + " + number(sameStart.Seconds()) + ")"
	return newQuery(tagged(changed+" > (timestamp("+was+") - "+number(skew.Seconds())+")", processTag, ""))
}

// Jobs are those of the series that an answer to SumQuery is of, at any of the ticks, sorted.
func (c *Counter) Jobs(ticks [][]Point) []string {
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

// suspects are series that may have been reset inside the tick, and what was found when they were followed.
type suspects struct {
	keys            map[string]bool // series that fell
	targets         map[targetKey]bool
	jobs, instances map[string]bool
	paths           map[string]*path
}

// path is a series inside the tick: its values at fine steps, where it has one, and whether its process restarted before that.
type path struct {
	group     group
	labels    map[string]string
	values    [fineSteps + 1]value
	restarted [fineSteps + 1]bool
	scraped   [fineSteps + 1]float64 // when the values were, and when a process that restarted had started: in seconds since 1970
	started   [fineSteps + 1]float64
}

func (s *suspects) add(key string, labels map[string]string) {
	if s.jobs == nil {
		s.keys, s.targets, s.jobs, s.instances = map[string]bool{}, map[targetKey]bool{}, map[string]bool{}, map[string]bool{}
	}
	if key != "" {
		s.keys[key] = true
	} else {
		s.targets[targetOf(labels)] = true
	}
	s.jobs[labels[model.JobLabel]] = true
	s.instances[labels[model.InstanceLabel]] = true
}

// AddRestarts takes one tick's answer to RestartQuery.
func (t *Tally) AddRestarts(points []Point) {
	for _, p := range points {
		if t.counter.mayHave(p.Labels) {
			t.suspects.add("", p.Labels)
		}
	}
}

// mayHave reports whether the counter may have series of a target, by those of its labels that a selector speaks of.
func (c *Counter) mayHave(target map[string]string) bool {
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

// FineQuery follows the series that may have been reset through the tick, at FineTicks; it is empty where there are none.
func (t *Tally) FineQuery() Query {
	if t.suspects.jobs == nil {
		return Query{}
	}
	where := at(slices.Sorted(maps.Keys(t.suspects.jobs)), slices.Sorted(maps.Keys(t.suspects.instances)))
	var arms []arm
	for _, g := range t.counter.groups {
		arms = append(arms, tagged(g.each(as(""), where...), g.tag, fineArm))
		if g.histogram == nil || g.role == total { // a histogram's parts have the same times
			scraped := func(s string) string { return "timestamp(" + s + ")" }
			arms = append(arms, tagged(g.times(scraped, where...), g.tag, scrapeArm))
		}
	}
	return newQuery(append(arms, tagged(named(processStart, where), processTag, ""))...)
}

// FineTicks are the times of the FineQuery: from one interval before the tick to the tick.
func (t *Tally) FineTicks() slo.Ticks {
	return slo.Ticks{First: t.tick.Add(-t.interval), Last: t.tick, Interval: t.interval / fineSteps}
}

// AddFine takes the answer to FineQuery.
func (t *Tally) AddFine(points [][]Point) error {
	t.suspects.paths = map[string]*path{}
	starts := map[targetKey]*[fineSteps + 1]float64{}
	for step, found := range points {
		for _, p := range found {
			if p.Tag == processTag {
				target := targetOf(p.Labels)
				if starts[target] == nil {
					starts[target] = &[fineSteps + 1]float64{}
				}
				starts[target][step] = max(starts[target][step], p.Value) // of two processes, any may have restarted
				continue
			}
			g, arm, err := t.counter.arm(p)
			if err != nil {
				return err
			}
			key := seriesKey(g, p.Labels)
			if t.suspects.paths[key] == nil {
				t.suspects.paths[key] = &path{group: g, labels: p.Labels}
			}
			if arm == scrapeArm {
				t.suspects.paths[key].scraped[step] = p.Value
			} else {
				t.suspects.paths[key].values[step] = value{p.Value, true}
			}
		}
	}
	for key, p := range t.suspects.paths {
		target := targetOf(p.labels)
		if s := starts[target]; s != nil && t.suspects.targets[target] {
			p.restarts(s)
		} else if !t.suspects.keys[key] && !t.suspects.keys[p.twin()] {
			delete(t.suspects.paths, key)
		}
	}
	return nil
}

// twin is the key of the same histogram's other role; of a counter it is nobody's.
func (p *path) twin() string {
	if p.group.histogram == nil {
		return ""
	}
	return p.group.twin() + identity(p.labels)
}

// restarts notes the steps before which the process restarted.
func (p *path) restarts(starts *[fineSteps + 1]float64) {
	known := 0.0
	for i, start := range starts {
		if start > 0 {
			p.restarted[i] = known > 0 && start > known+sameStart.Seconds()
			known = max(known, start)
			p.started[i] = start
		}
	}
}

// lost is how many events went with a process that ended between the scrapes of two steps, if they came as often as the old one counted them
// in the tick, since the step where it began, and the new one. Where it is not known when the new one started, that is taken to have been in the
// middle, so that as many were lost as it has counted; and so where it has hardly been there, and nothing else says how often they came.
func (p *path) lost(begin, before, now int, restarted bool) float64 {
	old, counted := p.values[before].v-p.values[begin].v, p.values[now].v
	from, start, to := p.scraped[before], p.started[now], p.scraped[now]
	took := from - p.scraped[begin] + to - start
	if !restarted || !(from > 0 && from <= start && start < to) || took < (to-from)/8 {
		return counted
	}
	return (old + counted) / took * (start - from)
}
