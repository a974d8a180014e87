package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

const selectTriaged = `SELECT i.doc, coalesce(p.doc ->> 'triage', '') FROM incidents i
	LEFT JOIN publication_incidents pi ON pi.incident = i.id LEFT JOIN publications p ON p.key = pi.publication
	WHERE i.onset > ?1 OR i.ended > ?1 OR i.ended IS NULL ORDER BY +i.onset DESC, i.id`

// ReadTriage returns the incidents with an onset or an end after `since` of the store at path,
// newest onset first. It writes nothing, and may run while a daemon has the store open.
//
// The error is a *store.Error if there is no store at path, or none that this postburn knows.
func ReadTriage(ctx context.Context, path string, since time.Time) (all []record.Triaged, err error) {
	db, err := openReadOnly(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading %w", err)
	}
	defer db.Close()
	err = transact(ctx, db, func(tx *sql.Tx) error {
		if v, err := version(ctx, path, tx); err != nil {
			return err
		} else if v == 0 {
			return errors.New("the file is empty")
		}
		return query(ctx, tx, selectTriaged, []any{record.Nanos(since)}, func(rows *sql.Rows) error {
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
		return nil, fmt.Errorf("reading %w", explainOpening(path, err))
	}
	return all, nil
}
