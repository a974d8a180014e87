package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

// pruned is how many obsolete rows a batch removes. A batch adds one row, so a backlog shrinks, and
// commits after a checkpoint are no slower.
const pruned = 16

// The statements of a commit.
const (
	insertLanes = `INSERT INTO lanes (name) SELECT name FROM unnest($1::text[]) AS given (name)
		WHERE NOT EXISTS (SELECT FROM lanes WHERE lanes.name = given.name) ON CONFLICT (name) DO NOTHING`
	// A commit whose answer was lost may still be under way: then this waits until it is over.
	lockLanes = `SELECT id, name, cursor, fence FROM lanes WHERE name = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE`
	moveLanes = `UPDATE lanes SET cursor = moved.cursor, fence = moved.fence
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS moved (id, cursor, fence) WHERE lanes.id = moved.id`
	insertSamples    = `INSERT INTO samples (lane, tick, samples) VALUES ($1, $2, $3)`
	upsertCheckpoint = `INSERT INTO checkpoints (lane, part, tick, content) VALUES ($1, $2, $3, $4)
		ON CONFLICT (lane, part) DO UPDATE SET tick = excluded.tick, content = excluded.content`
	upsertIncident = `INSERT INTO incidents (id, revision, incident_group, repository, onset, ended, doc, posted)
		VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce((SELECT posted FROM publication_incidents WHERE incident = $1), 0))
		ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, incident_group = excluded.incident_group,
			repository = excluded.repository, onset = excluded.onset, ended = excluded.ended, doc = excluded.doc
			WHERE excluded.revision > incidents.revision`
	// A history is never newer than the state beside it, so neither needs rows older than the
	// history. Rows are never updated, so they stay where they are.
	prune = `DELETE FROM samples WHERE ctid = ANY(ARRAY(
		SELECT old.ctid FROM unnest($1::bigint[], $2::bigint[]) AS lane (id, most) CROSS JOIN LATERAL (
			SELECT s.ctid FROM samples s WHERE s.lane = lane.id AND s.tick <= (
				SELECT min(tick) FROM checkpoints c WHERE c.lane = lane.id AND part IN ('history', 'state') HAVING count(*) = 2)
			ORDER BY s.tick LIMIT lane.most) AS old))`
)

// Commit implements alert.Store. Beside beginning and committing, it takes two round trips,
// whatever the number of batches.
func (s *Store) Commit(ctx context.Context, batches []alert.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	chains, err := record.Chains(batches)
	if err == nil {
		err = s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
			lanes, err := lockForCommit(ctx, tx, chains)
			if err != nil {
				return err
			}
			return writeChains(ctx, tx, chains, lanes)
		})
	}
	if err != nil {
		return fmt.Errorf("committing %d batches: %w", len(batches), err)
	}
	return nil
}

// lane is the row of a lane.
type lane struct {
	id     int64
	cursor time.Time // zero before its first batch
	fence  int64     // that it was committed under
}

// lockForCommit checks the fences, and returns the lanes, locked until the transaction ends.
func lockForCommit(ctx context.Context, tx pgx.Tx, chains []*record.Chain) (map[string]lane, error) {
	names := make([]string, 0, len(chains))
	for _, c := range chains {
		names = append(names, c.Lane)
	}
	slices.Sort(names) // so that two processes do not wait for each other
	b := &pgx.Batch{}
	b.Queue(limitIdle)
	b.Queue(shareIncidents)
	b.Queue(shareLeases, names).Query(func(rows pgx.Rows) error {
		fences := map[string]int64{}
		var lane string
		var fence int64
		_, err := pgx.ForEachRow(rows, []any{&lane, &fence}, func() error {
			fences[lane] = fence
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading the fences: %w", err)
		}
		return record.CheckFences(chains, func(lane string) int64 { return fences[lane] })
	})
	b.Queue(insertLanes, names)
	lanes := map[string]lane{}
	b.Queue(lockLanes, names).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var l lane
			var name string
			var cursor *int64
			if err := rows.Scan(&l.id, &name, &cursor, &l.fence); err != nil {
				return fmt.Errorf("reading the cursors: %w", err)
			}
			if cursor != nil {
				l.cursor = record.Time(*cursor)
			}
			lanes[name] = l
		}
		return rows.Err()
	})
	return lanes, tx.SendBatch(ctx, b).Close()
}

// writeChains writes the missing batches of all lanes.
func writeChains(ctx context.Context, tx pgx.Tx, chains []*record.Chain, lanes map[string]lane) error {
	b := &pgx.Batch{}
	var ids, cursors, fences, most []int64
	for _, c := range chains {
		l := lanes[c.Lane]
		missing, err := c.Missing(l.cursor, l.fence)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		ids, cursors, fences = append(ids, l.id), append(cursors, record.Nanos(c.Last())), append(fences, missing[0].Fence)
		most = append(most, int64(pruned*len(missing)))
		queueBatches(b, l.id, missing)
	}
	if len(ids) == 0 {
		return nil
	}
	b.Queue(moveLanes, ids, cursors, fences)
	b.Queue(prune, ids, most)
	return tx.SendBatch(ctx, b).Close()
}

// queueBatches adds writing a lane's batches.
func queueBatches(out *pgx.Batch, lane int64, batches []*record.Batch) {
	for _, b := range batches {
		out.Queue(insertSamples, lane, record.Nanos(b.Tick), b.Samples)
		for i, incident := range b.Incidents {
			if b.Docs[i] == nil {
				continue
			}
			out.Queue(upsertIncident, incidentArgs(incident, b.Docs[i])...)
		}
	}
	for _, p := range record.Checkpoints(batches) {
		out.Queue(upsertCheckpoint, lane, p.Name, record.Nanos(p.Tick), p.Content)
	}
}

// incidentArgs are those of upsertIncident.
func incidentArgs(incident alert.Incident, doc []byte) []any {
	var ended *int64
	if !incident.IsOpen() {
		at := record.Nanos(incident.Ended())
		ended = &at
	}
	return []any{incident.ID, incident.Revision, storable(incident.Group), storable(incident.Repository), record.Nanos(incident.Onset()), ended, string(doc)}
}

// storable returns a text for a column that rows are found by. PostgreSQL takes neither what is not
// UTF-8 nor U+0000; documents have both.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
