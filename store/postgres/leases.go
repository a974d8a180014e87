package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/store/lease"
)

// Leases are where the replicas that share a store meet. It implements lease.Table.
type Leases struct {
	*database
	names []string
}

// Leases returns the leases of these names, which all replicas have to give alike.
func (s *Store) Leases(names ...string) *Leases { return &Leases{s.database, names} }

// The statements of a renewal. They run one after the other, in one transaction, and now() is the
// same in all of them.
const (
	// Renewals of several replicas come one after the other.
	lockLeases = `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.leases', 0))`
	// An older version, or the store that lanes were copied from, has handed out fences already.
	insertLeases = `INSERT INTO leases (name, fence)
		SELECT name, (SELECT coalesce(max(fence), 0) FROM (SELECT fence FROM lanes UNION ALL SELECT fence FROM leases) AS handed_out) FROM unnest($1::text[]) AS given (name)
		WHERE NOT EXISTS (SELECT FROM leases WHERE leases.name = given.name)`
	keepReplica = `INSERT INTO replicas (name, until) VALUES ($1, now() + make_interval(secs => $2))
		ON CONFLICT (name) DO UPDATE SET until = excluded.until`
	deleteReplicas = `DELETE FROM replicas WHERE until <= now() OR name = $1 AND $2`
	// A commit under way holds its lease's row: that one is left for the next time, so that nobody
	// waits.
	releaseLeases = `UPDATE leases SET holder = '' WHERE name IN (
		SELECT name FROM leases WHERE holder = $1 AND ($4 OR (name, fence) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))) FOR UPDATE SKIP LOCKED)`
	takeLeases = `UPDATE leases SET holder = $1, fence = fence + 1 WHERE name IN (
		SELECT name FROM leases WHERE name = ANY($2::text[]) AND holder <> $1
			AND NOT EXISTS (SELECT FROM replicas WHERE replicas.name = holder) FOR UPDATE SKIP LOCKED)`
	selectReplicas = `SELECT name FROM replicas ORDER BY name`
	selectLeases   = `SELECT l.name, fence, coalesce(r.name, '') FROM leases l LEFT JOIN replicas r ON r.name = holder
		WHERE l.name = ANY($1::text[]) ORDER BY l.name`
)

// Renew implements lease.Table. It is one round trip, so that a replica that is paused meanwhile
// keeps nobody waiting.
func (l *Leases) Renew(ctx context.Context, r lease.Request) (s lease.Standing, err error) {
	var released []string
	var fences []int64
	for _, one := range r.Release {
		released, fences = append(released, one.Name), append(fences, one.Fence)
	}
	b := &pgx.Batch{} // an implicit transaction
	b.Queue(lockLeases)
	b.Queue(insertLeases, l.names)
	b.Queue(keepReplica, r.Replica, r.TTL.Seconds())
	b.Queue(deleteReplicas, r.Replica, r.Leave)
	b.Queue(releaseLeases, r.Replica, released, fences, r.Leave)
	if len(r.Take) > 0 {
		b.Queue(takeLeases, r.Replica, r.Take)
	}
	b.Queue(selectReplicas).Query(func(rows pgx.Rows) (err error) {
		s.Replicas, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	b.Queue(selectLeases, l.names).Query(func(rows pgx.Rows) (err error) {
		s.Leases, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h lease.Held, err error) {
			err = row.Scan(&h.Name, &h.Fence, &h.Holder)
			return h, err
		})
		return err
	})
	if err := l.pool.SendBatch(ctx, b).Close(); err != nil {
		return lease.Standing{}, l.Explain(fmt.Errorf("renewing leases: %w", err))
	}
	return s, nil
}
