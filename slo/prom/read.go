package prom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// Read takes the samples of all objectives at all ticks: one reading for each objective, in their order. One tick is asked by an instant
// query at its time, several by range queries; both have the same samples.
func (c *Client) Read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	var group errgroup.Group
	group.SetLimit(cap(c.slots))
	for i, o := range objectives {
		group.Go(func() error {
			readings[i] = c.readOne(ctx, o, ticks)
			return nil
		})
	}
	_ = group.Wait() // errors are in the readings
	c.exclude(ctx, objectives, ticks, readings)
	return readings
}

// readOne reads one objective, in as many pieces as it takes.
func (c *Client) readOne(ctx context.Context, o slo.Objective, ticks slo.Ticks) slo.Reading {
	found := samples{ticks: ticks, series: map[slo.Labels][]slo.Sample{}}
	if len(o.GroupBy) == 0 {
		found.of("") // without data too there is a series: of blind samples
	}
	read, err := c.reader(o)
	if err != nil {
		return slo.Reading{Err: fmt.Errorf("%w: %w", slo.ErrRefused, err)}
	}
	for first := 0; first < ticks.Len(); first += maxSteps {
		if err := halving(ctx, read, &found, first, min(first+maxSteps, ticks.Len())); err != nil {
			return slo.Reading{Err: err}
		}
	}
	var reading slo.Reading
	for _, labels := range slices.Sorted(maps.Keys(found.series)) {
		reading.Series = append(reading.Series, slo.Series{Labels: labels, Samples: found.series[labels]})
	}
	return reading
}

// readTicks reads the ticks with the numbers first to end - 1.
type readTicks func(ctx context.Context, found *samples, first, end int) error

// reader is how an objective's indicator is read.
func (c *Client) reader(o slo.Objective) (readTicks, error) {
	if o.Indicator.Bool != "" {
		condition, err := promql.NewCondition(o)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, found *samples, first, end int) error {
			return c.readCondition(ctx, condition, found, first, end)
		}, nil
	}
	counter, err := promql.NewCounter(o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, found *samples, first, end int) error {
		return c.readCounter(ctx, counter, found, first, end)
	}, nil
}

// halving reads a stretch; one that is too much for the server, or the answer's limit, in halves.
func halving(ctx context.Context, read readTicks, found *samples, first, end int) error {
	err := read(ctx, found, first, end)
	if !errors.Is(err, errTooMuch) || end-first < 2 {
		return err
	}
	middle := (first + end) / 2
	if err := halving(ctx, read, found, first, middle); err != nil {
		return err
	}
	return halving(ctx, read, found, middle, end)
}

// readCounter asks the sums of all the ticks; for those between the first and the last that need it the odd series; and of series that
// were born the past.
func (c *Client) readCounter(ctx context.Context, counter *promql.Counter, found *samples, first, end int) error {
	ticks, interval := found.ticks, found.ticks.Interval
	counter, points, err := c.fetchSums(ctx, counter, between(ticks, first, end-1))
	if err != nil {
		return err
	}
	tallies := make([]*promql.Tally, len(points))
	firstOdd, lastOdd := len(points), -1
	odd := make([]bool, len(points))
	for i, p := range points {
		tallies[i] = counter.Tally(ticks.At(first+i), interval)
		if odd[i], err = tallies[i].AddSums(p); err != nil {
			return c.badAnswer(err)
		}
		if odd[i] {
			firstOdd, lastOdd = min(firstOdd, i), i
		}
	}
	if lastOdd >= 0 {
		points, err := c.fetch(ctx, counter.OddQuery(interval), between(ticks, first+firstOdd, first+lastOdd))
		if err != nil {
			return err
		}
		if err := c.readPasts(ctx, tallies[firstOdd:lastOdd+1], odd[firstOdd:lastOdd+1], points, between(ticks, first+firstOdd, first+lastOdd)); err != nil {
			return err
		}
	}
	for i, t := range tallies {
		for labels, s := range t.Samples() {
			found.of(labels)[first+i] = s
		}
	}
	return nil
}

// readPasts gives the tallies their odd series, and the past of those that were born.
func (c *Client) readPasts(ctx context.Context, tallies []*promql.Tally, odd []bool, points [][]promql.Point, ticks slo.Ticks) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(c.slots))
	for i, t := range tallies {
		if !odd[i] {
			continue
		}
		query, err := t.AddOdd(points[i])
		if err != nil {
			return errors.Join(c.badAnswer(err), group.Wait())
		}
		if query == "" {
			continue
		}
		group.Go(func() error {
			past, err := c.fetch(ctx, query, between(ticks, i, i))
			if err != nil {
				return err
			}
			if err := t.AddPast(past[0]); err != nil {
				return c.badAnswer(err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (c *Client) badAnswer(err error) error {
	return c.failed(fmt.Errorf("%w: %w", slo.ErrBadAnswer, err))
}

// between is the part of the ticks from one number to another.
func between(t slo.Ticks, first, last int) slo.Ticks {
	return slo.Ticks{First: t.At(first), Last: t.At(last), Interval: t.Interval}
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
