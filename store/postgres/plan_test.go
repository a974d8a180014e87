//go:build e2e

package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/record"
)

// fill makes a store as large as one after two years: 20,000 incidents, four of them open and two
// behind, 32 lanes with the samples of six hours, and the days of 200 objectives.
const fill = `
	INSERT INTO lanes (name, cursor) SELECT n, 0 FROM generate_series(1, 32) n;
	INSERT INTO samples SELECT id, tick, '' FROM lanes, generate_series(1, 720) tick;
	INSERT INTO checkpoints SELECT id, part, 100, '' FROM lanes, unnest(ARRAY['roster', 'state', 'history']) part;
	INSERT INTO incidents (id, revision, posted, incident_group, repository, onset, ended, doc)
		SELECT n, 1, CASE WHEN n > 19998 THEN 0 ELSE 1 END, n % 50, '', n * 10, CASE WHEN n > 19996 THEN NULL ELSE n * 10 + 15 END, repeat('x', 1000) FROM generate_series(1, 20000) n;
	INSERT INTO publications (key, publication_group, repository, author, open_writes, excluded, summary, doc)
		SELECT n, '', '', 'robot', n > 19998, n % 2000 = 0, '{}', repeat('x', 1000) FROM generate_series(1, 20000) n;
	INSERT INTO publication_incidents SELECT n, n, 1, repeat('x', 500) FROM generate_series(1, 20000) n;
	INSERT INTO series (slo, labels, measures, service, target) SELECT n, '', '', '', 0.9 FROM generate_series(1, 200) n;
	INSERT INTO days SELECT id, day, 1, 1, 1, 1, true FROM series, generate_series(1, 700) day;
	ANALYZE`

// TestQueryPlans checks that no query reads a whole table, as tables only grow.
func TestQueryPlans(t *testing.T) {
	s := openAt(t, newDatabase(t))
	if _, err := s.pool.Exec(t.Context(), fill, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	wholeTable := regexp.MustCompile(`Seq Scan on (incidents|publications|publication_incidents|samples|days)\b`)
	one := []string{"100"}
	first, firstArgs := pageQuery(alert.IncidentPage{Limit: 50})
	timed, timedArgs := pageQuery(alert.IncidentPage{Start: record.Time(100_000), End: record.Time(110_000), Limit: 50})
	group, groupArgs := pageQuery(alert.IncidentPage{Group: "7", Limit: 50})
	for name, tc := range map[string]struct {
		text string
		args []any
		want string
	}{
		"incidents behind":     {selectBehind, nil, "incidents_behind"},
		"open writes":          {selectOpen, nil, "publications_open"},
		"excluded incidents":   {selectExcluded, nil, "publications_excluded"},
		"publication":          {selectPublication, []any{"100"}, "publication_incidents_pkey"},
		"incidents since":      {selectIncidents, []any{199_000}, "incidents_by_onset"},
		"open incidents":       {selectOpenIncidents, nil, "incidents_"},
		"incidents by ID":      {selectByID, []any{one}, "incidents_pkey"},
		"summaries":            {selectSummaries, []any{one}, "publications_pkey"},
		"old incidents":        {selectOld, []any{1000, 100}, "incidents_by_end"},
		"dropped parts":        {deleteParts, []any{one}, "publication_incidents_pkey"},
		"dropped incidents":    {deleteOld, []any{one}, "incidents_pkey"},
		"dropped publications": {deletePublications, []any{one}, "publication_incidents_by_publication"},
		"old samples":          {prune, []any{[]int64{1, 2}, []int64{16, 16}}, "samples_pkey"},
		"lanes":                {lockLanes, []any{one}, "lanes"},
		"mark posted":          {markPosted, []any{one, []int64{1}}, "incidents_pkey"},
		"leave":                {leaveIncidents, []any{"100", one}, "publication_incidents_by_publication"},
		"taken":                {selectTaken, []any{"100", one}, "publication_incidents_pkey"},
		"taken out":            {deleteIncidents, []any{"100", one}, "publication_incidents_by_publication"},
		"recorded incidents":   {selectLearned, []any{1000, 2000}, "incidents_by_onset"},
		"days":                 {selectDays, []any{690, 700}, "days_pkey"},
		"old days":             {deleteDays, []any{10}, "days_pkey"},
		"samples since":        {selectSamples, []any{1, 700}, "samples_pkey"},
		"the first page":       {first, firstArgs, "Index Scan using incidents_by_onset on incidents"},
		"a page of a time":     {timed, timedArgs, "Index Scan using incidents_by_onset on incidents"},
		"a page of a group":    {group, groupArgs, "Index Scan using incidents_by_group on incidents"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := explainPlan(t, s, tc.text, tc.args)
			if !strings.Contains(plan, tc.want) {
				t.Errorf("the plan has no %q:\n%s", tc.want, plan)
			}
			if wholeTable.MatchString(plan) {
				t.Errorf("all of a table is read:\n%s", plan)
			}
			if strings.Contains(name, "page") && (!strings.Contains(plan, "incidents_by_length") || strings.Contains(plan, "Sort")) {
				t.Errorf("a page is sorted, or has no bound:\n%s", plan)
			}
		})
	}
}

func explainPlan(t *testing.T, s *Store, text string, args []any) string {
	t.Helper()
	var plan strings.Builder
	err := s.transact(t.Context(), pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		return query(ctx, tx, "EXPLAIN "+text, args, func(rows pgx.Rows) error {
			fmt.Fprintf(&plan, "%s\n", rows.RawValues()[0])
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// BenchmarkCommit commits 64 KiB of samples a tick and lane, with a state every 120th tick and a
// history of 1 MiB every 720th, as that of package sqlite does.
func BenchmarkCommit(b *testing.B) {
	own := startServer(b)
	for _, lanes := range []int{1, 32} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			name, err := own.Create()
			if err != nil {
				b.Fatal(err)
			}
			s := openAt(b, own.URL(name))
			fence, err := s.Acquire(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			content := make([]byte, 1<<20)
			random := rand.NewChaCha8([32]byte{1})
			random.Read(content) // as if compressed
			samples := content[:64<<10]
			for n := 0; b.Loop(); n++ {
				var batches []alert.Batch
				for lane := range lanes {
					batch := tickBatch(fence, fmt.Sprint(lane), n)
					batch.Samples = samples
					if at := n + lane*23; at%120 == 0 {
						batch.Checkpoint = &alert.Checkpoint{State: samples}
						if at%720 == 0 {
							batch.Checkpoint.History = content
						}
					}
					batches = append(batches, batch)
				}
				if err := s.Commit(b.Context(), batches); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
