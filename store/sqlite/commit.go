package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

// pruned is how many obsolete rows a batch removes. A batch adds one row, so a backlog shrinks, and
// commits after a checkpoint are no slower.
const pruned = 16

// The statements of a commit.
const (
	selectLane = `SELECT cursor, fence FROM lanes WHERE name = ?`
	upsertLane = `INSERT INTO lanes (name, cursor, fence) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, fence = excluded.fence RETURNING id`
	insertSamples    = `INSERT INTO samples (lane, tick, samples) VALUES (?, ?, ?)`
	upsertCheckpoint = `INSERT INTO checkpoints (lane, part, tick, content) VALUES (?, ?, ?, ?)
		ON CONFLICT (lane, part) DO UPDATE SET tick = excluded.tick, content = excluded.content`
	upsertIncident = `INSERT INTO incidents (id, revision, incident_group, repository, onset, ended, doc, posted)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ifnull((SELECT posted FROM publication_incidents WHERE incident = ?1), 0))
		ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, incident_group = excluded.incident_group,
			repository = excluded.repository, onset = excluded.onset, ended = excluded.ended, doc = excluded.doc
			WHERE excluded.revision > incidents.revision`
	// A history is never newer than the state beside it, so neither needs rows older than the
	// history. SQLite compiles a statement anew whenever a LIMIT that is a mere parameter is bound.
	prune = `DELETE FROM samples WHERE rowid IN (SELECT rowid FROM samples WHERE lane = ?1
		AND tick <= (SELECT min(h.tick, s.tick) FROM checkpoints h JOIN checkpoints s ON s.lane = h.lane
			WHERE h.lane = ?1 AND h.part = 'history' AND s.part = 'state')
		ORDER BY tick LIMIT ?2 + 0)`
)

// Acquire makes the caller the only writer, of all lanes and publications. From then on, processes
// that acquired the store before can neither commit nor save. It returns the fence for batches.
func (s *Store) Acquire(ctx context.Context) (fence int64, err error) {
	err = s.writing(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `UPDATE writer SET fence = fence + 1 RETURNING fence`).Scan(&fence)
	})
	if err != nil {
		return 0, fmt.Errorf("acquiring the store: %w", err)
	}
	s.fence.Store(fence)
	return fence, nil
}

// Commit implements alert.Store.
func (s *Store) Commit(ctx context.Context, batches []alert.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	lanes, err := record.Chains(batches)
	if err == nil {
		err = s.writing(ctx, func(tx *sql.Tx) error {
			return committer{s.database, tx}.writeAll(ctx, lanes)
		})
	}
	if err != nil {
		return fmt.Errorf("committing %d batches: %w", len(batches), err)
	}
	return nil
}

// committer writes batches in one transaction.
type committer struct {
	db *database
	tx *sql.Tx
}

// writeAll writes the missing batches of all lanes.
func (w committer) writeAll(ctx context.Context, lanes []*record.Chain) error {
	fence, err := scanFence(w.stmt(ctx, selectFence).QueryRowContext(ctx))
	if err != nil {
		return err
	}
	if err := record.CheckFences(lanes, func(string) int64 { return fence }); err != nil {
		return err
	}
	for _, c := range lanes {
		if err := w.writeChain(ctx, c, fence); err != nil {
			return fmt.Errorf("writing lane %s: %w", c.Lane, err)
		}
	}
	return nil
}

// writeChain writes the missing batches of one lane.
func (w committer) writeChain(ctx context.Context, c *record.Chain, fence int64) error {
	batches, err := w.missing(ctx, c)
	if err != nil || len(batches) == 0 {
		return err
	}
	var lane int64
	last := batches[len(batches)-1].Tick
	if err := w.stmt(ctx, upsertLane).QueryRowContext(ctx, c.Lane, record.Nanos(last), fence).Scan(&lane); err != nil {
		return fmt.Errorf("moving the cursor: %w", err)
	}
	for _, b := range batches {
		if err := w.writeBatch(ctx, lane, b); err != nil {
			return err
		}
	}
	if err := w.writeCheckpoints(ctx, lane, record.Checkpoints(batches)); err != nil {
		return err
	}
	if _, err := w.stmt(ctx, prune).ExecContext(ctx, lane, pruned*len(batches)); err != nil {
		return fmt.Errorf("removing old samples: %w", err)
	}
	return nil
}

// writeCheckpoints replaces parts of a lane's checkpoint.
func (w committer) writeCheckpoints(ctx context.Context, lane int64, parts []record.Checkpoint) error {
	for _, p := range parts {
		if _, err := w.stmt(ctx, upsertCheckpoint).ExecContext(ctx, lane, p.Name, record.Nanos(p.Tick), p.Content); err != nil {
			return fmt.Errorf("writing the %s: %w", p.Name, err)
		}
	}
	return nil
}

// missing returns a lane's batches that are not written yet.
func (w committer) missing(ctx context.Context, c *record.Chain) ([]*record.Batch, error) {
	var nanos, writtenUnder int64
	var cursor time.Time
	err := w.stmt(ctx, selectLane).QueryRowContext(ctx, c.Lane).Scan(&nanos, &writtenUnder)
	switch {
	case err == nil:
		cursor = record.Time(nanos)
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("reading the cursor: %w", err)
	}
	return c.Missing(cursor, writtenUnder)
}

func (w committer) writeBatch(ctx context.Context, lane int64, b *record.Batch) error {
	tick := record.Nanos(b.Tick)
	if _, err := w.stmt(ctx, insertSamples).ExecContext(ctx, lane, tick, b.Samples); err != nil {
		return fmt.Errorf("writing samples: %w", err)
	}
	for i, incident := range b.Incidents {
		if b.Docs[i] == nil {
			continue
		}
		if err := w.writeIncident(ctx, incident, b.Docs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w committer) writeIncident(ctx context.Context, incident alert.Incident, doc []byte) error {
	ended := sql.NullInt64{Int64: record.Nanos(incident.Ended()), Valid: !incident.IsOpen()}
	if _, err := w.stmt(ctx, upsertIncident).ExecContext(ctx, incident.ID, incident.Revision, incident.Group, incident.Repository,
		record.Nanos(incident.Onset()), ended, string(doc)); err != nil {
		return fmt.Errorf("writing incident %s: %w", incident.ID, err)
	}
	return nil
}

// stmt returns a prepared statement for the transaction.
func (w committer) stmt(ctx context.Context, text string) *sql.Stmt {
	return w.tx.StmtContext(ctx, w.db.prepared(text))
}
