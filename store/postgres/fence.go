package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/record"
)

// Reading a fence locks its lease until the transaction ends, so that nobody can take it over in
// between: leases in use can't be had. If this process is cut off in the midst of a transaction, the
// server ends that after 20 s and gives the locks back.
const (
	limitIdle = `SELECT set_config('idle_in_transaction_session_timeout', '20s', true)`
	// Commits share their leases, though each lane has only one that goes on, and the lock below.
	shareLeases = `SELECT name, fence FROM leases WHERE name = ANY($1::text[]) ORDER BY name FOR SHARE`
	lockLease   = `SELECT fence FROM leases WHERE name = $1 FOR NO KEY UPDATE`
	// A commit that adds an incident and a write that publishes it would not see each other. So
	// commits share a lock that whoever writes publications has alone.
	shareIncidents = `SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.incidents', 0))`
	lockIncidents  = `SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.incidents', 0))`
)

// fence is that of the lease of publishing under which this process writes publications and drops
// what is old. 0: nobody has said, as in a process that is not a daemon; none: it may not.
type fence struct{ atomic.Int64 }

const none = -1

// PublishUnder says under which fence of lease.Publishing this process writes publications from now
// on; 0 is that it may not.
func (s *Store) PublishUnder(fence int64) {
	if fence == 0 {
		fence = none
	}
	s.fence.Store(fence)
}

// queuePublishing adds reading the fence of publishing to a batch, and has it checked.
func queuePublishing(b *pgx.Batch, check func(now int64) error) {
	b.Queue(limitIdle)
	b.Queue(lockIncidents)
	b.Queue(lockLease, lease.Publishing).QueryRow(func(row pgx.Row) error {
		var now int64
		if err := row.Scan(&now); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("reading the fence of publishing: %w", err)
		}
		return check(now)
	})
}

// check returns alert.ErrFenced unless this process is the one that publishes, or not a daemon.
func (f *fence) check(now int64) error {
	if own := f.Load(); own != 0 && own != now {
		return record.Fenced(own, now)
	}
	return nil
}

// checkOwn is like check, but only for the process that publishes.
func (f *fence) checkOwn(now int64) error {
	if f.Load() == 0 {
		return fmt.Errorf("publishing was not acquired: %w", alert.ErrFenced)
	}
	return f.check(now)
}

// lock locks publishing and checks its fence.
func (f *fence) lock(ctx context.Context, tx pgx.Tx, check func(now int64) error) error {
	b := &pgx.Batch{}
	queuePublishing(b, check)
	return tx.SendBatch(ctx, b).Close()
}
