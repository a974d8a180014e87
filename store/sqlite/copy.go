package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// Export passes on all that the store at path holds, as of one time. A daemon may go on writing to
// it. Like Inspect it does not upgrade an older store.
func Export(ctx context.Context, path string, to record.Sink) error {
	return Inspect(ctx, path, func(r Recorder) error {
		return r.reading(ctx, func(tx *sql.Tx) error { return export(ctx, tx, to) })
	})
}

func export(ctx context.Context, tx *sql.Tx, to record.Sink) error {
	fence, err := currentFence(ctx, tx)
	if err != nil {
		return err
	}
	if err := to.Fence(fence); err != nil {
		return err
	}
	var lanes []record.Lane
	err = query(ctx, tx, `SELECT name, fence FROM lanes ORDER BY name`, nil, func(rows *sql.Rows) error {
		var l record.Lane
		err := rows.Scan(&l.Name, &l.Fence)
		lanes = append(lanes, l)
		return err
	})
	for _, l := range lanes {
		if err == nil {
			err = load(ctx, tx, l.Name, &l.Recovery)
		}
		if err == nil {
			err = to.Lane(l)
		}
	}
	if err != nil {
		return err
	}
	docs := func(text string, pass func([]byte) error) error {
		return query(ctx, tx, text, nil, func(rows *sql.Rows) error {
			var doc []byte
			if err := rows.Scan(&doc); err != nil {
				return err
			}
			return pass(doc)
		})
	}
	if err := docs(`SELECT doc FROM incidents ORDER BY id`, to.Incident); err != nil {
		return err
	}
	if err := docs(`SELECT doc FROM publications ORDER BY key`, to.Publication); err != nil {
		return err
	}
	days, err := readDaysOf(ctx, tx, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	return to.Days(days)
}

// Import fills the store at path in one transaction, wholly or not at all, and creates it if there
// is none. A store that holds anything is an error.
func Import(ctx context.Context, path string, from func(record.Sink) error) error {
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	err = s.writing(ctx, func(tx *sql.Tx) error {
		var used bool
		const text = `SELECT fence > 0 OR EXISTS (SELECT 1 FROM lanes) OR EXISTS (SELECT 1 FROM incidents) OR EXISTS (SELECT 1 FROM publications)
			OR EXISTS (SELECT 1 FROM series) FROM writer`
		if err := tx.QueryRowContext(ctx, text).Scan(&used); err != nil {
			return err
		}
		if used {
			return &store.Error{Path: s.path, Problem: store.Other, Err: errUsed, Advice: "name a file that does not exist"}
		}
		return from(importer{ctx, committer{s.database, tx}})
	})
	return explainOpening(s.path, err)
}

var errUsed = errors.New("a postburn has used it already, and a copy would mix with what it holds")

// importer is a record.Sink that writes what comes.
type importer struct {
	ctx context.Context // of the transaction: a Sink has none
	committer
}

// explain keeps errors from being taken for those of where the rows come from.
func (in importer) explain(err error) error { return explainOpening(in.db.path, err) }

// Fence implements record.Sink.
func (in importer) Fence(now int64) error {
	_, err := in.tx.ExecContext(in.ctx, `UPDATE writer SET fence = ?`, now)
	return in.explain(err)
}

// Lane implements record.Sink.
func (in importer) Lane(l record.Lane) error {
	var id int64
	if err := in.stmt(in.ctx, upsertLane).QueryRowContext(in.ctx, l.Name, record.Nanos(l.Cursor), l.Fence).Scan(&id); err != nil {
		return in.explain(err)
	}
	if err := in.writeCheckpoints(in.ctx, id, l.Checkpoints()); err != nil {
		return in.explain(err)
	}
	for _, row := range l.Rows {
		if err := in.writeBatch(in.ctx, id, &record.Batch{Batch: alert.Batch{Tick: row.Tick, Samples: row.Samples}}); err != nil {
			return in.explain(err)
		}
	}
	return nil
}

// Incident implements record.Sink.
func (in importer) Incident(doc []byte) error {
	incident, err := record.Decode[alert.Incident](doc)
	if err != nil {
		return err
	}
	return in.explain(in.writeIncident(in.ctx, incident, doc))
}

// Publication implements record.Sink.
func (in importer) Publication(doc []byte) error {
	p, err := record.Decode[issue.Publication](doc)
	if err != nil {
		return err
	}
	return in.explain(save(in.ctx, in.tx, p, doc))
}

// Days implements record.Sink.
func (in importer) Days(all []alert.Days) error {
	return in.explain(saveDays(in.ctx, in.tx, all))
}
