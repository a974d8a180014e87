package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// TestQueryPlans checks that no query reads a whole table, as tables only grow.
func TestQueryPlans(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	wholeTable := regexp.MustCompile(`SCAN (incidents|publications|publication_incidents|samples|checkpoints|days)\b`)
	small := regexp.MustCompile(`INDEX (incidents_behind|publications_open|publications_excluded)\b`)
	for name, tc := range map[string]struct {
		text string
		args []any
		want []string
	}{
		"incidents behind": {selectBehind, nil, []string{"SCAN incidents USING INDEX incidents_behind"}},
		"open writes":      {selectOpen, nil, []string{"SCAN publications USING INDEX publications_open"}},
		"excluded incidents": {selectExcluded, nil, []string{
			"SCAN p USING INDEX publications_excluded", "SEARCH pi USING COVERING INDEX publication_incidents_by_publication (publication=?)",
			"SEARCH i USING INDEX sqlite_autoindex_incidents_1 (id=?)",
		}},
		"incidents since": {selectIncidents, []any{1}, []string{
			"USING INDEX incidents_by_onset (onset>?)", "USING INDEX incidents_by_end (ended>?)", "USING INDEX incidents_by_end (ended=?)",
		}},
		"open incidents":  {selectOpenIncidents, nil, []string{"SEARCH incidents USING INDEX incidents_by_end (ended=?)"}},
		"incidents by ID": {selectByID, []any{"[]"}, []string{"INDEX sqlite_autoindex_incidents_1 (id=?)"}},
		"summaries": {selectSummaries, []any{"[]"}, []string{
			"SEARCH i USING PRIMARY KEY (incident=?)", "SEARCH p USING COVERING INDEX publications_summary (key=?)",
		}},
		"old incidents": {selectOld, []any{1}, []string{
			"SEARCH i USING INDEX incidents_by_end (ended<?)", "SEARCH p USING PRIMARY KEY (incident=?)",
		}},
		"whole publications":   {selectWhole, []any{1, "k"}, []string{"INDEX publication_incidents_by_publication (publication=?)", "SEARCH i USING INDEX sqlite_autoindex_incidents_1 (id=?)"}},
		"dropped parts":        {deleteParts, []any{"[]"}, []string{"publication_incidents USING PRIMARY KEY (incident=?)"}},
		"dropped incidents":    {deleteOld, []any{"[]"}, []string{"INDEX sqlite_autoindex_incidents_1 (id=?)"}},
		"dropped publications": {deletePublications, []any{"[]"}, []string{"INDEX publication_incidents_by_publication (publication=?)"}},
		"old samples": {prune, []any{1, 1}, []string{
			"INDEX sqlite_autoindex_samples_1 (lane=? AND tick<?)", "SEARCH samples USING INTEGER PRIMARY KEY (rowid=?)",
		}},
		"mark posted": {markPosted, []any{"k", "[]"}, []string{"INDEX sqlite_autoindex_incidents_1 (id=?)"}},
		"leave": {leaveIncidents, []any{"k", "[]"}, []string{
			"INDEX sqlite_autoindex_incidents_1 (id=?)", "INDEX publication_incidents_by_publication (publication=?)",
		}},
		"taken":     {selectTaken, []any{"k", "[]"}, []string{"publication_incidents USING PRIMARY KEY (incident=?)"}},
		"taken out": {deleteIncidents, []any{"k", "[]"}, []string{"INDEX publication_incidents_by_publication (publication=?)"}},
		"days":      {selectDays, []any{1, 2}, []string{"SEARCH days USING PRIMARY KEY (series=? AND day>? AND day<?)"}},
		"old days":  {deleteDays, []any{1}, []string{"SEARCH days USING PRIMARY KEY (series=? AND day<?)"}},
		"recorded incidents": {selectLearned, []any{1, 2}, []string{
			"SEARCH i USING INDEX incidents_by_onset (onset>? AND onset<?)", "SEARCH p USING PRIMARY KEY (incident=?)",
		}},
		"samples since": {selectSamples, []any{1, 1}, []string{"SEARCH samples USING INDEX sqlite_autoindex_samples_1 (lane=? AND tick>?)"}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := explainPlan(t, s, tc.text, tc.args)
			for _, want := range tc.want {
				if !strings.Contains(plan, want) {
					t.Errorf("the plan has no %q:\n%s", want, plan)
				}
			}
			for line := range strings.Lines(plan) {
				// An index of incidents that are behind or open holds nothing else.
				if wholeTable.MatchString(line) && !small.MatchString(line) {
					t.Errorf("all of a table is read: %s", line)
				}
			}
		})
	}
}

// TestPagePlans checks that a page is read in the order of an index, from where it begins to where
// it is full.
func TestPagePlans(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	for name, tc := range map[string]struct {
		page alert.IncidentPage
		want string
	}{
		"the first":     {alert.IncidentPage{Limit: 1}, "SEARCH incidents USING INDEX incidents_recovered (onset>? AND onset<?)"},
		"one of a time": {alert.IncidentPage{Start: tickTime(1), End: tickTime(2), Limit: 1}, "SEARCH incidents USING INDEX incidents_recovered (onset>? AND onset<?)"},
		"one of a group": {alert.IncidentPage{Group: "g", Limit: 1},
			"SEARCH incidents USING INDEX incidents_recovered_by_group (incident_group=? AND onset>? AND onset<?)"},
	} {
		t.Run(name, func(t *testing.T) {
			text, args := pageQuery(tc.page)
			plan := explainPlan(t, s, text, args)
			if !strings.Contains(plan, tc.want) || !strings.Contains(plan, "INDEX incidents_by_length") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("the plan is not as it should be:\n%s", plan)
			}
		})
	}
}

func explainPlan(t *testing.T, s *Store, text string, args []any) string {
	var plan strings.Builder
	err := transact(t.Context(), s.writer, func(tx *sql.Tx) error {
		return query(t.Context(), tx, "EXPLAIN QUERY PLAN "+text, args, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			fmt.Fprintln(&plan, detail)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// BenchmarkCommit commits 64 KiB of samples a tick and lane, with a state every 120th tick and a
// history of 1 MiB every 720th.
func BenchmarkCommit(b *testing.B) {
	for _, lanes := range []int{1, 32} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			s := openAt(b, filepath.Join(b.TempDir(), "postburn.db"))
			fence := acquire(b, s)
			samples := make([]byte, 64<<10)
			for n := 0; b.Loop(); n++ {
				var batches []alert.Batch
				for lane := range lanes {
					batch := tickBatch(fence, fmt.Sprint(lane), n)
					batch.Samples = samples
					if at := n + lane*23; at%120 == 0 {
						batch.Checkpoint = &alert.Checkpoint{State: samples}
						if at%720 == 0 {
							batch.Checkpoint.History = make([]byte, 1<<20)
						}
					}
					batches = append(batches, batch)
				}
				commit(b, s, batches...)
			}
		})
	}
}

// BenchmarkBehind looks for incidents to publish among old published ones.
func BenchmarkBehind(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "postburn.db"))
	fence := acquire(b, s)
	const old = 100_000
	batch := tickBatch(fence, "a", 0)
	storm := issue.Publication{Key: "0"}
	for n := range old {
		batch.Incidents = append(batch.Incidents, testIncident(fmt.Sprint(n), 2))
		storm.Parts = append(storm.Parts, issue.Part{Incident: fmt.Sprint(n), Posted: 2})
	}
	commit(b, s, batch)
	if err := s.Save(b.Context(), storm); err != nil {
		b.Fatal(err)
	}
	late := tickBatch(fence, "a", 1)
	late.Incidents = []alert.Incident{testIncident("new", 1)}
	commit(b, s, late)
	for b.Loop() {
		if incidents, _, err := s.Behind(b.Context()); err != nil || len(incidents) != 1 {
			b.Fatalf("%d incidents, %v", len(incidents), err)
		}
	}
}
