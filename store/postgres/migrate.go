package postgres

import (
	"context"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// oldest is the oldest schema version that can be upgraded.
const oldest = 1

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

// The state of the schema: its version is the number of scripts run, 0 for an empty or missing one.
const (
	createVersion = `CREATE TABLE postburn_schema (version integer NOT NULL); INSERT INTO postburn_schema VALUES (0)`
	selectState   = `SELECT current_setting('server_encoding'), to_regnamespace(quote_ident($1)) IS NOT NULL,
		(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'postburn_schema'),
		(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname IN ('lanes', 'samples', 'incidents', 'publications'))`
)

// setUp creates the tables, or upgrades older ones. Processes that start at once wait for each
// other.
func (d *database) setUp(ctx context.Context) error {
	have := 0
	err := d.reading(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		have, _, err = d.version(ctx, tx)
		return err
	})
	if err != nil || have == newest() {
		return err
	}
	return d.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, d.migrationLock()); err != nil {
			return fmt.Errorf("waiting for other processes that migrate the schema: %w", err)
		}
		return d.migrate(ctx, tx)
	})
}

// migrationLock is the number of an advisory lock. The server keeps those of databases apart.
func (d *database) migrationLock() int64 {
	h := fnv.New64a()
	h.Write([]byte("postburn migrates " + d.schema))
	return int64(h.Sum64())
}

// migrate runs the scripts that have not run yet.
func (d *database) migrate(ctx context.Context, tx pgx.Tx) error {
	have, exists, err := d.version(ctx, tx)
	if err != nil || have == newest() {
		return err
	}
	if !exists {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{d.schema}.Sanitize()); err != nil {
			return fmt.Errorf("creating schema %s: %w", d.schema, err)
		}
	}
	if have == 0 {
		if _, err := tx.Exec(ctx, createVersion); err != nil {
			return fmt.Errorf("creating tables in schema %s: %w", d.schema, err)
		}
	}
	for _, name := range scripts()[have:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, string(script)); err != nil {
			return fmt.Errorf("running %s: %w", name, err)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE postburn_schema SET version = $1`, newest())
	return err
}

// version returns the version of the schema, 0 for one without tables, and whether the schema
// exists. For a version that this postburn does not know, it returns a *store.Error.
func (d *database) version(ctx context.Context, tx pgx.Tx) (version int, exists bool, err error) {
	var encoding string
	var ours, tables int
	if err := tx.QueryRow(ctx, selectState, d.schema).Scan(&encoding, &exists, &ours, &tables); err != nil {
		return 0, false, fmt.Errorf("looking for the schema: %w", err)
	}
	switch {
	case encoding != "UTF8":
		return 0, exists, d.errorf(store.Unsupported, "create a database with ENCODING 'UTF8' TEMPLATE template0", "its encoding is %s, and names may have any characters", encoding)
	case ours == 0 && tables > 0:
		return 0, exists, d.errorf(store.Unsupported, "name another schema, like search_path=postburn in POSTBURN_STORE", "schema %s has tables of another program", d.schema)
	case ours == 0:
		return 0, exists, nil
	}
	if err := tx.QueryRow(ctx, `SELECT version FROM postburn_schema`).Scan(&version); err != nil {
		return 0, exists, fmt.Errorf("reading the schema's version: %w", err)
	}
	if version > newest() || version < oldest {
		age := "a newer"
		if version < oldest {
			age = "too old a"
		}
		return 0, exists, d.errorf(store.Unsupported, "run a postburn that knows that version, restore a dump that this one knows, or name an empty database",
			"%s postburn wrote it: its schema has version %d, and this postburn knows versions %d to %d", age, version, oldest, newest())
	}
	return version, exists, nil
}
