package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/postburn/postburn/alert"
)

// database is an open database file, whatever it holds.
type database struct {
	path     string // absolute
	opts     Options
	mayWrite func(context.Context, *sql.Tx) error // alert.ErrFenced once another process has taken over

	mu           sync.RWMutex // locked while replacing the connections
	*connections              // nil if reopening failed, and after Close
	files        files        // open in the connections
	closed       bool

	wrote    atomic.Bool  // since the last Probe
	restored atomic.Int64 // how often the file was put back
}

// connect opens the connections, and notes their files.
func (d *database) connect(ctx context.Context) error {
	c, err := open(ctx, d.path, d.opts)
	if err != nil {
		return err
	}
	found, err := findFiles(d.path)
	if err != nil {
		return errors.Join(err, c.close())
	}
	c.guard.Store(&found)
	d.connections, d.files = c, found
	return nil
}

// Close ends all connections. Nothing that was committed is lost without it, unless the file's name
// was removed since the last Probe or commit: then Close puts the content back.
func (d *database) Close() error {
	ctx := context.Background()
	lost := d.reading(ctx, func(tx *sql.Tx) error { return d.mayWrite(ctx, tx) })
	if errors.Is(lost, alert.ErrFenced) {
		lost = nil // the other process keeps it
	} else {
		lost = d.ensureFiles(ctx)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	if err := errors.Join(lost, d.disconnect()); err != nil {
		return fmt.Errorf("closing store: %w", err)
	}
	return nil
}

func (d *database) disconnect() error {
	if d.connections == nil {
		return nil
	}
	err := d.connections.close()
	d.connections = nil
	return err
}

var errClosed = errors.New("the store is closed")

// reading runs do in a transaction that sees one state of the database.
func (d *database) reading(ctx context.Context, do func(*sql.Tx) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.connections == nil {
		return errClosed
	}
	return d.Explain(transact(ctx, d.reader, do))
}

// writing runs do in a transaction that holds the write lock from the start. It does nothing unless
// the open file is the one that another process would find.
func (d *database) writing(ctx context.Context, do func(*sql.Tx) error) error {
	if err := d.ensureFiles(ctx); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.connections == nil {
		return errClosed
	}
	err := transact(ctx, d.writer, do)
	if err == nil {
		d.wrote.Store(true)
	}
	return d.Explain(err)
}

// prepared returns one of the statements that commits run many times, in a transaction that writes.
func (d *database) prepared(text string) *sql.Stmt { return d.write[text] }

// transact runs do in a transaction of the writer, which holds the write lock from the start, or of
// a reader, which sees one state of the database. After an error nothing is written.
func transact(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after a commit; SQLite may have rolled back already
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// query runs a query and passes each row to scan.
func query(ctx context.Context, tx *sql.Tx, text string, args []any, scan func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
