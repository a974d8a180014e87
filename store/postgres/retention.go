package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/store/record"
)

// The statements that drop old incidents.
const (
	// A storm or a digest is kept while one of its incidents is.
	selectOld = `SELECT i.id, p.key FROM incidents i JOIN publication_incidents pi ON pi.incident = i.id JOIN publications p ON p.key = pi.publication
		WHERE i.ended < $1 AND i.revision <= i.posted AND NOT p.open_writes AND NOT EXISTS (
			SELECT FROM publication_incidents o JOIN incidents j ON j.id = o.incident
			WHERE o.publication = p.key AND (j.ended IS NULL OR j.ended >= $1 OR j.revision > j.posted))
		ORDER BY i.ended, i.id LIMIT $2`
	deleteParts        = `DELETE FROM publication_incidents WHERE incident = ANY($1::text[])`
	deleteOld          = `DELETE FROM incidents WHERE id = ANY($1::text[])`
	deletePublications = `DELETE FROM publications WHERE key = ANY($1::text[])
		AND NOT EXISTS (SELECT FROM publication_incidents p WHERE p.publication = publications.key)`
)

// DropIncidents removes at most `most` incidents that ended before a time, earliest end first, and
// publications that include no others. It returns how many incidents it removed; fewer than `most`
// means that no more are left.
//
// An incident stays while it is unfinished: it is open, its newest revision is not posted, its
// publication has a write under way, or its publication includes an incident that stays. Only the
// daemon that publishes may drop; others get alert.ErrFenced.
func (s *Store) DropIncidents(ctx context.Context, endedBefore time.Time, most int) (dropped int, err error) {
	err = s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := s.fence.lock(ctx, tx, s.fence.checkOwn); err != nil {
			return err
		}
		var incidents, publications []string
		err := query(ctx, tx, selectOld, []any{record.Nanos(endedBefore), most}, func(rows pgx.Rows) error {
			var incident, publication string
			err := rows.Scan(&incident, &publication)
			incidents, publications = append(incidents, incident), append(publications, publication)
			return err
		})
		if dropped = len(incidents); err != nil || dropped == 0 {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(deleteParts, incidents)
		b.Queue(deleteOld, incidents)
		b.Queue(deletePublications, publications)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("dropping incidents that ended before %s: %w", endedBefore.Format(time.RFC3339), err)
	}
	return dropped, nil
}
