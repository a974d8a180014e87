package engine

import (
	"context"
	"fmt"
	"hash/crc64"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Lane is a lane with its journal, without an engine.
type Lane struct{ l *lane }

// NewLane starts a lane at a tick.
func NewLane(name string, interval time.Duration, cursor time.Time) *Lane {
	return &Lane{newLane(name, fold.NewLane(interval, cursor))}
}

// Recover makes a lane from a store.
func Recover(name string, rec alert.Recovery) (*Lane, error) {
	l, err := recoverLane(name, rec)
	return &Lane{l}, err
}

// Redefine makes the lane watch these definitions.
func (l *Lane) Redefine(defs []alert.Definition, armed time.Time) { l.l.redefine(defs, armed) }

// Exclude makes the lane leave these incidents out of budgets.
func (l *Lane) Exclude(incidents ...alert.Incident) { l.l.exclude(incidents) }

// CursorOf returns the last tick an objective folded.
func (l *Lane) CursorOf(objective string) time.Time { return l.l.CursorOf(objective) }

// Cursor returns the last tick folded.
func (l *Lane) Cursor() time.Time { return l.l.Cursor() }

// Watches are the lane's.
func (l *Lane) Watches() []*fold.Watch { return l.l.Watches() }

// Step folds in one sample for each watch.
func (l *Lane) Step(samples []slo.Sample) (alert.Batch, []alert.Event) {
	row := fold.Row{Samples: make([][]slo.Sample, len(samples))}
	for i := range samples {
		row.Samples[i] = samples[i : i+1]
	}
	return l.StepRow(row)
}

// StepRow folds in a row.
func (l *Lane) StepRow(row fold.Row) (alert.Batch, []alert.Event) {
	batches, events := l.l.step([]fold.Row{row})
	return batches[0], events
}

// Fingerprint returns a text that is equal only for lanes that are the same bit for bit.
func (l *Lane) Fingerprint() string {
	c := checkpointOf(l.l, true)
	return fmt.Sprintf("%s %s %x", l.l.Cursor(), c.State, crc64.Checksum(c.History, crc64.MakeTable(crc64.ISO)))
}

// FillFrom gives all objectives a source's past, as far as their rules look back.
func (l *Lane) FillFrom(ctx context.Context, source Source) error {
	for _, d := range l.l.Definitions() {
		span := slo.Span{Start: alignedPast(d, l.l.Interval(), l.l.Cursor().Add(-d.Warmup())), End: l.l.Cursor()}
		reader := pastFolder{source: source, interval: l.l.Interval()}
		found := reader.fold(ctx, l.l.pastOf(d, span))
		if found.err != nil {
			return found.err
		}
		var watches []fold.Folded
		for _, set := range found.sets {
			watches = append(watches, fold.Folded{Watch: set.watch, Events: set.events})
		}
		l.l.Adopt(d.Objective.Name, watches, fold.Late{})
	}
	l.FillBlind()
	return nil
}

// FillBlind arms all rules.
func (l *Lane) FillBlind() {
	for _, r := range l.l.readers {
		r.Since, r.PastRead = time.Time{}, true
	}
	for _, w := range l.l.Watches() {
		w.Since = time.Time{}
	}
}

// Missed returns how many events a stretch gained when read again.
var Missed = missed
