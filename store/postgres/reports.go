package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store/record"
)

// selectLearned reads the incidents of a time, with what is learned of their publications.
const selectLearned = `SELECT i.doc, p.learned FROM incidents i LEFT JOIN publication_incidents p ON p.incident = i.id
	WHERE i.onset >= $1 AND i.onset < $2 ORDER BY i.onset, i.id`

// Recorded returns what reports are made of, as of one time: objectives' days and incidents, by
// onset, from start on and before end; and what is learned of incidents that are published, by ID.
// It does not hold up commits.
func (d *database) Recorded(ctx context.Context, start, end time.Time) (days []alert.Days, incidents []alert.Incident, learned map[string]issue.Learned, err error) {
	read := record.Learned{ByID: map[string]issue.Learned{}}
	err = d.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if days, err = readDays(ctx, tx, start, end); err != nil {
			return err
		}
		return query(ctx, tx, selectLearned, []any{record.Nanos(start), record.Nanos(end)}, func(rows pgx.Rows) error {
			var doc, learned []byte
			if err := rows.Scan(&doc, &learned); err != nil {
				return err
			}
			return read.Add(doc, learned)
		})
	})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading for a report: %w", err)
	}
	return days, read.Incidents, read.ByID, nil
}
