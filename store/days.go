package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// daysEvery is how often days are saved, after a first time; daysAtOnce of how many objectives
	// in one transaction.
	firstDays  = 10 * time.Second
	daysEvery  = time.Minute
	daysAtOnce = 100
)

// DayOptions configure a DayKeeper. Take, Save and Drop are required.
type DayOptions struct {
	Keep   time.Duration                                      // how long; 0: for ever
	Take   func() []alert.Days                                // returns what is new since the last call
	Save   func(ctx context.Context, days []alert.Days) error // each in place of the same day as it was
	Drop   func(ctx context.Context, endedBefore time.Time) error
	Logger *slog.Logger // nil: none
}

// DayKeeper keeps what is counted day by day, for reports that look further back than the history
// of an objective does.
type DayKeeper struct{ DayOptions }

// NewDayKeeper makes a DayKeeper that does nothing before Run.
func NewDayKeeper(o DayOptions) *DayKeeper {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &DayKeeper{o}
}

// Run saves days every minute until ctx is done, and drops old ones once a day. It returns an error
// only if another process has taken over the store.
func (k *DayKeeper) Run(ctx context.Context) error {
	var waiting []alert.Days
	var dropped time.Time
	failing := false
	for wait := firstDays; sleep(ctx, wait); wait = daysEvery {
		waiting = append(waiting, k.Take()...)
		var err error
		if waiting, err = k.save(ctx, waiting); err == nil && k.Keep > 0 && time.Since(dropped) > 24*time.Hour {
			dropped = time.Now()
			err = k.Drop(ctx, dropped.Add(-k.Keep))
		}
		switch {
		case errors.Is(err, alert.ErrFenced):
			return fmt.Errorf("keeping days: %w", err)
		case err != nil && ctx.Err() == nil && !failing:
			failing = true
			k.Logger.Warn("days for reports are not kept yet, trying again", "err", err)
		case err == nil:
			failing = false
		}
	}
	return nil
}

// save saves days in small transactions, and returns what is left if one fails.
func (k *DayKeeper) save(ctx context.Context, days []alert.Days) (left []alert.Days, err error) {
	for len(days) > 0 {
		n := min(daysAtOnce, len(days))
		if err := k.Save(ctx, days[:n]); err != nil {
			return days, err
		}
		days = days[n:]
		if len(days) > 0 && !sleep(ctx, between) {
			return days, nil
		}
	}
	return nil, nil
}
