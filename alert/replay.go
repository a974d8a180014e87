package alert

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

// Replayed is what a replay found.
type Replayed struct {
	Incidents []Incident // newest onset first
	Statuses  []Status   // at the end of the stretch
}

// Replay folds (start, end] of what the source holds, as the daemon would have done if it had been started with these definitions at
// `start`: it warms up over the longest rule's window before, and opens no window for that time. Both are aligned to the grid.
// progress, which may be nil, is told the share that is done. An error of the source ends the replay.
func Replay(
	ctx context.Context, source Source, defs []Definition, interval time.Duration, start, end time.Time, progress func(float64),
) (Replayed, error) {
	start, end = start.Truncate(interval).UTC(), end.Truncate(interval).UTC()
	l := NewLane("replay", interval, start, nil)
	l.Redefine(defs, interval, start)
	for _, w := range l.watches {
		err := readAll(ctx, source, []*Watch{w}, w.history.Now(), start, interval, func(row []slo.Sample) { w.Step(row[0]) })
		if err != nil {
			return Replayed{}, err
		}
	}
	newest := map[string]Incident{}
	err := readAll(ctx, source, l.watches, start, end, interval, func(row []slo.Sample) {
		batch, _ := l.Step(row)
		for _, i := range batch.Incidents {
			newest[i.ID] = i
		}
		if progress != nil && l.cursor.Sub(start)/interval%chunk == 0 {
			progress(float64(l.cursor.Sub(start)) / float64(end.Sub(start)))
		}
	})
	if err != nil {
		return Replayed{}, err
	}
	var r Replayed
	for _, i := range newest {
		r.Incidents = append(r.Incidents, i)
	}
	slices.SortFunc(r.Incidents, NewestFirst)
	for _, w := range l.watches {
		r.Statuses = append(r.Statuses, w.Status())
	}
	return r, nil
}

// NewestFirst orders incidents by onset, newest first, then by ID.
func NewestFirst(a, b Incident) int {
	if c := b.Onset().Compare(a.Onset()); c != 0 {
		return c
	}
	return slices.Compare([]byte(a.ID), []byte(b.ID))
}

// readAll calls step with the samples of every tick in (from, to], in the order of the watches.
func readAll(
	ctx context.Context, source Source, watches []*Watch, from, to time.Time, interval time.Duration, step func([]slo.Sample),
) error {
	objectives := make([]slo.Objective, len(watches))
	for i, w := range watches {
		objectives[i] = w.def.Objective
	}
	row := make([]slo.Sample, len(watches))
	for from.Before(to) {
		ticks := slo.Ticks{First: from.Add(interval), Last: to, Interval: interval}
		if ticks.Len() > chunk {
			ticks.Last = ticks.At(chunk - 1)
		}
		samples := make([][]slo.Sample, len(watches))
		for i, r := range source(ctx, objectives, ticks) {
			if r.Err != nil {
				return fmt.Errorf("reading %s: %w", watches[i].ID(), r.Err)
			}
			var err error
			if samples[i], err = seriesOf(r, watches[i].labels, ticks); err != nil {
				return fmt.Errorf("reading %s: %w", watches[i].ID(), err)
			}
		}
		for t := range ticks.Len() {
			for i := range samples {
				row[i] = samples[i][t]
			}
			step(row)
		}
		from = ticks.Last
	}
	return nil
}
