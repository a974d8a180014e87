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
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is in the header of each postburn database ("PBRN"), so that no other file is taken
// for one.
const applicationID = 0x5042524e

// setUp makes a database out of an empty file, or brings an older one up to date.
func setUp(ctx context.Context, db *sql.DB) error {
	scripts, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	// Look before the journal mode is set: that changes a file which may not be ours.
	if err := transact(ctx, db, func(tx *sql.Tx) error { _, err := version(ctx, tx, len(scripts)); return err }); err != nil {
		return err
	}
	if err := setJournalMode(ctx, db); err != nil {
		return fmt.Errorf("setting the journal mode: %w", err)
	}
	return transact(ctx, db, func(tx *sql.Tx) error { return migrate(ctx, tx, scripts) })
}

// setJournalMode has the database write ahead. That takes a lock for which SQLite does not wait
// where another process wants it too, since both hold one already: so it is tried again, as long as
// an open store waits for another's.
func setJournalMode(ctx context.Context, db *sql.DB) error {
	const waitFor, between = 5 * time.Second, 20 * time.Millisecond
	var mode string
	for begun := time.Now(); ; {
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		var coded interface{ Code() int }
		switch {
		case err == nil && mode != "wal":
			return fmt.Errorf("it is %s, not wal: the file system has no shared memory", mode)
		case err == nil:
			return nil
		case !errors.As(err, &coded) || coded.Code()&0xff != sqlite3.SQLITE_BUSY || time.Since(begun) > waitFor:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(between):
		}
	}
}

// migrate runs the scripts that have not run yet. The schema's version is the number of those that
// have.
func migrate(ctx context.Context, tx *sql.Tx, scripts []string) error {
	have, err := version(ctx, tx, len(scripts))
	if err != nil || have == len(scripts) {
		return err
	}
	for _, name := range scripts[have:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("running %s: %w", name, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(scripts)))
	return err
}

// version is the version of the schema, 0 of an empty database.
func version(ctx context.Context, tx *sql.Tx, newest int) (int, error) {
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
	case version > newest:
		return 0, fmt.Errorf("it was written by a newer postburn: its schema has version %d, and this one knows %d", version, newest)
	}
	return version, nil
}
