package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
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

const secondsADay = 24 * 60 * 60

// dayNumber counts days since 1970.
func dayNumber(t time.Time) int64 { return t.Unix() / secondsADay }

// SaveDays keeps days, each in place of what was known of it before. A day that is known less well
// than it was stays as it is.
func (s *Store) SaveDays(ctx context.Context, all []alert.Days) error {
	err := s.writing(ctx, func(tx *sql.Tx) error {
		if err := s.fence.check(ctx, tx); err != nil {
			return err
		}
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
				if _, err := day.ExecContext(ctx, series, dayNumber(d.Date), d.Total, d.Bad, int64(d.Known), int64(d.Blind), d.Exact); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("saving the days of %d objectives: %w", len(all), err)
	}
	return nil
}

// readDays returns the days that begin from start on and before end: objectives by name and label
// set, those that count other events now in the order in which they did.
func readDays(ctx context.Context, tx *sql.Tx, start, end time.Time) (all []alert.Days, err error) {
	place := map[int64]int{}
	err = query(ctx, tx, selectSeries, nil, func(rows *sql.Rows) error {
		var of alert.Days
		var id int64
		var target string
		err := rows.Scan(&id, &of.SLO, &of.Labels, &of.Measures, &of.Service, &target)
		if err != nil {
			return err
		}
		if of.Target, err = slo.ParseDecimal(target); err != nil {
			return fmt.Errorf("the target of %s: %w: %w", of.ID, slo.ErrCorrupt, err)
		}
		place[id] = len(all)
		all = append(all, of)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = query(ctx, tx, selectDays, []any{dayNumber(start), dayNumber(end.Add(secondsADay*time.Second - 1))}, func(rows *sql.Rows) error {
		var d slo.Day
		var series, day int64
		if err := rows.Scan(&series, &day, &d.Total, &d.Bad, &d.Known, &d.Blind, &d.Exact); err != nil {
			return err
		}
		d.Date = time.Unix(day*secondsADay, 0).UTC()
		of := &all[place[series]]
		of.Days = append(of.Days, d)
		return nil
	})
	return slices.DeleteFunc(all, func(of alert.Days) bool { return len(of.Days) == 0 }), err
}

// DropDays removes days that ended before a time, and objectives that have none left.
func (s *Store) DropDays(ctx context.Context, before time.Time) error {
	err := s.writing(ctx, func(tx *sql.Tx) error {
		if err := s.fence.checkOwn(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, deleteDays, dayNumber(before)); err != nil {
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
