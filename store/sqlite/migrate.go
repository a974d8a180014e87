package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postburn/postburn/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID ("PBRN") is in the header of each postburn database, to tell it from other files.
const applicationID = 0x5042524e

// oldest is the oldest schema version that can be upgraded.
const oldest = 1

// setUp turns an empty file into a database, or upgrades an older one.
func setUp(ctx context.Context, path string, db *sql.DB) error {
	// Look before setting the journal mode: that changes the file, which may not be ours.
	if err := transact(ctx, db, func(tx *sql.Tx) error { _, err := version(ctx, path, tx); return err }); err != nil {
		return err
	}
	if err := setJournalMode(ctx, db); err != nil {
		return fmt.Errorf("setting the journal mode: %w", err)
	}
	return transact(ctx, db, func(tx *sql.Tx) error { return migrate(ctx, path, tx) })
}

// scripts returns the names of the migrations in order.
func scripts() []string {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		panic(err) // the pattern is fine
	}
	return names
}

// newest is the schema version that this postburn writes. Anything that an older postburn can't
// read raises it, even a value's encoding: then add a migration that changes no table, so that the
// older one says so instead of failing to decode.
func newest() int { return len(scripts()) }

// setJournalMode switches on the write-ahead log. SQLite does not wait for the lock if another
// process wants it too, since both hold one already. So it retries, for as long as an open store
// waits for a lock.
func setJournalMode(ctx context.Context, db *sql.DB) error {
	const waitFor, between = 5 * time.Second, 20 * time.Millisecond
	var mode string
	for begun := time.Now(); ; {
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode != "wal":
			return fmt.Errorf("it is %s, not wal: the file system has no shared memory", mode)
		case err == nil:
			return nil
		case codeOf(err) != sqlite3.SQLITE_BUSY || time.Since(begun) > waitFor:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(between):
		}
	}
}

// migrate runs the scripts that have not run yet. The schema's version is the number of scripts
// run.
func migrate(ctx context.Context, path string, tx *sql.Tx) error {
	have, err := version(ctx, path, tx)
	if err != nil || have == newest() {
		return err
	}
	for _, name := range scripts()[have:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("running %s: %w", name, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, newest()))
	return err
}

// version returns the version of the schema, 0 for an empty database. For a version that this
// postburn does not know, it returns a *store.Error.
func version(ctx context.Context, path string, tx *sql.Tx) (int, error) {
	var id, version, tables int
	err := tx.QueryRowContext(ctx, `SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id a, pragma_user_version v`).Scan(&id, &version, &tables)
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the schema's version: %w", err)
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	case id != applicationID:
		return 0, errors.New("it is an SQLite database, but not one of postburn")
	case version > newest():
		return 0, errorf(path, store.Unsupported, "a newer postburn wrote it: its schema has version %d, and this postburn knows versions %d to %d",
			version, oldest, newest())
	case version < oldest:
		return 0, errorf(path, store.Unsupported, "too old a postburn wrote it: its schema has version %d, and this postburn knows versions %d to %d",
			version, oldest, newest())
	}
	return version, nil
}
