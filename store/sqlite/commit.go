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

// pruned is how many rows that are not needed any more a batch removes. A batch adds one row, so
// that a backlog shrinks, and a commit takes no longer after a checkpoint than before.
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
	// A history is never newer than the state beside it, so what is older than the history is
	// needed by neither.
	prune = `DELETE FROM samples WHERE rowid IN (SELECT rowid FROM samples WHERE lane = ?1
		AND tick <= (SELECT min(h.tick, s.tick) FROM checkpoints h JOIN checkpoints s ON s.lane = h.lane
			WHERE h.lane = ?1 AND h.part = 'history' AND s.part = 'state')
		ORDER BY tick LIMIT ?2)`
)

// Acquire implements alert.Store. From then on, other processes that have acquired the store before
// can neither commit nor save.
func (s *Store) Acquire(ctx context.Context) (fence int64, lanes []string, err error) {
	err = transact(ctx, s.writer, func(tx *sql.Tx) error {
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
		err = transact(ctx, s.writer, func(tx *sql.Tx) error { return s.writeChains(ctx, tx, lanes) })
	}
	if err != nil {
		return fmt.Errorf("committing %d batches: %w", len(batches), err)
	}
	return nil
}

// chain is the batches of one lane, in order, with their incidents encoded.
type chain struct {
	lane    string
	batches []*batch
}

type batch struct {
	alert.Batch
	docs [][]byte // one an incident; nil where a later batch of the chain has a newer revision
}

// chains parts the batches by lane and checks what can be checked without the database.
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

// encode encodes the newest revision of each incident: what catching up committed before it in the
// same transaction, nobody would see.
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

// writeChains writes what is not there yet of all lanes.
func (s *Store) writeChains(ctx context.Context, tx *sql.Tx, lanes []*chain) error {
	fence, err := currentFence(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range lanes {
		for _, b := range c.batches {
			if b.Fence != fence || fence == 0 {
				return fmt.Errorf("fence %d, now %d: %w", b.Fence, fence, alert.ErrFenced)
			}
		}
		if err := s.writeChain(ctx, tx, c, fence); err != nil {
			return fmt.Errorf("writing lane %s: %w", c.lane, err)
		}
	}
	return nil
}

func currentFence(ctx context.Context, tx *sql.Tx) (fence int64, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT fence FROM writer`).Scan(&fence); err != nil {
		return 0, fmt.Errorf("reading the fence: %w", err)
	}
	return fence, nil
}

// writeChain writes what is not there yet of one lane.
func (s *Store) writeChain(ctx context.Context, tx *sql.Tx, c *chain, fence int64) error {
	batches, err := s.missing(ctx, tx, c, fence)
	if err != nil || len(batches) == 0 {
		return err
	}
	var lane int64
	last := batches[len(batches)-1].Tick
	if err := s.stmt(ctx, tx, upsertLane).QueryRowContext(ctx, c.lane, nanos(last), fence).Scan(&lane); err != nil {
		return fmt.Errorf("moving the cursor: %w", err)
	}
	for _, b := range batches {
		if err := s.writeBatch(ctx, tx, lane, b); err != nil {
			return err
		}
	}
	if _, err := s.stmt(ctx, tx, prune).ExecContext(ctx, lane, pruned*len(batches)); err != nil {
		return fmt.Errorf("removing old samples: %w", err)
	}
	return nil
}

// missing returns those of a lane's batches that are not written yet. After a commit whose outcome
// was not known the cursor is at the end of one of them, under their own fence: that one and all
// before it are there.
func (s *Store) missing(ctx context.Context, tx *sql.Tx, c *chain, fence int64) ([]*batch, error) {
	var nano, writtenUnder int64
	var cursor time.Time
	err := s.stmt(ctx, tx, selectLane).QueryRowContext(ctx, c.lane).Scan(&nano, &writtenUnder)
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

func (s *Store) writeBatch(ctx context.Context, tx *sql.Tx, lane int64, b *batch) error {
	tick := nanos(b.Tick)
	if _, err := s.stmt(ctx, tx, insertSamples).ExecContext(ctx, lane, tick, b.Samples); err != nil {
		return fmt.Errorf("writing samples: %w", err)
	}
	if err := s.writeCheckpoint(ctx, tx, lane, b); err != nil {
		return err
	}
	for i, incident := range b.Incidents {
		if b.docs[i] == nil {
			continue
		}
		ended := sql.NullInt64{Int64: nanos(incident.Ended()), Valid: !incident.IsOpen()}
		if _, err := s.stmt(ctx, tx, upsertIncident).ExecContext(ctx, incident.ID, incident.Revision, incident.Group, incident.Repository,
			nanos(incident.Onset()), ended, string(b.docs[i])); err != nil {
			return fmt.Errorf("writing incident %s: %w", incident.ID, err)
		}
	}
	return nil
}

// writeCheckpoint replaces those of a lane's roster, state and history that the batch has.
func (s *Store) writeCheckpoint(ctx context.Context, tx *sql.Tx, lane int64, b *batch) error {
	write := func(part string, content []byte) error {
		if content == nil {
			return nil
		}
		if _, err := s.stmt(ctx, tx, upsertCheckpoint).ExecContext(ctx, lane, part, nanos(b.Tick), content); err != nil {
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

// stmt is a prepared statement, in the transaction.
func (s *Store) stmt(ctx context.Context, tx *sql.Tx, text string) *sql.Stmt {
	return tx.StmtContext(ctx, s.write[text])
}
