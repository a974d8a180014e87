package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
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

// Acquire implements alert.Store. From then on, processes that acquired the store before can
// neither commit nor save.
func (s *Store) Acquire(ctx context.Context) (fence int64, lanes []string, err error) {
	err = s.writing(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `UPDATE writer SET fence = fence + 1 RETURNING fence`).Scan(&fence); err != nil {
			return err
		}
		return query(ctx, tx, `SELECT name FROM lanes ORDER BY name`, nil, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			lanes = append(lanes, name)
			return err
		})
	})
	if err != nil {
		return 0, nil, fmt.Errorf("acquiring the store: %w", err)
	}
	s.fence.Store(fence)
	return fence, lanes, nil
}

// Commit implements alert.Store.
func (s *Store) Commit(ctx context.Context, batches []alert.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	lanes, err := chains(batches)
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

// chain is one lane's batches in order, with their incidents encoded.
type chain struct {
	lane    string
	batches []*batch
}

type batch struct {
	alert.Batch
	docs [][]byte // one per incident; nil if a later batch has a newer revision
}

// chains splits the batches by lane, and checks what it can without the database.
func chains(batches []alert.Batch) ([]*chain, error) {
	var lanes []*chain
	byName := map[string]*chain{}
	for _, b := range batches {
		c := byName[b.Lane]
		if c == nil {
			c = &chain{lane: b.Lane}
			byName[b.Lane] = c
			lanes = append(lanes, c)
		}
		if !b.Tick.After(b.Prev) || !storable(b.Tick) {
			return nil, fmt.Errorf("lane %s: a batch from %s to %s goes nowhere", b.Lane, b.Prev.Format(time.RFC3339), b.Tick.Format(time.RFC3339))
		}
		if n := len(c.batches); n > 0 && !b.Prev.Equal(c.batches[n-1].Tick) {
			return nil, conflict(b.Lane, c.batches[n-1].Tick, b.Prev)
		}
		c.batches = append(c.batches, &batch{Batch: b})
	}
	for _, c := range lanes {
		if err := c.encode(); err != nil {
			return nil, err
		}
	}
	return lanes, nil
}

// encode encodes only each incident's newest revision: nobody could see older ones that catching up
// writes in the same transaction.
func (c *chain) encode() error {
	newer := map[string]bool{}
	for _, b := range slices.Backward(c.batches) {
		docs := make([][]byte, len(b.Incidents))
		for i, incident := range b.Incidents {
			if len(incident.Windows) == 0 {
				return fmt.Errorf("incident %s has no breach window", incident.ID)
			}
			if newer[incident.ID] {
				continue
			}
			newer[incident.ID] = true
			var err error
			if docs[i], err = json.Marshal(incident); err != nil {
				return fmt.Errorf("encoding incident %s: %w", incident.ID, err)
			}
		}
		b.docs = docs
	}
	return nil
}

func conflict(lane string, cursor, prev time.Time) error {
	return fmt.Errorf("lane %s is at %s, not at %s: %w", lane, cursor.Format(time.RFC3339Nano), prev.Format(time.RFC3339Nano), alert.ErrConflict)
}

// committer writes batches in one transaction.
type committer struct {
	db *database
	tx *sql.Tx
}

// writeAll writes the missing batches of all lanes.
func (w committer) writeAll(ctx context.Context, lanes []*chain) error {
	fence, err := scanFence(w.stmt(ctx, selectFence).QueryRowContext(ctx))
	if err != nil {
		return err
	}
	for _, c := range lanes {
		for _, b := range c.batches {
			if b.Fence != fence || fence == 0 {
				return fmt.Errorf("fence %d, now %d: %w", b.Fence, fence, alert.ErrFenced)
			}
		}
		if err := w.writeChain(ctx, c, fence); err != nil {
			return fmt.Errorf("writing lane %s: %w", c.lane, err)
		}
	}
	return nil
}

// writeChain writes the missing batches of one lane.
func (w committer) writeChain(ctx context.Context, c *chain, fence int64) error {
	batches, err := w.missing(ctx, c, fence)
	if err != nil || len(batches) == 0 {
		return err
	}
	var lane int64
	last := batches[len(batches)-1].Tick
	if err := w.stmt(ctx, upsertLane).QueryRowContext(ctx, c.lane, nanos(last), fence).Scan(&lane); err != nil {
		return fmt.Errorf("moving the cursor: %w", err)
	}
	for _, b := range batches {
		if err := w.writeBatch(ctx, lane, b); err != nil {
			return err
		}
	}
	if _, err := w.stmt(ctx, prune).ExecContext(ctx, lane, pruned*len(batches)); err != nil {
		return fmt.Errorf("removing old samples: %w", err)
	}
	return nil
}

// missing returns a lane's batches that are not written yet. After a commit with an unknown
// outcome, the cursor may be at the end of one of them, under their own fence: that one and all
// before it are there.
func (w committer) missing(ctx context.Context, c *chain, fence int64) ([]*batch, error) {
	var nano, writtenUnder int64
	var cursor time.Time
	err := w.stmt(ctx, selectLane).QueryRowContext(ctx, c.lane).Scan(&nano, &writtenUnder)
	switch {
	case err == nil:
		cursor = fromNanos(nano)
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("reading the cursor: %w", err)
	}
	for i, b := range c.batches {
		if b.Tick.Equal(cursor) && writtenUnder == fence {
			return c.batches[i+1:], nil
		}
	}
	if prev := c.batches[0].Prev; !prev.Equal(cursor) {
		return nil, conflict(c.lane, cursor, prev)
	}
	return c.batches, nil
}

func (w committer) writeBatch(ctx context.Context, lane int64, b *batch) error {
	tick := nanos(b.Tick)
	if _, err := w.stmt(ctx, insertSamples).ExecContext(ctx, lane, tick, b.Samples); err != nil {
		return fmt.Errorf("writing samples: %w", err)
	}
	if err := w.writeCheckpoint(ctx, lane, b); err != nil {
		return err
	}
	for i, incident := range b.Incidents {
		if b.docs[i] == nil {
			continue
		}
		ended := sql.NullInt64{Int64: nanos(incident.Ended()), Valid: !incident.IsOpen()}
		if _, err := w.stmt(ctx, upsertIncident).ExecContext(ctx, incident.ID, incident.Revision, incident.Group, incident.Repository,
			nanos(incident.Onset()), ended, string(b.docs[i])); err != nil {
			return fmt.Errorf("writing incident %s: %w", incident.ID, err)
		}
	}
	return nil
}

// writeCheckpoint replaces a lane's roster, state and history with those in the batch.
func (w committer) writeCheckpoint(ctx context.Context, lane int64, b *batch) error {
	write := func(part string, content []byte) error {
		if content == nil {
			return nil
		}
		if _, err := w.stmt(ctx, upsertCheckpoint).ExecContext(ctx, lane, part, nanos(b.Tick), content); err != nil {
			return fmt.Errorf("writing the %s: %w", part, err)
		}
		return nil
	}
	if err := write("roster", b.Roster); err != nil || b.Checkpoint == nil {
		return err
	}
	if err := write("state", append([]byte{}, b.Checkpoint.State...)); err != nil {
		return err
	}
	return write("history", b.Checkpoint.History)
}

// stmt returns a prepared statement for the transaction.
func (w committer) stmt(ctx context.Context, text string) *sql.Stmt {
	return w.tx.StmtContext(ctx, w.db.prepared(text))
}
