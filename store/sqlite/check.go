package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// mostWrong is the most damaged pages that SQLite reports.
const mostWrong = 20

// Check reads the whole store at path, as of one time, and reports what is damaged. It writes
// nothing, and may run while a daemon has the store open. recoverable returns an error if a stored
// lane can't be continued.
//
// The error is a *store.Error if there is no store at path, or none that this postburn knows.
func Check(ctx context.Context, path string, recoverable func(lane string, r alert.Recovery) error) (record.Report, error) {
	db, err := openReadOnly(ctx, path)
	if err != nil {
		return record.Report{}, fmt.Errorf("checking %w", checked(err))
	}
	defer db.Close()
	c := check{record.Checker{Report: record.Report{Newest: newest()}}}
	err = transact(ctx, db, func(tx *sql.Tx) error {
		if c.Version, err = version(ctx, path, tx); err != nil {
			return err
		}
		if c.Version == 0 {
			return errors.New("the file is empty")
		}
		c.pages(ctx, tx)
		c.lanes(ctx, tx, recoverable)
		c.incidents(ctx, tx)
		c.publications(ctx, tx)
		c.references(ctx, tx)
		return ctx.Err()
	})
	if err != nil {
		return record.Report{}, fmt.Errorf("checking %w", checked(explainOpening(path, err)))
	}
	return c.Report, nil
}

// checked drops the advice to run a check, as this is one.
func checked(err error) error {
	var e *store.Error
	if errors.As(err, &e) && e.Problem == store.Damaged {
		e.Advice = Repair(e.Path)
	}
	return err
}

type check struct{ record.Checker }

// each passes each row to look. If the rows can't be read, it reports that as wrong.
func (c *check) each(ctx context.Context, tx *sql.Tx, what, text string, look func(*sql.Rows) error) {
	if err := query(ctx, tx, text, nil, look); err != nil && ctx.Err() == nil {
		c.Wrongf("%s can't be read: %v", what, err)
	}
}

// pages checks the file's structure.
func (c *check) pages(ctx context.Context, tx *sql.Tx) {
	c.each(ctx, tx, "the file's pages", fmt.Sprintf("PRAGMA integrity_check(%d)", mostWrong), func(rows *sql.Rows) error {
		var found string
		err := rows.Scan(&found)
		if err == nil && found != "ok" {
			c.Wrongf("the file: %s", found)
		}
		return err
	})
}

func (c *check) lanes(ctx context.Context, tx *sql.Tx, recoverable func(string, alert.Recovery) error) {
	var names []string
	c.each(ctx, tx, "the lanes", "SELECT name FROM lanes ORDER BY name", func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	c.Lanes = len(names)
	for _, name := range names {
		var r alert.Recovery
		err := load(ctx, tx, name, &r)
		if err == nil {
			err = recoverable(name, r)
		}
		if err != nil && ctx.Err() == nil {
			c.Wrongf("lane %q: %v", name, err)
		}
	}
}

func (c *check) incidents(ctx context.Context, tx *sql.Tx) {
	c.each(ctx, tx, "the incidents", "SELECT id, revision, ended IS NULL, doc FROM incidents ORDER BY id", func(rows *sql.Rows) error {
		var id string
		var revision int
		var open bool
		var doc []byte
		if err := rows.Scan(&id, &revision, &open, &doc); err != nil {
			return err
		}
		c.Incident(id, revision, open, doc)
		return nil
	})
}

func (c *check) publications(ctx context.Context, tx *sql.Tx) {
	c.each(ctx, tx, "the incidents of publications", "SELECT publication, incident FROM publication_incidents ORDER BY incident", func(rows *sql.Rows) error {
		var key, incident string
		err := rows.Scan(&key, &incident)
		c.Part(key, incident)
		return err
	})
	c.each(ctx, tx, "the publications", "SELECT key, doc FROM publications ORDER BY key", func(rows *sql.Rows) error {
		var key string
		var doc []byte
		if err := rows.Scan(&key, &doc); err != nil {
			return err
		}
		c.Publication(key, doc)
		return nil
	})
}

// references checks that referenced rows exist.
func (c *check) references(ctx context.Context, tx *sql.Tx) {
	c.each(ctx, tx, "the references", `SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2`, func(rows *sql.Rows) error {
		var table, parent string
		var n int
		err := rows.Scan(&table, &parent, &n)
		if err == nil {
			c.Wrongf("%d rows of %s refer to rows of %s that are missing", n, table, parent)
		}
		return err
	})
	const lost = `SELECT incident FROM publication_incidents WHERE incident NOT IN (SELECT id FROM incidents)
		AND publication NOT IN (SELECT key FROM publications WHERE doc ->> 'kind' = 'report') ORDER BY incident`
	c.each(ctx, tx, "the references", lost, func(rows *sql.Rows) error {
		var incident string
		err := rows.Scan(&incident)
		if err == nil {
			c.Wrongf("incident %q has a publication, and is missing", incident)
		}
		return err
	})
}
