package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/store/record"
)

// The queries of the pages and the API. None of them reads more if there are more incidents.
const (
	selectOpenIncidents = `SELECT doc FROM incidents WHERE ended IS NULL ORDER BY onset DESC, id`
	selectRecovered     = `SELECT doc FROM incidents WHERE ended IS NOT NULL` + onPage
	selectOfGroup       = `SELECT doc FROM incidents WHERE ended IS NOT NULL AND incident_group = $6` + onPage
	selectByID          = `SELECT doc FROM incidents WHERE id = ANY($1::text[]) ORDER BY onset DESC, id`
	selectSummaries     = `SELECT i.incident, p.summary FROM publication_incidents i JOIN publications p ON p.key = i.publication
		WHERE i.incident = ANY($1::text[])`

	// $1 is the page's start, $2 the latest onset, $3 and $4 the position before the page, $5 its
	// limit. An incident open at the start began at most the longest incident's duration earlier.
	// As float8 that is up to a microsecond off.
	onPage = ` AND ended > $1 AND onset <= $2 AND (onset < $3 OR id > $4)
		AND onset >= greatest('-9223372036854775808'::float8, $1::bigint::float8 - 1000 - coalesce((SELECT ended::float8 - onset::float8 FROM incidents
			WHERE ended IS NOT NULL ORDER BY ended::float8 - onset::float8 DESC LIMIT 1), 0))::bigint
		ORDER BY onset DESC, id LIMIT $5`
)

// OpenIncidents returns all incidents that are open, newest onset first.
func (s *Store) OpenIncidents(ctx context.Context) ([]alert.Incident, error) {
	return s.incidents(ctx, "reading open incidents", selectOpenIncidents)
}

// RecoveredIncidents returns a page of the incidents that are over. If it has fewer than the page's
// limit, there are no more.
func (s *Store) RecoveredIncidents(ctx context.Context, page alert.IncidentPage) ([]alert.Incident, error) {
	if page.Limit < 1 {
		return nil, fmt.Errorf("reading recovered incidents: the page's limit must be at least 1, not %d", page.Limit)
	}
	text, args := pageQuery(page)
	return s.incidents(ctx, "reading recovered incidents", text, args...)
}

// pageQuery returns the query for a page, and its arguments.
func pageQuery(page alert.IncidentPage) (text string, args []any) {
	latest, after := int64(math.MaxInt64), int64(math.MaxInt64)
	if !page.End.IsZero() {
		latest = record.Nanos(page.End.Add(-time.Nanosecond))
	}
	if page.After != (alert.IncidentPosition{}) {
		after = record.Nanos(page.After.Onset)
	}
	args = []any{record.Nanos(page.Start), min(latest, after), after, page.After.ID, page.Limit}
	if page.Group != "" {
		return selectOfGroup, append(args, storable(page.Group))
	}
	return selectRecovered, args
}

// IncidentsByID implements issue.Store.
func (s *Store) IncidentsByID(ctx context.Context, ids []string) ([]alert.Incident, error) {
	return s.incidents(ctx, "reading incidents by ID", selectByID, ids)
}

func (s *Store) incidents(ctx context.Context, doing, text string, args ...any) (found []alert.Incident, err error) {
	err = s.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err = documents[alert.Incident](ctx, tx, text, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return found, nil
}

// Summaries returns what lists show of the incidents' publications, by incident ID. An incident
// without a publication is not in the map.
func (s *Store) Summaries(ctx context.Context, incidents []string) (map[string]issue.Summary, error) {
	found := map[string]issue.Summary{}
	err := s.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return query(ctx, tx, selectSummaries, []any{incidents}, func(rows pgx.Rows) error {
			var id string
			var text []byte
			if err := rows.Scan(&id, &text); err != nil {
				return err
			}
			summary, err := record.Decode[issue.Summary](text)
			found[id] = summary
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading summaries of publications: %w", err)
	}
	return found, nil
}
