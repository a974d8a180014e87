package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

const selectSamples = `SELECT tick, samples FROM samples WHERE lane = $1 AND tick > $2 ORDER BY tick`

// Load implements alert.Store. It sees one state of the database, and does not wait for commits.
func (s *Store) Load(ctx context.Context, lane string) (r alert.Recovery, err error) {
	err = s.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		r, err = load(ctx, tx, lane)
		return err
	})
	if err != nil {
		return alert.Recovery{}, fmt.Errorf("loading lane %s: %w", lane, err)
	}
	return r, nil
}

func load(ctx context.Context, tx pgx.Tx, lane string) (r alert.Recovery, err error) {
	var id, cursor int64
	err = tx.QueryRow(ctx, `SELECT id, cursor FROM lanes WHERE name = $1`, lane).Scan(&id, &cursor)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("reading the cursor: %w", err)
	}
	r.Cursor = record.Time(cursor)

	after := int64(math.MinInt64)
	err = query(ctx, tx, `SELECT part, tick, content FROM checkpoints WHERE lane = $1`, []any{id}, func(rows pgx.Rows) error {
		var part string
		var tick int64
		var content []byte
		if err := rows.Scan(&part, &tick, &content); err != nil {
			return err
		}
		switch part {
		case record.Roster:
			r.Roster = content
		case record.State:
			r.State, r.StateTick = content, record.Time(tick)
		case record.History:
			r.History, r.HistoryTick, after = content, record.Time(tick), tick
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("reading the checkpoint: %w", err)
	}

	err = query(ctx, tx, selectSamples, []any{id, after}, func(rows pgx.Rows) error {
		var tick int64
		var row alert.Row
		err := rows.Scan(&tick, &row.Samples)
		row.Tick = record.Time(tick)
		r.Rows = append(r.Rows, row)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("reading the samples: %w", err)
	}
	return r, nil
}
