package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/record"
)

// Export passes on all that the store holds, as of one time. A daemon may go on writing to it.
func (i *Inspector) Export(ctx context.Context, to record.Sink) error {
	return i.explainOpening(i.reading(ctx, func(ctx context.Context, tx pgx.Tx) error { return export(ctx, tx, to) }))
}

func export(ctx context.Context, tx pgx.Tx, to record.Sink) error {
	var fence int64
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(fence), 0) FROM (SELECT fence FROM leases UNION ALL SELECT fence FROM lanes) AS all_fences`).Scan(&fence); err != nil {
		return err
	}
	if err := to.Fence(fence); err != nil {
		return err
	}
	var lanes []record.Lane
	err := query(ctx, tx, `SELECT name, fence FROM lanes ORDER BY name`, nil, func(rows pgx.Rows) error {
		var l record.Lane
		err := rows.Scan(&l.Name, &l.Fence)
		lanes = append(lanes, l)
		return err
	})
	for _, l := range lanes {
		if err == nil {
			l.Recovery, err = load(ctx, tx, l.Name)
		}
		if err == nil {
			err = to.Lane(l)
		}
	}
	if err != nil {
		return err
	}
	docs := func(text string, pass func([]byte) error) error {
		return query(ctx, tx, text, nil, func(rows pgx.Rows) error { return pass(rows.RawValues()[0]) })
	}
	if err := docs(`SELECT doc FROM incidents ORDER BY id`, to.Incident); err != nil {
		return err
	}
	if err := docs(`SELECT doc FROM publications ORDER BY key`, to.Publication); err != nil {
		return err
	}
	days, err := readAllDays(ctx, tx)
	if err != nil {
		return err
	}
	return to.Days(days)
}

// Import fills an empty database, given as for Open, in one transaction: wholly or not at all. A
// store that holds anything is an error.
func Import(ctx context.Context, url string, from func(record.Sink) error) error {
	d, err := connect(ctx, url)
	if err != nil {
		return fmt.Errorf("opening %w", err)
	}
	defer d.pool.Close()
	d.patience = unhurried
	if err = d.setUp(ctx); err == nil {
		err = d.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if err := d.checkEmpty(ctx, tx); err != nil {
				return err
			}
			in := &importer{ctx: ctx, tx: tx, explain: d.explainOpening, queue: &pgx.Batch{}}
			if err := from(in); err != nil {
				return err
			}
			return in.flush()
		})
	}
	return d.explainOpening(err)
}

// checkEmpty keeps all others from writing until the transaction ends.
func (d *database) checkEmpty(ctx context.Context, tx pgx.Tx) error {
	var used bool
	const text = `SELECT EXISTS (SELECT FROM leases WHERE fence > 0) OR EXISTS (SELECT FROM lanes) OR EXISTS (SELECT FROM incidents)
		OR EXISTS (SELECT FROM publications) OR EXISTS (SELECT FROM series)`
	if _, err := tx.Exec(ctx, lockLeases); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, text).Scan(&used); err != nil {
		return err
	}
	if used {
		return d.errorf(store.Other, "name an empty database, or another schema with search_path", "a postburn has used it already, and a copy would mix with what it holds")
	}
	return nil
}

// importer is a record.Sink that writes what comes, many rows at a time.
type importer struct {
	ctx     context.Context // of the transaction: a Sink has none
	tx      pgx.Tx
	explain func(error) error // so that errors are not taken for those of where the rows come from
	queue   *pgx.Batch
	size    int // of what is queued, in bytes
}

// add queues a statement.
func (in *importer) add(size int, text string, args ...any) error {
	in.queue.Queue(text, args...)
	return in.grown(size)
}

// grown runs what is queued once it is large.
func (in *importer) grown(by int) error {
	const most = 4 << 20
	if in.size += by + 100; in.size < most {
		return nil
	}
	return in.flush()
}

// flush runs what is queued.
func (in *importer) flush() error {
	queued := in.queue
	in.queue, in.size = &pgx.Batch{}, 0
	if queued.Len() == 0 {
		return nil
	}
	return in.explain(in.tx.SendBatch(in.ctx, queued).Close())
}

// Fence implements record.Sink.
func (in *importer) Fence(now int64) error {
	return in.add(0, `INSERT INTO leases (name, fence) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET fence = excluded.fence`, lease.Publishing, now)
}

// Lane implements record.Sink.
func (in *importer) Lane(l record.Lane) error {
	var id int64
	err := in.tx.QueryRow(in.ctx, `INSERT INTO lanes (name, cursor, fence) VALUES ($1, $2, $3) RETURNING id`, l.Name, record.Nanos(l.Cursor), l.Fence).Scan(&id)
	if err != nil {
		return in.explain(err)
	}
	for _, p := range l.Checkpoints() {
		if err := in.add(len(p.Content), upsertCheckpoint, id, p.Name, record.Nanos(p.Tick), p.Content); err != nil {
			return err
		}
	}
	for _, row := range l.Rows {
		if err := in.add(len(row.Samples), insertSamples, id, record.Nanos(row.Tick), row.Samples); err != nil {
			return err
		}
	}
	return nil
}

// Incident implements record.Sink.
func (in *importer) Incident(doc []byte) error {
	incident, err := record.Decode[alert.Incident](doc)
	if err != nil {
		return err
	}
	return in.add(len(doc), upsertIncident, incidentArgs(incident, doc)...)
}

// Publication implements record.Sink.
func (in *importer) Publication(doc []byte) error {
	p, err := record.Decode[issue.Publication](doc)
	if err != nil {
		return err
	}
	row, err := newPublicationRow(p, doc)
	if err != nil {
		return err
	}
	row.queue(in.queue)
	return in.grown(2 * len(doc))
}

// Days implements record.Sink.
func (in *importer) Days(all []alert.Days) error {
	queueDays(in.queue, all)
	return in.flush()
}
