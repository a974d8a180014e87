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
	"github.com/postburn/postburn/slo"
)

const selectTriaged = `SELECT i.doc, coalesce(p.doc ->> 'triage', '') FROM incidents i
	LEFT JOIN publication_incidents pi ON pi.incident = i.id LEFT JOIN publications p ON p.key = pi.publication
	WHERE i.onset > ?1 OR i.ended > ?1 OR i.ended IS NULL ORDER BY +i.onset DESC, i.id`

// Triaged is an incident, and what people did with its issue; empty if it has none.
type Triaged struct {
	alert.Incident
	Triage issue.Triage
}

// ReadTriage returns the incidents with an onset or an end after `since` of the store at path,
// newest onset first. It writes nothing, and may run while a daemon has the store open.
//
// The error is a *store.Error if there is no store at path, or none that this postburn knows.
func ReadTriage(ctx context.Context, path string, since time.Time) (all []Triaged, err error) {
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
		return query(ctx, tx, selectTriaged, []any{nanos(since)}, func(rows *sql.Rows) error {
			var t Triaged
			var doc []byte
			if err := rows.Scan(&doc, &t.Triage); err != nil {
				return err
			}
			if err := json.Unmarshal(doc, &t.Incident); err != nil {
				return fmt.Errorf("decoding %.200s: %w: %w", doc, slo.ErrCorrupt, err)
			}
			all = append(all, t)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading %w", explainOpening(path, err))
	}
	return all, nil
}
