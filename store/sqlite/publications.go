package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// The queries of the publisher and the status pages. Each has an index to go by: most incidents are
// old, and posted. The + keeps SQLite from reading all incidents in the order of their onsets,
// which saves it the sorting of a few.
const (
	selectBehind    = `SELECT doc FROM incidents WHERE revision > posted ORDER BY onset, id`
	selectOpen      = `SELECT doc FROM publications WHERE open_writes = 1 ORDER BY key`
	selectAuthors   = `SELECT DISTINCT doc ->> 'author' AS author FROM publications WHERE author <> '' ORDER BY author`
	selectIncidents = `SELECT doc FROM incidents WHERE onset > ?1 OR ended > ?1 OR ended IS NULL ORDER BY +onset DESC, id`
)

// The statements of Save; ?1 is the publication's key, ?2 a JSON array of its parts.
const (
	upsertPublication = `INSERT INTO publications (key, publication_group, repository, open_writes, doc, summary) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET publication_group = excluded.publication_group, repository = excluded.repository,
			open_writes = excluded.open_writes, doc = excluded.doc, summary = excluded.summary`
	selectTaken = `SELECT incident, publication FROM publication_incidents
		WHERE publication <> ?1 AND incident IN (SELECT value ->> 'incident' FROM json_each(?2)) LIMIT 1`
	leaveIncidents = `UPDATE incidents SET posted = 0 WHERE id IN (SELECT incident FROM publication_incidents
		WHERE publication = ?1 AND incident NOT IN (SELECT value ->> 'incident' FROM json_each(?2)))`
	deleteIncidents = `DELETE FROM publication_incidents WHERE publication = ?1 AND incident NOT IN (SELECT value ->> 'incident' FROM json_each(?2))`
	insertIncidents = `INSERT INTO publication_incidents (incident, publication, posted) SELECT value ->> 'incident', ?1, value ->> 'posted' FROM json_each(?2) WHERE true
		ON CONFLICT (incident) DO UPDATE SET posted = excluded.posted`
	markPosted = `UPDATE incidents SET posted = (SELECT i.posted FROM publication_incidents i WHERE i.incident = id) WHERE id IN (SELECT value ->> 'incident' FROM json_each(?2))`
)

// Behind implements issue.Store. An incident that is part of no publication is behind; publications
// are ordered by key.
func (s *Store) Behind(ctx context.Context) (incidents []alert.Incident, publications []issue.Publication, err error) {
	err = transact(ctx, s.reader, func(tx *sql.Tx) error {
		if incidents, err = documents[alert.Incident](ctx, tx, selectBehind); err != nil {
			return err
		}
		publications, err = documents[issue.Publication](ctx, tx, selectOpen)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading what is to be published: %w", err)
	}
	return incidents, publications, nil
}

// Publication implements issue.Store.
func (s *Store) Publication(ctx context.Context, incident string) (p issue.Publication, ok bool, err error) {
	var doc []byte
	err = s.reader.QueryRowContext(ctx, `SELECT p.doc FROM publication_incidents i JOIN publications p ON p.key = i.publication
		WHERE i.incident = ?`, incident).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return issue.Publication{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &p)
	}
	if err != nil {
		return issue.Publication{}, false, fmt.Errorf("reading the publication of incident %s: %w", incident, err)
	}
	return p, true, nil
}

// Save implements issue.Store. An incident that is part of another publication is an error. It
// returns alert.ErrFenced where this store was acquired, and another process has acquired it since.
func (s *Store) Save(ctx context.Context, p issue.Publication) error {
	doc, err := json.Marshal(p)
	if err == nil {
		err = transact(ctx, s.writer, func(tx *sql.Tx) error { return s.save(ctx, tx, p, doc) })
	}
	if err != nil {
		return fmt.Errorf("saving publication %s: %w", p.Key, err)
	}
	return nil
}

// checkFence returns alert.ErrFenced where this store was acquired, and another process has
// acquired it since.
func (s *Store) checkFence(ctx context.Context, tx *sql.Tx) error {
	fence, err := currentFence(ctx, tx)
	if err != nil {
		return err
	}
	if own := s.fence.Load(); own != 0 && own != fence {
		return fmt.Errorf("fence %d, now %d: %w", own, fence, alert.ErrFenced)
	}
	return nil
}

func (s *Store) save(ctx context.Context, tx *sql.Tx, p issue.Publication, doc []byte) error {
	if err := s.checkFence(ctx, tx); err != nil {
		return err
	}
	summary, err := json.Marshal(p.Summary())
	if err != nil {
		return err
	}
	open := slices.ContainsFunc(p.Writes, func(w issue.Write) bool { return w.State != issue.Posted && w.State != issue.Gone })
	if _, err := tx.ExecContext(ctx, upsertPublication, p.Key, p.Group, p.Repository, open, string(doc), string(summary)); err != nil {
		return err
	}
	parts, err := json.Marshal(append([]issue.Part{}, p.Parts...)) // never null
	if err != nil {
		return err
	}
	list := string(parts)
	var taken, by string
	switch err := tx.QueryRowContext(ctx, selectTaken, p.Key, list).Scan(&taken, &by); {
	case err == nil:
		return fmt.Errorf("incident %s is part of publication %s", taken, by)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	for _, text := range []string{leaveIncidents, deleteIncidents, insertIncidents, markPosted} {
		if _, err := tx.ExecContext(ctx, text, p.Key, list); err != nil {
			return err
		}
	}
	return nil
}

// Incidents implements issue.Store. The end of an incident that is open is still to come, so that
// it is after any time.
func (s *Store) Incidents(ctx context.Context, since time.Time) ([]alert.Incident, error) {
	return s.incidents(ctx, "reading incidents", selectIncidents, nanos(since))
}

// Authors returns all that publications were posted as. It reads all publications: it is asked
// once, at the start.
func (s *Store) Authors(ctx context.Context) (authors []string, err error) {
	err = transact(ctx, s.reader, func(tx *sql.Tx) error {
		return query(ctx, tx, selectAuthors, nil, func(rows *sql.Rows) error {
			var author string
			if err := rows.Scan(&author); err != nil {
				return err
			}
			authors = append(authors, author)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading as whom was published: %w", err)
	}
	return authors, nil
}

// documents decodes the JSON documents that a query returns.
func documents[T any](ctx context.Context, tx *sql.Tx, text string, args ...any) (found []T, err error) {
	err = query(ctx, tx, text, args, func(rows *sql.Rows) error {
		var doc []byte
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal(doc, &v); err != nil {
			return fmt.Errorf("decoding %.200s: %w", doc, err)
		}
		found = append(found, v)
		return nil
	})
	return found, err
}
