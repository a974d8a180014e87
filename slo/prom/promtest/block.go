package promtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/prometheus/tsdb"
)

// WriteBlock writes samples as a block into the folder of a TSDB, for a Prometheus that is started
// on that folder. Each call makes a block of its own.
func WriteBlock(dir string, samples ...Sample) (err error) {
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, 2*history.Milliseconds()) // takes samples in any order over half of that
	if err != nil {
		return fmt.Errorf("beginning a block: %w", err)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	samples = slices.Clone(samples)
	slices.SortStableFunc(samples, func(a, b Sample) int { return a.Time.Compare(b.Time) }) // a series' samples have to be in order
	if err := appendAll(w.Appender(context.Background()), samples); err != nil {
		return err
	}
	if _, err := w.Flush(context.Background()); err != nil {
		return fmt.Errorf("writing the block: %w", err)
	}
	return nil
}
