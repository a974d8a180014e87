// Package sqlite keeps lanes, incidents and publications in one SQLite database file: it is both an
// alert.Store and an issue.Store. It needs no server and no cgo. What is committed survives a crash
// of the process and of the machine (WAL, synchronous=FULL).
//
// It is for one daemon: another process that opens the same file and acquires it takes over. The
// file must be on a local disk, not on a network file system. The package decides nothing about
// incidents; rosters, samples and checkpoints are opaque bytes to it.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// Options are what may be left at its zero value.
type Options struct {
	BusyTimeout time.Duration // how long to wait for another process that writes; 0: 5 s
	Readers     int           // connections that read beside the writer; 0: 4
}

// Store is an open database. Its methods may be called by several goroutines at once: writes wait
// for each other, reads for nothing.
type Store struct {
	writer *sql.DB // one connection
	reader *sql.DB
	write  map[string]*sql.Stmt // prepared on the writer, by their text
	fence  atomic.Int64         // what Acquire returned last; 0 before
}

// Open opens the database at path, and creates it where there is none; the folder has to exist. A
// schema of an older version is migrated; one of a newer version, and a file that is something
// else, is an error that names the path.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	s, err := open(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, opts Options) (_ *Store, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &Store{}
	defer func() {
		if err != nil {
			s.Close() // the error that counts is the one before
		}
	}()
	if s.writer, err = sql.Open("sqlite", dsn(path, opts, "rwc", "immediate")); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if s.reader, err = sql.Open("sqlite", dsn(path, opts, "rw", "deferred")+"&_query_only=1"); err != nil {
		return nil, err
	}
	readers := cmp.Or(opts.Readers, 4)
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if err := s.writer.PingContext(ctx); err != nil {
		return nil, cmp.Or(explain(path), err)
	}
	if err := setUp(ctx, s.writer); err != nil {
		return nil, err
	}
	return s, s.prepare(ctx)
}

// dsn is the driver's address of the file, with what holds for each connection.
func dsn(path string, opts Options, mode, lock string) string {
	q := url.Values{
		"mode":          {mode},
		"_txlock":       {lock},
		"_busy_timeout": {strconv.FormatInt(cmp.Or(opts.BusyTimeout, 5*time.Second).Milliseconds(), 10)},
		"_pragma": {
			"synchronous(FULL)",
			"foreign_keys(1)",
			"temp_store(MEMORY)",           // the root file system may be read-only
			"journal_size_limit(67108864)", // give back what a large checkpoint took
		},
	}
	return (&url.URL{Scheme: "file", Path: path, OmitHost: true}).String() + "?" + q.Encode()
}

// explain says why a file cannot be opened, where SQLite says only that it cannot; nil where there
// is no obvious reason. It does not open the file: closing it again would take away the locks of
// another store in this process.
func explain(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return errors.New("it is a folder, not a file")
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", folder)
	}
	f, err := os.CreateTemp(folder, ".postburn-*")
	if err != nil {
		return fmt.Errorf("writing to its folder: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Close ends all connections. Nothing that was committed is lost without it.
func (s *Store) Close() error {
	var errs []error
	for _, stmt := range s.write {
		errs = append(errs, stmt.Close())
	}
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing store: %w", err)
	}
	return nil
}

// prepare compiles the statements that commits run many times.
func (s *Store) prepare(ctx context.Context) error {
	s.write = map[string]*sql.Stmt{}
	for _, text := range []string{selectLane, upsertLane, insertSamples, upsertCheckpoint, upsertIncident, prune} {
		stmt, err := s.writer.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		s.write[text] = stmt
	}
	return nil
}

// transact runs do in a transaction of the writer, which has the write lock from its beginning, or
// of a reader, which sees one state of the database. After an error nothing of it is written.
func transact(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing to do after a commit; SQLite may have done it already after an error
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// query runs a query and gives each of its rows to scan.
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
