package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/record"
)

// The statements of days.
const (
	upsertSeries = `INSERT INTO series (slo, labels, measures, service, target) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (slo, labels, measures) DO UPDATE SET service = excluded.service, target = excluded.target RETURNING id`
	// After a restart the oldest days are read from a history that has forgotten part of them.
	upsertDay = `INSERT INTO days (series, day, total, bad, known, blind, exact) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (series, day) DO UPDATE SET total = excluded.total, bad = excluded.bad, known = excluded.known, blind = excluded.blind, exact = excluded.exact
			WHERE excluded.known > days.known OR excluded.known = days.known AND excluded.exact >= days.exact`
	selectSeries = `SELECT id, slo, labels, measures, service, target FROM series ORDER BY slo, labels, id`
	selectDays   = `SELECT series, day, total, bad, known, blind, exact FROM days WHERE series IN (SELECT id FROM series) AND day >= ?1 AND day < ?2`
	deleteDays   = `DELETE FROM days WHERE series IN (SELECT id FROM series) AND day < ?1`
	deleteSeries = `DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM days WHERE days.series = series.id)`
)

// SaveDays keeps days, each in place of what was known of it before. A day that is known less well
// than it was stays as it is.
func (s *Store) SaveDays(ctx context.Context, all []alert.Days) error {
	err := s.writing(ctx, func(tx *sql.Tx) error {
		if err := s.fence.check(ctx, tx); err != nil {
			return err
		}
		return saveDays(ctx, tx, all)
	})
	if err != nil {
		return fmt.Errorf("saving the days of %d objectives: %w", len(all), err)
	}
	return nil
}

func saveDays(ctx context.Context, tx *sql.Tx, all []alert.Days) error {
	day, err := tx.PrepareContext(ctx, upsertDay)
	if err != nil {
		return err
	}
	defer day.Close()
	for _, of := range all {
		var series int64
		if err := tx.QueryRowContext(ctx, upsertSeries, of.SLO, string(of.Labels), of.Measures, of.Service, of.Target.String()).Scan(&series); err != nil {
			return err
		}
		for _, d := range of.Days {
			if _, err := day.ExecContext(ctx, series, record.DayNumber(d.Date), d.Total, d.Bad, int64(d.Known), int64(d.Blind), d.Exact); err != nil {
				return err
			}
		}
	}
	return nil
}

// readDays returns the days that begin from start on and before end: objectives by name and label
// set, those that count other events now in the order in which they did.
func readDays(ctx context.Context, tx *sql.Tx, start, end time.Time) ([]alert.Days, error) {
	return readDaysOf(ctx, tx, record.DayNumber(start), record.DayNumber(end.Add(record.ADay-1)))
}

func readDaysOf(ctx context.Context, tx *sql.Tx, from, before int64) ([]alert.Days, error) {
	var list record.DayList
	err := query(ctx, tx, selectSeries, nil, func(rows *sql.Rows) error {
		var of alert.Days
		var id int64
		var target string
		if err := rows.Scan(&id, &of.SLO, &of.Labels, &of.Measures, &of.Service, &target); err != nil {
			return err
		}
		return list.Series(id, of, target)
	})
	if err != nil {
		return nil, err
	}
	err = query(ctx, tx, selectDays, []any{from, before}, func(rows *sql.Rows) error {
		var d slo.Day
		var series, day int64
		err := rows.Scan(&series, &day, &d.Total, &d.Bad, &d.Known, &d.Blind, &d.Exact)
		if err == nil {
			list.Day(series, day, d)
		}
		return err
	})
	return list.All(), err
}

// DropDays removes days that ended before a time, and objectives that have none left.
func (s *Store) DropDays(ctx context.Context, before time.Time) error {
	err := s.writing(ctx, func(tx *sql.Tx) error {
		if err := s.fence.checkOwn(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, deleteDays, record.DayNumber(before)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, deleteSeries)
		return err
	})
	if err != nil {
		return fmt.Errorf("dropping days before %s: %w", before.Format(time.DateOnly), err)
	}
	return nil
}
