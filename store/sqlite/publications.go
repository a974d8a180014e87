package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store/record"
)

// The queries of the publisher and the status pages. Each uses an index, because most incidents are
// old and posted. The + keeps SQLite from reading all incidents by onset just to avoid sorting a
// few.
const (
	selectBehind   = `SELECT doc FROM incidents WHERE revision > posted ORDER BY onset, id`
	selectOpen     = `SELECT doc FROM publications WHERE open_writes = 1 ORDER BY key`
	selectAuthors  = `SELECT DISTINCT doc ->> 'author' AS author FROM publications WHERE author <> '' ORDER BY author`
	selectExcluded = `SELECT i.doc FROM publications p INDEXED BY publications_excluded CROSS JOIN publication_incidents pi ON pi.publication = p.key
		CROSS JOIN incidents i ON i.id = pi.incident WHERE p.summary ->> 'excluded' IS NOT NULL ORDER BY +i.onset, i.id`
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
	insertIncidents = `INSERT INTO publication_incidents (incident, publication, posted, learned)
		SELECT value ->> 'incident', ?1, value ->> 'posted', value -> 'learned' FROM json_each(?2) WHERE true
		ON CONFLICT (incident) DO UPDATE SET posted = excluded.posted, learned = excluded.learned`
	markPosted = `UPDATE incidents SET posted = (SELECT i.posted FROM publication_incidents i WHERE i.incident = id) WHERE id IN (SELECT value ->> 'incident' FROM json_each(?2))`
)

// Behind implements issue.Store. An incident that is part of no publication is behind; publications
// are ordered by key.
func (s *Store) Behind(ctx context.Context) (incidents []alert.Incident, publications []issue.Publication, err error) {
	err = s.reading(ctx, func(tx *sql.Tx) error {
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
	err = s.reading(ctx, func(tx *sql.Tx) error {
		found, err := documents[issue.Publication](ctx, tx, `SELECT p.doc FROM publication_incidents i JOIN publications p ON p.key = i.publication
			WHERE i.incident = ?`, incident)
		if ok = len(found) > 0; ok {
			p = found[0]
		}
		return err
	})
	if err != nil {
		return issue.Publication{}, false, fmt.Errorf("reading the publication of incident %s: %w", incident, err)
	}
	return p, ok, nil
}

// Save implements issue.Store. An incident that is part of another publication is an error. It
// returns alert.ErrFenced if this store was acquired, and another process has acquired it since.
func (s *Store) Save(ctx context.Context, p issue.Publication) error {
	doc, err := json.Marshal(p)
	if err == nil {
		err = s.writing(ctx, func(tx *sql.Tx) error {
			if err := s.fence.check(ctx, tx); err != nil {
				return err
			}
			return save(ctx, tx, p, doc)
		})
	}
	if err != nil {
		return fmt.Errorf("saving publication %s: %w", p.Key, err)
	}
	return nil
}

// save writes a publication and its parts.
func save(ctx context.Context, tx *sql.Tx, p issue.Publication, doc []byte) error {
	summary, err := json.Marshal(p.Summary())
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, upsertPublication, p.Key, p.Group, p.Repository, !p.IsSettled(), string(doc), string(summary)); err != nil {
		return err
	}
	parts, err := json.Marshal(record.Parts(p))
	if err != nil {
		return err
	}
	list := string(parts)
	var taken, by string
	switch err := tx.QueryRowContext(ctx, selectTaken, p.Key, list).Scan(&taken, &by); {
	case err == nil:
		return record.Taken(taken, by)
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

// Incidents implements issue.Store. An open incident's end counts as after any time.
func (s *Store) Incidents(ctx context.Context, since time.Time) ([]alert.Incident, error) {
	return s.incidents(ctx, "reading incidents", selectIncidents, record.Nanos(since))
}

// ExcludedIncidents returns the incidents that people excluded, oldest onset first.
func (s *Store) ExcludedIncidents(ctx context.Context) ([]alert.Incident, error) {
	return s.incidents(ctx, "reading excluded incidents", selectExcluded)
}

// Authors returns all accounts that posted publications. It reads all publications, so call it
// once, at the start.
func (s *Store) Authors(ctx context.Context) (authors []string, err error) {
	err = s.reading(ctx, func(tx *sql.Tx) error {
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
		v, err := record.Decode[T](doc)
		found = append(found, v)
		return err
	})
	return found, err
}
