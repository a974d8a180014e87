package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/record"
)

// The statements of days.
const (
	// Saving locks rows in any order, so it is done one after the other.
	lockDays     = `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.days', 0))`
	upsertSeries = `INSERT INTO series (slo, labels, measures, service, target)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
		ON CONFLICT (slo, labels, measures) DO UPDATE SET service = excluded.service, target = excluded.target
			WHERE (series.service, series.target) <> (excluded.service, excluded.target)`
	// The condition is that of record.IsKnownAsWell.
	upsertDays = `INSERT INTO days (series, day, total, bad, known, blind, exact)
		SELECT series.id, d.day, d.total, d.bad, d.known, d.blind, d.exact
		FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::float8[], $6::float8[], $7::bigint[], $8::bigint[], $9::boolean[])
			AS d (slo, labels, measures, day, total, bad, known, blind, exact) JOIN series USING (slo, labels, measures)
		ON CONFLICT (series, day) DO UPDATE SET total = excluded.total, bad = excluded.bad, known = excluded.known, blind = excluded.blind, exact = excluded.exact
			WHERE excluded.known > days.known OR excluded.known = days.known AND excluded.exact >= days.exact`
	selectSeries = `SELECT id, slo, labels, measures, service, target FROM series ORDER BY slo, labels, id`
	selectDays   = `SELECT series, day, total, bad, known, blind, exact FROM days WHERE series = ANY(ARRAY(SELECT id FROM series)) AND day >= $1 AND day < $2
		ORDER BY series, day`
	deleteDays   = `DELETE FROM days WHERE series = ANY(ARRAY(SELECT id FROM series)) AND day < $1`
	deleteSeries = `DELETE FROM series WHERE NOT EXISTS (SELECT FROM days WHERE days.series = series.id)`
)

// SaveDays keeps days, each in place of what was known of it before. A day that is known less well
// than it was stays as it is. So it does no harm that a lane may have been taken over since it told
// its days, and no fence is checked.
func (s *Store) SaveDays(ctx context.Context, all []alert.Days) error {
	err := s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(lockDays)
		queueDays(b, all)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("saving the days of %d objectives: %w", len(all), err)
	}
	return nil
}

// queueDays adds writing days.
func queueDays(b *pgx.Batch, all []alert.Days) {
	series, days := columnsOf(all)
	b.Queue(upsertSeries, series.slo, series.labels, series.measures, series.service, series.target)
	b.Queue(upsertDays, days.slo, days.labels, days.measures, days.day, days.total, days.bad, days.known, days.blind, days.exact)
}

// seriesID says what a series counts.
type seriesID struct {
	slo.ID
	measures string
}

// ids are the columns that a series is found by.
type ids struct{ slo, labels, measures []string }

func (c *ids) add(id seriesID) {
	c.slo, c.labels, c.measures = append(c.slo, id.SLO), append(c.labels, string(id.Labels)), append(c.measures, id.measures)
}

type seriesColumns struct {
	ids
	service, target []string
}

type dayColumns struct {
	ids
	day, known, blind []int64
	total, bad        []float64
	exact             []bool
}

// columnsOf returns days as columns, each series and each day once: what comes twice, as after a
// failure, is as if one came after the other.
func columnsOf(all []alert.Days) (series seriesColumns, days dayColumns) {
	type dayID struct {
		seriesID
		day int64
	}
	seriesAt, dayAt := map[seriesID]int{}, map[dayID]int{}
	for _, of := range all {
		id := seriesID{of.ID, of.Measures}
		at, known := seriesAt[id]
		if !known {
			at = len(series.slo)
			seriesAt[id] = at
			series.add(id)
			series.service, series.target = append(series.service, ""), append(series.target, "")
		}
		series.service[at], series.target[at] = storable(of.Service), of.Target.String()
		for _, d := range of.Days {
			day := dayID{id, record.DayNumber(d.Date)}
			at, known := dayAt[day]
			if !known {
				at = len(days.day)
				dayAt[day] = at
				days.addRow(id, day.day)
			} else if !record.IsKnownAsWell(d, days.at(at)) {
				continue
			}
			days.set(at, d)
		}
	}
	return series, days
}

// addRow adds a row that is to be set.
func (c *dayColumns) addRow(id seriesID, day int64) {
	c.add(id)
	c.day, c.known, c.blind = append(c.day, day), append(c.known, 0), append(c.blind, 0)
	c.total, c.bad, c.exact = append(c.total, 0), append(c.bad, 0), append(c.exact, false)
}

func (c *dayColumns) set(at int, d slo.Day) {
	c.total[at], c.bad[at], c.known[at], c.blind[at], c.exact[at] = d.Total, d.Bad, int64(d.Known), int64(d.Blind), d.Exact
}

// at returns how well a day is known.
func (c *dayColumns) at(at int) slo.Day {
	return slo.Day{Known: time.Duration(c.known[at]), Exact: c.exact[at]}
}

// readDays returns the days that begin from start on and before end: objectives by name and label
// set, those that count other events now in the order in which they did.
func readDays(ctx context.Context, tx pgx.Tx, start, end time.Time) ([]alert.Days, error) {
	return readDaysOf(ctx, tx, record.DayNumber(start), record.DayNumber(end.Add(record.ADay-1)))
}

// readAllDays returns all days.
func readAllDays(ctx context.Context, tx pgx.Tx) ([]alert.Days, error) {
	return readDaysOf(ctx, tx, math.MinInt64, math.MaxInt64)
}

func readDaysOf(ctx context.Context, tx pgx.Tx, from, before int64) ([]alert.Days, error) {
	var list record.DayList
	err := query(ctx, tx, selectSeries, nil, func(rows pgx.Rows) error {
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
	err = query(ctx, tx, selectDays, []any{from, before}, func(rows pgx.Rows) error {
		var d slo.Day
		var series, day, known, blind int64
		err := rows.Scan(&series, &day, &d.Total, &d.Bad, &known, &blind, &d.Exact)
		if err == nil {
			d.Known, d.Blind = time.Duration(known), time.Duration(blind)
			list.Day(series, day, d)
		}
		return err
	})
	return list.All(), err
}

// DropDays removes days that ended before a time, and objectives that have none left.
func (s *Store) DropDays(ctx context.Context, before time.Time) error {
	err := s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := s.fence.lock(ctx, tx, s.fence.checkOwn); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(lockDays)
		b.Queue(deleteDays, record.DayNumber(before))
		b.Queue(deleteSeries)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("dropping days before %s: %w", before.Format(time.DateOnly), err)
	}
	return nil
}
