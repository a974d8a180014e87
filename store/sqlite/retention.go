package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/store/record"
)

// The statements that drop old incidents; ?1 is a time that they ended before, or a JSON array.
const (
	selectOld = `SELECT i.id, p.publication FROM incidents i JOIN publication_incidents p ON p.incident = i.id
		WHERE i.ended < ?1 AND i.revision <= i.posted ORDER BY i.ended`
	// A storm or a digest is kept while one of its incidents is.
	selectWhole = `SELECT p.open_writes = 0 AND NOT EXISTS (SELECT 1 FROM publication_incidents o JOIN incidents i ON i.id = o.incident
		WHERE o.publication = p.key AND (i.ended IS NULL OR i.ended >= ?1 OR i.revision > i.posted)) FROM publications p WHERE p.key = ?2`
	deleteParts        = `DELETE FROM publication_incidents WHERE incident IN (SELECT value FROM json_each(?1))`
	deleteOld          = `DELETE FROM incidents WHERE id IN (SELECT value FROM json_each(?1))`
	deletePublications = `DELETE FROM publications WHERE key IN (SELECT value FROM json_each(?1))
		AND NOT EXISTS (SELECT 1 FROM publication_incidents p WHERE p.publication = publications.key)`
)

var errEnough = errors.New("enough found")

// DropIncidents removes at most `most` incidents that ended before a time, earliest end first, and
// publications that include no others. It returns how many incidents it removed; fewer than `most`
// means that no more are left.
//
// An incident stays while it is unfinished: it is open, its newest revision is not posted, its
// publication has a write under way, or its publication includes an incident that stays. Only the
// process that acquired the store last may drop; others get alert.ErrFenced.
func (s *Store) DropIncidents(ctx context.Context, endedBefore time.Time, most int) (dropped int, err error) {
	err = s.writing(ctx, func(tx *sql.Tx) error {
		if err := s.fence.checkOwn(ctx, tx); err != nil {
			return err
		}
		incidents, publications, err := findOld(ctx, tx, record.Nanos(endedBefore), most)
		if err != nil || len(incidents) == 0 {
			return err
		}
		dropped = len(incidents)
		for _, step := range []struct {
			text string
			of   []string
		}{{deleteParts, incidents}, {deleteOld, incidents}, {deletePublications, publications}} {
			list, err := json.Marshal(step.of)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, step.text, string(list)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("dropping incidents that ended before %s: %w", endedBefore.Format(time.RFC3339), err)
	}
	return dropped, nil
}

// findOld returns the incidents to drop, and their publications.
func findOld(ctx context.Context, tx *sql.Tx, before int64, most int) (incidents, publications []string, err error) {
	whole := map[string]bool{} // whether a whole publication may go, by key
	err = query(ctx, tx, selectOld, []any{before}, func(rows *sql.Rows) error {
		if len(incidents) == most {
			return errEnough
		}
		var incident, publication string
		if err := rows.Scan(&incident, &publication); err != nil {
			return err
		}
		may, known := whole[publication]
		if !known {
			if err := tx.QueryRowContext(ctx, selectWhole, before, publication).Scan(&may); err != nil {
				return err
			}
			if whole[publication] = may; may {
				publications = append(publications, publication)
			}
		}
		if may {
			incidents = append(incidents, incident)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return incidents, publications, err
}
