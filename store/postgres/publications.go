package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store/record"
)

// The queries of the publisher and the status pages. Each uses an index, because most incidents are
// old and posted.
const (
	selectBehind      = `SELECT doc FROM incidents WHERE revision > posted ORDER BY onset, id`
	selectOpen        = `SELECT doc FROM publications WHERE open_writes ORDER BY key`
	selectAuthors     = `SELECT DISTINCT author FROM publications WHERE author > '' ORDER BY author`
	selectPublication = `SELECT p.doc FROM publication_incidents i JOIN publications p ON p.key = i.publication WHERE i.incident = $1`
	selectExcluded    = `SELECT i.doc FROM publications p JOIN publication_incidents pi ON pi.publication = p.key
		JOIN incidents i ON i.id = pi.incident WHERE p.excluded ORDER BY i.onset, i.id`
	selectIncidents = `SELECT doc FROM incidents WHERE onset > $1 OR ended > $1 OR ended IS NULL ORDER BY onset DESC, id`
)

// The statements of Save; $1 is the publication's key, $2 its incidents.
const (
	upsertPublication = `INSERT INTO publications (key, publication_group, repository, author, open_writes, excluded, summary, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (key) DO UPDATE SET publication_group = excluded.publication_group, repository = excluded.repository, author = excluded.author,
			open_writes = excluded.open_writes, excluded = excluded.excluded, summary = excluded.summary, doc = excluded.doc`
	selectTaken    = `SELECT incident, publication FROM publication_incidents WHERE publication <> $1 AND incident = ANY($2::text[]) LIMIT 1`
	leaveIncidents = `UPDATE incidents SET posted = 0 WHERE id IN (SELECT incident FROM publication_incidents
		WHERE publication = $1 AND incident <> ALL($2::text[]))`
	deleteIncidents = `DELETE FROM publication_incidents WHERE publication = $1 AND incident <> ALL($2::text[])`
	insertIncidents = `INSERT INTO publication_incidents (incident, publication, posted, learned)
		SELECT incident, $1, posted, learned FROM unnest($2::text[], $3::bigint[], $4::text[]) AS part (incident, posted, learned)
		ON CONFLICT (incident) DO UPDATE SET posted = excluded.posted, learned = excluded.learned`
	markPosted = `UPDATE incidents SET posted = part.posted FROM unnest($1::text[], $2::bigint[]) AS part (incident, posted) WHERE id = part.incident`
)

// Behind implements issue.Store. An incident that is part of no publication is behind; publications
// are ordered by key.
func (s *Store) Behind(ctx context.Context) (incidents []alert.Incident, publications []issue.Publication, err error) {
	err = s.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
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
	err = s.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err := documents[issue.Publication](ctx, tx, selectPublication, incident)
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
// returns alert.ErrFenced to a daemon that is not the one that publishes.
func (s *Store) Save(ctx context.Context, p issue.Publication) error {
	doc, err := json.Marshal(p)
	var row publicationRow
	if err == nil {
		row, err = newPublicationRow(p, doc)
	}
	if err == nil {
		err = s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error { return row.save(ctx, tx, s.fence) })
	}
	if err != nil {
		return fmt.Errorf("saving publication %s: %w", p.Key, err)
	}
	return nil
}

// publicationRow is a publication as its rows hold it.
type publicationRow struct {
	issue.Publication
	doc, summary string
	incidents    []string // of its parts, as are the following
	posted       []int64
	learned      []string
}

func newPublicationRow(p issue.Publication, doc []byte) (publicationRow, error) {
	row := publicationRow{Publication: p, doc: string(doc), incidents: []string{}} // not NULL
	var errs []error
	encode := func(v any) string {
		text, err := json.Marshal(v)
		errs = append(errs, err)
		return string(text)
	}
	row.summary = encode(p.Summary())
	for _, part := range record.Parts(p) {
		row.incidents = append(row.incidents, part.Incident)
		row.posted = append(row.posted, int64(part.Posted))
		row.learned = append(row.learned, encode(part.Learned))
	}
	return row, errors.Join(errs...)
}

func (p publicationRow) save(ctx context.Context, tx pgx.Tx, f *fence) error {
	look := &pgx.Batch{}
	queuePublishing(look, f.check)
	look.Queue(selectTaken, p.Key, p.incidents).Query(func(rows pgx.Rows) error {
		var taken, by string
		if !rows.Next() {
			return rows.Err()
		}
		if err := rows.Scan(&taken, &by); err != nil {
			return err
		}
		return record.Taken(taken, by)
	})
	if err := tx.SendBatch(ctx, look).Close(); err != nil {
		return err
	}
	b := &pgx.Batch{}
	p.queue(b)
	return tx.SendBatch(ctx, b).Close()
}

// queue adds writing the publication and its parts.
func (p publicationRow) queue(b *pgx.Batch) {
	b.Queue(upsertPublication, p.Key, storable(p.Group), storable(p.Repository), storable(p.Author), !p.IsSettled(), p.Excluded != nil, p.summary, p.doc)
	b.Queue(leaveIncidents, p.Key, p.incidents)
	b.Queue(deleteIncidents, p.Key, p.incidents)
	b.Queue(insertIncidents, p.Key, p.incidents, p.posted, p.learned)
	b.Queue(markPosted, p.incidents, p.posted)
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
	err = s.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return query(ctx, tx, selectAuthors, nil, func(rows pgx.Rows) error {
			var author string
			err := rows.Scan(&author)
			authors = append(authors, author)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading as whom was published: %w", err)
	}
	return authors, nil
}
