package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Replayed is what a replay found.
type Replayed struct {
	Incidents []alert.Incident // newest onset first
	Statuses  []alert.Status   // at the end of the stretch
}

// Replay folds (start, end] of what the source holds, as the daemon would have done if it had been started with these definitions at
// `start`: it warms up over the longest rule's window before, and opens no window for that time. Both are aligned to the grid.
// progress, which may be nil, is told the share that is done. An error of the source ends the replay, if it is one of fewer ticks, too.
func Replay(
	ctx context.Context, source Source, defs []alert.Definition, interval time.Duration, start, end time.Time, progress func(float64),
) (Replayed, error) {
	start, end = start.Truncate(interval).UTC(), end.Truncate(interval).UTC()
	l := NewLane("replay", interval, start)
	l.Redefine(defs, interval, start)
	if err := l.fillAll(ctx, source); err != nil {
		return Replayed{}, err
	}
	past, err := l.readPast(ctx, source)
	if err != nil {
		return Replayed{}, err
	}
	newest := map[string]alert.Incident{}
	for l.cursor.Before(end) {
		ticks := slo.Ticks{First: l.cursor.Add(interval), Last: end, Interval: interval}
		readings, ticks, err := l.readSome(ctx, source, l.defs, l.bounded(ticks, len(l.watches)))
		if err != nil {
			return Replayed{}, err
		}
		samples, _ := l.samplesOf(readings, ticks)
		for i, w := range l.watches {
			samples[i][0].Late = append(slices.Clone(samples[i][0].Late), past[w]...)
		}
		past = nil
		batches, _ := stepAll(l, samples, ticks.Len())
		for _, b := range batches {
			for _, i := range b.Incidents {
				newest[i.ID] = i
			}
		}
		if progress != nil {
			progress(float64(l.cursor.Sub(start)) / float64(end.Sub(start)))
		}
	}
	var r Replayed
	for _, i := range newest {
		r.Incidents = append(r.Incidents, i)
	}
	slices.SortFunc(r.Incidents, alert.NewestFirst)
	r.Statuses = l.statuses()
	return r, nil
}

// fillAll gives definitions that are new the samples up to the lane's cursor.
func (l *Lane) fillAll(ctx context.Context, source Source) error {
	for l.fresh = l.unfilled(); len(l.fresh) > 0; l.fresh = l.unfilled() {
		some, defs, ticks := l.nextFill()
		readings, ticks, err := l.readSome(ctx, source, defs, ticks)
		if err != nil {
			return err
		}
		for i, f := range some {
			l.fill(f, ticks, readings[i])
		}
	}
	return nil
}

// readPast reads what of the objectives' windows is before the time that their rules have been warmed up over, for their budgets.
func (l *Lane) readPast(ctx context.Context, source Source) (map[*fold.Watch][]slo.Late, error) {
	past := map[*fold.Watch][]slo.Late{}
	for p := l.nextPiece(); p != nil; p = l.nextPiece() {
		readings, err := readAll(ctx, source, p.defs, p.ticks)
		if err != nil {
			return nil, err
		}
		samples := make([][]slo.Sample, len(l.watches))
		for i := range samples {
			samples[i] = make([]slo.Sample, 1)
		}
		l.addPast(p, readings, samples)
		for i, w := range l.watches {
			past[w] = append(past[w], samples[i][0].Late...)
		}
	}
	return past, nil
}

// readSome reads as many of the first ticks as can be read together, and returns which.
func (l *Lane) readSome(ctx context.Context, source Source, defs []alert.Definition, ticks slo.Ticks) ([]slo.Reading, slo.Ticks, error) {
	for {
		readings, err := readAll(ctx, source, defs, ticks)
		l.stretch(ticks.Len(), err == nil)
		if err == nil || ticks.Len() <= fewest || errors.Is(err, slo.ErrRefused) || ctx.Err() != nil {
			return readings, ticks, err
		}
		ticks = l.bounded(ticks, len(defs))
	}
}

// readAll reads definitions, and returns an error where one of them can't be read.
func readAll(ctx context.Context, source Source, defs []alert.Definition, ticks slo.Ticks) ([]slo.Reading, error) {
	objectives := make([]slo.Objective, len(defs))
	for i, d := range defs {
		objectives[i] = d.Objective
	}
	readings := source(ctx, objectives, ticks)
	for i, r := range readings {
		if r.Err != nil {
			return nil, fmt.Errorf("reading %s: %w", objectives[i].Name, r.Err)
		}
	}
	return readings, nil
}
