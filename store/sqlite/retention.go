package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
)

// The statements that drop old incidents; ?1 is the time before which they ended, or a JSON array.
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

// DropIncidents removes incidents that ended before a time, those that ended first first, `most` of
// them at most, and publications that are for no other. It returns how many incidents it removed;
// fewer than `most` means that no more are to go.
//
// An incident stays while something of it is unfinished: it is open, its newest revision is not
// posted, a write of its publication is under way, or its publication is for an incident that
// stays. Only the process that acquired the store last may drop: for others it returns
// alert.ErrFenced.
func (s *Store) DropIncidents(ctx context.Context, endedBefore time.Time, most int) (dropped int, err error) {
	err = transact(ctx, s.writer, func(tx *sql.Tx) error {
		if s.fence.Load() == 0 {
			return fmt.Errorf("the store was not acquired: %w", alert.ErrFenced)
		}
		if err := s.checkFence(ctx, tx); err != nil {
			return err
		}
		incidents, publications, err := findOld(ctx, tx, nanos(endedBefore), most)
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

// findOld returns the incidents to drop, and the publications that they are part of.
func findOld(ctx context.Context, tx *sql.Tx, before int64, most int) (incidents, publications []string, err error) {
	whole := map[string]bool{} // whether all of a publication may go, by its key
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
