package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

// fence is what Acquire returned last; 0 before. It keeps a process from writing once another one
// has acquired the store.
type fence struct{ atomic.Int64 }

// check returns alert.ErrFenced if this store was acquired, and another process has acquired it
// since.
func (f *fence) check(ctx context.Context, tx *sql.Tx) error {
	now, err := currentFence(ctx, tx)
	if err != nil {
		return err
	}
	if own := f.Load(); own != 0 && own != now {
		return record.Fenced(own, now)
	}
	return nil
}

// checkOwn is like check, but a store that was not acquired may do nothing.
func (f *fence) checkOwn(ctx context.Context, tx *sql.Tx) error {
	if f.Load() == 0 {
		return fmt.Errorf("the store was not acquired: %w", alert.ErrFenced)
	}
	return f.check(ctx, tx)
}

const selectFence = `SELECT fence FROM writer`

// currentFence returns what Acquire returned last, to whichever process.
func currentFence(ctx context.Context, tx *sql.Tx) (now int64, err error) {
	return scanFence(tx.QueryRowContext(ctx, selectFence))
}

func scanFence(row *sql.Row) (now int64, err error) {
	if err := row.Scan(&now); err != nil {
		return 0, fmt.Errorf("reading the fence: %w", err)
	}
	return now, nil
}
