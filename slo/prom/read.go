package prom

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/slo"
)

// Limits of what is asked in one query.
const (
	// maxBatch is how many objectives to ask together. A query has a fixed price, which 20 share as
	// well as a hundred, while one that breaks or is slow harms the samples of few others.
	// docs/cost.md has the measurement.
	maxBatch = 20
	// maxValues bounds objectives times ticks. The ticks of a range query share its price as
	// objectives do. But at each tick Prometheus 2.42 spends on every part of a query in proportion
	// to the number of parts: 20 objectives and 500 ticks in one query exceed its timeout even
	// without data.
	maxValues = 50
	// maxSteps is Prometheus' limit on the steps of one range query.
	maxSteps = 11_000
)

// Read takes the samples of all objectives at all ticks: one reading for each objective, in their
// order. An instant query asks one tick, range queries several; both give the same samples. So do
// objectives that are asked in one query, or each alone.
//
// A sample of a step that is longer than a tick sums its ticks. Work is planned in such a step if
// it is planned at all of them: the events of a partly planned step can't be told apart.
func (c *Client) Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	a := &asker{Client: c}
	tasks := make([]*task, len(objectives))
	var group errgroup.Group
	group.SetLimit(cap(c.slots))
	for i, o := range objectives {
		tasks[i] = newTask(c.plans.of(o), o, ticks)
	}
	for _, batch := range batches(tasks, c.together(ticks)) {
		group.Go(func() error {
			for stretch := range steps(ticks) {
				if batch[0].plan.measured != nil {
					a.readMeasured(ctx, working(batch), stretch)
				} else {
					a.readCounters(ctx, working(batch), stretch)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // errors are in the tasks
	a.exclude(ctx, tasks, ticks)
	readings := make([]slo.Reading, len(tasks))
	for i, t := range tasks {
		readings[i] = t.reading()
	}
	return readings
}

// together returns how many objectives to ask in one query about so many ticks.
func (c *Client) together(ticks slo.Ticks) int {
	return max(1, min(c.batch, maxValues/max(1, ticks.Len())))
}

// steps yields stretches of the ticks that a range query can answer.
func steps(ticks slo.Ticks) iter.Seq[slo.Ticks] {
	return func(yield func(slo.Ticks) bool) {
		for first := 0; first < ticks.Len(); first += maxSteps {
			if !yield(between(ticks, first, min(first+maxSteps, ticks.Len())-1)) {
				return
			}
		}
	}
}

// task is one objective that is being read.
type task struct {
	plan       *plan
	first      *sums    // of a ratio or a latency: what to ask first
	counter    *counter // its counter, or one learnt from the ticks being read
	simplified bool     // the server could not answer the first queries in full
	answers    []sumAnswer
	tallies    []*tally
	samples
	err error // there are no samples
}

func newTask(p *plan, o slo.Objective, ticks slo.Ticks) *task {
	t := &task{plan: p, samples: samples{ticks: ticks, series: map[slo.Labels][]slo.Sample{}}}
	if p.err != nil {
		t.err = fmt.Errorf("%w: %w", slo.ErrRefused, p.err)
	}
	if len(o.GroupBy) == 0 {
		t.of("") // without data there is a series, too: of blind samples
	}
	return t
}

// batches groups tasks to ask together, at most n: measured indicators apart from counters, and
// what failed last time alone.
func batches(tasks []*task, n int) (all [][]*task) {
	var counters, measured []*task
	for _, t := range working(tasks) {
		switch {
		case t.plan.alone.Load():
			all = append(all, []*task{t})
		case t.plan.measured != nil:
			measured = append(measured, t)
		default:
			counters = append(counters, t)
		}
	}
	all = slices.AppendSeq(all, slices.Chunk(counters, n))
	return slices.AppendSeq(all, slices.Chunk(measured, n))
}

// working returns the tasks that have not failed.
func working(tasks []*task) []*task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t *task) bool { return t.err != nil })
}

// reading returns what a task found.
func (t *task) reading() slo.Reading {
	if t.err != nil {
		return slo.Reading{Err: t.err}
	}
	var reading slo.Reading
	for _, labels := range slices.Sorted(maps.Keys(t.series)) {
		reading.Series = append(reading.Series, slo.Series{Labels: labels, Samples: t.series[labels]})
	}
	return reading
}

// between returns the ticks from one number to another.
func between(t slo.Ticks, first, last int) slo.Ticks {
	return slo.Ticks{First: t.At(first), Last: t.At(last), Interval: t.Interval, Each: t.Each}
}

// samples collects series; ticks without data are blind.
type samples struct {
	ticks  slo.Ticks
	series map[slo.Labels][]slo.Sample
}

func (s *samples) of(labels slo.Labels) []slo.Sample {
	if s.series[labels] == nil {
		blind := make([]slo.Sample, s.ticks.Len())
		for i := range blind {
			blind[i] = slo.Sample{Tick: s.ticks.At(i), Blind: true}
		}
		s.series[labels] = blind
	}
	return s.series[labels]
}

// fold adds the samples of one tick of the grid to its step. A step stays blind if none of its
// ticks has data.
func (s *samples) fold(tick time.Time, found map[slo.Labels]slo.Sample) {
	for labels, sample := range found {
		into := &s.of(labels)[int((tick.Sub(s.ticks.First)+s.ticks.Interval-1)/s.ticks.Interval)]
		into.Caveats = slo.MergeCaveats(into.Caveats, sample.Caveats)
		if !sample.Blind {
			into.Blind, into.Counts = false, into.Counts.Add(sample.Counts)
		}
	}
}

// add takes the samples of one tick.
func (s *samples) add(found map[slo.Labels]slo.Sample) {
	for labels, sample := range found {
		s.of(labels)[int(sample.Tick.Sub(s.ticks.First)/s.ticks.Interval)] = sample
	}
}
