package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postburn/postburn/store/record"
)

// patience is how long a transaction may take. A server that has vanished from the network does not
// say so.
const patience = time.Minute

// unhurried is how long a transaction that reads or writes all of a store may take.
const unhurried = 6 * time.Hour

var errNoAnswer = errors.New("the server did not answer in time")

// database is a database that connections are made to when they are needed, whatever it holds.
type database struct {
	name   string // for people, see nameOf
	schema string
	pool   *pgxpool.Pool
	wrote  atomic.Bool // since the last Probe

	patience time.Duration // of a transaction
}

// connect makes sure that the server answers.
func connect(ctx context.Context, url string) (*database, error) {
	config, schema, err := parse(url)
	if err != nil {
		return nil, err
	}
	return connectWith(ctx, config, schema)
}

func connectWith(ctx context.Context, config *pgxpool.Config, schema string) (d *database, err error) {
	d = &database{name: nameOf(config, schema), schema: schema, patience: patience}
	if d.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, d.explainOpening(err)
	}
	if err := d.pool.Ping(ctx); err != nil {
		d.pool.Close()
		return nil, d.explainOpening(err)
	}
	return d, nil
}

// Close ends all connections. What was committed stays.
func (d *database) Close() error {
	d.pool.Close()
	return nil
}

// reading runs do in a transaction that sees one state of the database.
func (d *database) reading(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return d.Explain(d.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, do))
}

// writing runs do in a transaction. Its first statements have to take its locks. Each statement sees
// what was committed before it began, so those after a lock see all that the lock waited for.
func (d *database) writing(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	err := d.transact(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, do)
	if err == nil {
		d.wrote.Store(true)
	}
	return d.Explain(err)
}

// transact runs do in a transaction. After an error nothing is written, except that of a commit
// whose answer was lost.
func (d *database) transact(ctx context.Context, opts pgx.TxOptions, do func(context.Context, pgx.Tx) error) error {
	limited, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	err := pgx.BeginTxFunc(limited, d.pool, opts, func(tx pgx.Tx) error { return do(limited, tx) })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case ctx.Err() == nil && limited.Err() != nil:
		return fmt.Errorf("%w: %s", errNoAnswer, d.patience)
	}
	return err
}

// writeNothing is refused if nothing may be written.
const writeNothing = `UPDATE leases SET fence = fence WHERE false`

// Probe checks whether commits are possible: whether the server answers and takes writes, the
// tables are there and this process may write. If something was committed since the last Probe, it
// asks nothing.
func (s *Store) Probe(ctx context.Context) error {
	if s.wrote.Swap(false) {
		return nil
	}
	err := s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, writeNothing)
		return err
	})
	s.wrote.Store(false)
	return err
}

// query runs a query and passes each row to scan.
func query(ctx context.Context, tx pgx.Tx, text string, args []any, scan func(pgx.Rows) error) error {
	rows, err := tx.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// documents decodes the JSON documents that a query returns.
func documents[T any](ctx context.Context, tx pgx.Tx, text string, args ...any) (found []T, err error) {
	err = query(ctx, tx, text, args, func(rows pgx.Rows) error {
		v, err := record.Decode[T](rows.RawValues()[0])
		found = append(found, v)
		return err
	})
	return found, err
}
