package postgres

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

// fence is what Acquire returned last; 0 before. It keeps a process from writing once another one
// has acquired the store.
type fence struct{ atomic.Int64 }

// Reading the fence locks it until the transaction ends, so that nobody can take over in between: a
// takeover waits for the commits that are under way, and those that come later see it. If this
// process is cut off in the midst of a transaction, the server ends that after 20 s and gives the
// lock back.
const (
	readFence = `SELECT fence, set_config('idle_in_transaction_session_timeout', '20s', true) FROM writer `
	// Commits share the lock.
	shareFence = readFence + `FOR SHARE`
	// Other writes have it alone: a commit that adds an incident and a write that publishes it
	// would not see each other.
	lockFence = readFence + `FOR NO KEY UPDATE`
)

// queueFence adds reading the fence to a batch, with one of the statements above, and hands it to
// check.
func queueFence(b *pgx.Batch, text string, check func(now int64) error) {
	b.Queue(text).QueryRow(func(row pgx.Row) error {
		var now int64
		if err := row.Scan(&now, nil); err != nil {
			return fmt.Errorf("reading the fence: %w", err)
		}
		return check(now)
	})
}

// check returns alert.ErrFenced if this store was acquired, and another process has acquired it
// since.
func (f *fence) check(now int64) error {
	if own := f.Load(); own != 0 && own != now {
		return record.Fenced(own, now)
	}
	return nil
}

// checkOwn is like check, but a store that was not acquired may do nothing.
func (f *fence) checkOwn(now int64) error {
	if f.Load() == 0 {
		return fmt.Errorf("the store was not acquired: %w", alert.ErrFenced)
	}
	return f.check(now)
}

// lock locks the fence and checks it.
func (f *fence) lock(ctx context.Context, tx pgx.Tx, check func(now int64) error) error {
	b := &pgx.Batch{}
	queueFence(b, lockFence, check)
	return tx.SendBatch(ctx, b).Close()
}
