package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postburn/postburn/store"
)

// connections are the connections to one database file.
type connections struct {
	writer *sql.DB // one connection
	reader *sql.DB
	write  map[string]*sql.Stmt // prepared on the writer, by SQL text
	guard  *atomic.Pointer[files]
}

// open opens a database, creates it if there is none, and brings its schema up to date.
func open(ctx context.Context, path string, opts Options) (_ *connections, err error) {
	c := &connections{guard: &atomic.Pointer[files]{}}
	defer func() {
		if err != nil {
			_ = c.close() // the earlier error counts
		}
	}()
	c.writer = openDB(dsn(path, opts, "rwc", "immediate"), c.guard)
	c.writer.SetMaxOpenConns(1)
	c.reader = openDB(dsn(path, opts, "rw", "deferred")+"&_query_only=1", c.guard)
	readers := cmp.Or(opts.Readers, 4)
	c.reader.SetMaxOpenConns(readers)
	c.reader.SetMaxIdleConns(readers)
	if err := c.writer.PingContext(ctx); err != nil {
		return nil, cmp.Or(inspect(path), err)
	}
	if err := setUp(ctx, path, c.writer); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	return c, c.openReaders(ctx, readers)
}

// openReaders opens all reading connections at once, so that reads go on if the file's name is
// removed.
func (c *connections) openReaders(ctx context.Context, n int) error {
	var errs []error
	var open []*sql.Conn
	for range n {
		conn, err := c.reader.Conn(ctx)
		if err != nil {
			errs = append(errs, err)
			break
		}
		open = append(open, conn)
	}
	for _, conn := range open {
		errs = append(errs, conn.Close()) // goes back to the pool
	}
	return errors.Join(errs...)
}

// openReadOnly opens a database that another process may be writing to. It only locks the log that
// a transaction reads, while it reads.
func openReadOnly(ctx context.Context, path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, &store.Error{Path: path, Problem: store.Missing, Err: err}
	}
	var err error
	// The second is for read-only media, where SQLite can't create the files beside the database.
	for _, more := range []string{"", "&immutable=1"} {
		db := openDB(dsn(path, Options{}, "ro", "deferred")+more, &atomic.Pointer[files]{})
		db.SetMaxOpenConns(1)
		var tables int
		if err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err == nil {
			return db, nil
		}
		_ = db.Close() // the earlier error counts
		if _, inUse := os.Stat(path + "-wal"); inUse == nil || codeOf(err) != sqlite3.SQLITE_CANTOPEN {
			break
		}
	}
	return nil, explainOpening(path, err)
}

// connector opens connections to the file at a path. Once it knows the file, it opens no other, as
// the pool may open connections at any time.
type connector struct {
	driver driver.Driver
	dsn    string
	guard  *atomic.Pointer[files]
}

func openDB(dsn string, guard *atomic.Pointer[files]) *sql.DB {
	return sql.OpenDB(connector{&sqlite.Driver{}, dsn, guard})
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	if known := c.guard.Load(); known != nil {
		if state, err := known.look(); err != nil {
			return nil, err
		} else if state == gone {
			return nil, errorf(known.path, store.Missing, "its file is gone")
		}
	}
	return c.driver.Open(c.dsn)
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

// dsn returns the driver's address of the file, with each connection's settings.
func dsn(path string, opts Options, mode, lock string) string {
	synchronous := "synchronous(FULL)"
	if opts.NoSync {
		synchronous = "synchronous(OFF)"
	}
	q := url.Values{
		"mode":          {mode},
		"_txlock":       {lock},
		"_busy_timeout": {strconv.FormatInt(cmp.Or(opts.BusyTimeout, 5*time.Second).Milliseconds(), 10)},
		"_pragma": {
			synchronous,
			"foreign_keys(1)",
			"temp_store(MEMORY)",           // the root file system may be read-only
			"journal_size_limit(67108864)", // give back a large log's space
		},
	}
	return (&url.URL{Scheme: "file", Path: path, OmitHost: true}).String() + "?" + q.Encode()
}

// inspect returns why a file can't be opened, as SQLite only says that it can't; nil if there is no
// obvious reason. It does not open the file: closing it would drop the locks of another store in
// this process.
func inspect(path string) error {
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

// explainOpening is like explain, for a store that is not open yet.
func explainOpening(path string, err error) error {
	var explained *store.Error
	if err = explain(path, err); err == nil || errors.As(err, &explained) {
		return err
	}
	return newError(path, store.Other, err)
}

func (c *connections) close() error {
	var errs []error
	for _, stmt := range c.write {
		errs = append(errs, stmt.Close())
	}
	for _, db := range []*sql.DB{c.reader, c.writer} {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// prepare compiles the statements that commits run many times.
func (c *connections) prepare(ctx context.Context) error {
	c.write = map[string]*sql.Stmt{}
	for _, text := range []string{selectFence, selectLane, upsertLane, insertSamples, upsertCheckpoint, upsertIncident, prune} {
		stmt, err := c.writer.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		c.write[text] = stmt
	}
	return nil
}
