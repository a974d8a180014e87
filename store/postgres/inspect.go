package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// Inspector reads a store that a daemon may be writing to, and writes nothing.
type Inspector struct{ *database }

// Inspect connects to a store, given as for Open. It does not create or upgrade the tables: without
// them, or with older ones, it returns a *store.Error.
func Inspect(ctx context.Context, url string) (*Inspector, error) {
	d, err := connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("reading %w", err)
	}
	d.patience = unhurried
	err = d.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		switch have, _, err := d.version(ctx, tx); {
		case err != nil:
			return err
		case have == 0:
			return d.errorf(store.Missing, "start `postburn run` with it, which creates them", "it has no tables of postburn")
		case have < newest():
			return d.errorf(store.Unsupported, "start `postburn run`, which upgrades it", "an older postburn wrote it: its schema has version %d, and this needs version %d", have, newest())
		}
		return nil
	})
	if err != nil {
		d.pool.Close()
		return nil, fmt.Errorf("reading %w", d.explainOpening(err))
	}
	return &Inspector{d}, nil
}

// Name returns what people know the store by; no user and no password.
func (i *Inspector) Name() string { return i.name }

const selectTriaged = `SELECT i.doc, coalesce(p.summary::json ->> 'triage', '') FROM incidents i
	LEFT JOIN publication_incidents pi ON pi.incident = i.id LEFT JOIN publications p ON p.key = pi.publication
	WHERE i.onset > $1 OR i.ended > $1 OR i.ended IS NULL ORDER BY i.onset DESC, i.id`

// Triaged returns the incidents with an onset or an end after `since`, newest onset first.
func (i *Inspector) Triaged(ctx context.Context, since time.Time) (all []record.Triaged, err error) {
	err = i.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return query(ctx, tx, selectTriaged, []any{record.Nanos(since)}, func(rows pgx.Rows) error {
			var t record.Triaged
			var doc []byte
			if err := rows.Scan(&doc, &t.Triage); err != nil {
				return err
			}
			t.Incident, err = record.Decode[alert.Incident](doc)
			all = append(all, t)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading past incidents: %w", err)
	}
	return all, nil
}

// Check reads the whole store, as of one time, and reports what is damaged. recoverable returns an
// error if a stored lane can't be continued. The server itself checks pages and references.
func (i *Inspector) Check(ctx context.Context, recoverable func(lane string, r alert.Recovery) error) (record.Report, error) {
	c := record.Checker{Report: record.Report{Version: newest(), Newest: newest()}}
	err := i.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := checkLanes(ctx, tx, &c, recoverable); err != nil {
			return err
		}
		return checkDocuments(ctx, tx, &c)
	})
	if err != nil {
		return record.Report{}, fmt.Errorf("checking %w", i.explainOpening(err))
	}
	return c.Report, nil
}

func checkLanes(ctx context.Context, tx pgx.Tx, c *record.Checker, recoverable func(string, alert.Recovery) error) error {
	var names []string
	err := query(ctx, tx, `SELECT name FROM lanes ORDER BY name`, nil, func(rows pgx.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	c.Lanes = len(names)
	for _, name := range names {
		if err != nil {
			break
		}
		var r alert.Recovery
		if r, err = load(ctx, tx, name); err == nil {
			if wrong := recoverable(name, r); wrong != nil {
				c.Wrongf("lane %q: %v", name, wrong)
			}
		}
	}
	return err
}

func checkDocuments(ctx context.Context, tx pgx.Tx, c *record.Checker) error {
	var id, other string
	var revision int
	var open bool
	var doc []byte
	const lost = `SELECT incident FROM publication_incidents pi JOIN publications p ON p.key = pi.publication
		WHERE NOT EXISTS (SELECT FROM incidents WHERE id = incident) AND summary::json ->> 'kind' IS DISTINCT FROM 'report' ORDER BY incident`
	for _, table := range []struct {
		text string
		scan []any
		look func()
	}{
		{`SELECT id, revision, ended IS NULL, doc FROM incidents ORDER BY id`, []any{&id, &revision, &open, &doc},
			func() { c.Incident(id, revision, open, doc) }},
		{`SELECT publication, incident FROM publication_incidents ORDER BY incident`, []any{&other, &id}, func() { c.Part(other, id) }},
		{`SELECT key, doc FROM publications ORDER BY key`, []any{&id, &doc}, func() { c.Publication(id, doc) }},
		{lost, []any{&id}, func() { c.Wrongf("incident %q has a publication, and is missing", id) }},
	} {
		err := query(ctx, tx, table.text, nil, func(rows pgx.Rows) error {
			err := rows.Scan(table.scan...)
			if err == nil {
				table.look()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
