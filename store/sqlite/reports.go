package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// selectLearned reads the incidents of a time, with what is learned of their publications.
const selectLearned = `SELECT i.doc, p.publication, p.learned FROM incidents i LEFT JOIN publication_incidents p ON p.incident = i.id
	WHERE i.onset >= ?1 AND i.onset < ?2 ORDER BY i.onset, i.id`

// Recorded returns what reports are made of, as of one time: objectives' days and incidents, by
// onset, from start on and before end; and what is learned of incidents that are published, by ID.
// It does not hold up commits.
func (s *Store) Recorded(ctx context.Context, start, end time.Time) ([]alert.Days, []alert.Incident, map[string]issue.Learned, error) {
	return Recorder{s.reading}.Recorded(ctx, start, end)
}

// Recorder reads what reports are made of.
type Recorder struct {
	reading func(ctx context.Context, do func(*sql.Tx) error) error
}

// Inspect calls do with a reader of the store at path, which a daemon may have open. It writes
// nothing, so it does not upgrade an older store either: that is an error.
func Inspect(ctx context.Context, path string, do func(Recorder) error) error {
	db, err := openReadOnly(ctx, path)
	if err != nil {
		return fmt.Errorf("reading %w", err)
	}
	defer db.Close()
	return do(Recorder{func(ctx context.Context, do func(*sql.Tx) error) error {
		err := transact(ctx, db, func(tx *sql.Tx) error {
			switch have, err := version(ctx, path, tx); {
			case err != nil:
				return err
			case have < newest():
				return errorf(path, store.Unsupported, "an older postburn wrote it: its schema has version %d, and this needs version %d; start `postburn run`, which upgrades it",
					have, newest())
			}
			return do(tx)
		})
		return explainOpening(path, err)
	}})
}

// Recorded is like Store.Recorded.
func (r Recorder) Recorded(ctx context.Context, start, end time.Time) (days []alert.Days, incidents []alert.Incident, learned map[string]issue.Learned, err error) {
	err = r.reading(ctx, func(tx *sql.Tx) error {
		if days, err = readDays(ctx, tx, start, end); err != nil {
			return err
		}
		read := record.Learned{ByID: map[string]issue.Learned{}}
		err := readLearned(ctx, tx, start, end, &read)
		incidents, learned = read.Incidents, read.ByID
		return err
	})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading for a report: %w", err)
	}
	return days, incidents, learned, nil
}

func readLearned(ctx context.Context, tx *sql.Tx, start, end time.Time, into *record.Learned) error {
	older := map[string]bool{} // publications to read, as older postburns wrote them
	err := query(ctx, tx, selectLearned, []any{record.Nanos(start), record.Nanos(end)}, func(rows *sql.Rows) error {
		var doc, learned []byte
		var publication sql.NullString
		if err := rows.Scan(&doc, &publication, &learned); err != nil {
			return err
		}
		if learned == nil && publication.Valid {
			older[publication.String] = true
		}
		return into.Add(doc, learned)
	})
	for key := range older {
		if err != nil {
			break
		}
		err = learnFrom(ctx, tx, key, into.ByID)
	}
	return err
}

// learnFrom adds what is learned of a publication's incidents, from its document.
func learnFrom(ctx context.Context, tx *sql.Tx, key string, learned map[string]issue.Learned) error {
	found, err := documents[issue.Publication](ctx, tx, `SELECT doc FROM publications WHERE key = ?`, key)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("a publication is missing: " + key)
	}
	for _, p := range record.Parts(found[0]) {
		learned[p.Incident] = p.Learned
	}
	return nil
}
