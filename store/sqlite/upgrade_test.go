package sqlite

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/web"
)

// unpack writes a store of testdata to a file of its own.
func unpack(t *testing.T, name string) (path string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", name+".db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "postburn.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUpgrade opens stores that older versions wrote while they watched two objectives, and that
// were stopped in the middle of an incident. The JSON beside them is what the API answered then.
// version1 is by a postburn of schema version 1; version2 by one of schema version 2, before
// documents and encodings were changed any further.
func TestUpgrade(t *testing.T) {
	for name, want := range map[string]struct{ open, recovered int }{"version1": {1, 2}, "version2": {2, 2}} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, unpack(t, name))
			open, err := s.OpenIncidents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			recovered, err := s.RecoveredIncidents(t.Context(), alert.IncidentPage{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			if len(open) != want.open || len(recovered) != want.recovered {
				t.Errorf("%d open and %d recovered incidents, want %+v", len(open), len(recovered), want)
			}
			checkAnswer(t, s, name, append(open, recovered...)) // the open ones are the newest
			checkRecorded(t, s, len(open)+len(recovered))
			checkUpgraded(t, s)
		})
	}
}

// checkAnswer compares what the API answers now with what it did before the upgrade.
func checkAnswer(t *testing.T, s *Store, name string, all []alert.Incident) {
	t.Helper()
	var ids []string
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	summaries, err := s.Summaries(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(map[string]any{"incidents": web.ViewIncidents(all, summaries)})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fields(t, want, nil), fields(t, got, fields(t, want, nil))); d != "" {
		t.Errorf("incidents (-want +got):\n%s", d)
	}
	for _, id := range ids {
		p, ok, err := s.Publication(t.Context(), id)
		if err != nil || !ok {
			t.Fatalf("publication of %s: %v, %v", id, ok, err)
		}
		if d := cmp.Diff(p.Summary(), summaries[id]); d != "" || p.URL() == "" {
			t.Errorf("summary of %s (-want +got):\n%s", id, d)
		}
		checkLabels(t, p)
	}
	if old, err := s.Incidents(t.Context(), time.Time{}); err != nil || len(old) != len(all) {
		t.Errorf("%d incidents, want %d, %v", len(old), len(all), err)
	}
}

var caveatText = regexp.MustCompile(`("caveats":\[|",)"[0-9][^"]*"`)

// anyWording leaves the texts of caveats out, as a new version may word them otherwise.
func anyWording(answer []byte) string {
	return string(caveatText.ReplaceAll(bytes.TrimSpace(answer), []byte(`$1"..."`)))
}

// fields reads an answer, without the fields that an earlier one does not have.
func fields(t *testing.T, answer []byte, had any) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(anyWording(answer)), &v); err != nil {
		t.Fatal(err)
	}
	forgetNew(v, had)
	return v
}

func forgetNew(v, had any) {
	switch v := v.(type) {
	case map[string]any:
		had, ok := had.(map[string]any)
		maps.DeleteFunc(v, func(key string, _ any) bool {
			_, has := had[key]
			return ok && !has
		})
		for key := range v {
			forgetNew(v[key], had[key])
		}
	case []any:
		had, _ := had.([]any)
		for n := range min(len(v), len(had)) {
			forgetNew(v[n], had[n])
		}
	}
}

// checkRecorded checks that what a report reads of publications is there, although an older version
// did not keep it apart.
func checkRecorded(t *testing.T, s *Store, n int) {
	t.Helper()
	days, incidents, learned, err := s.Recorded(t.Context(), time.Time{}, time.Now().AddDate(10, 0, 0))
	if err != nil || len(days) > 0 || len(incidents) != n || len(learned) != n {
		t.Errorf("%d days, %d incidents and %d with publications are recorded, want %d incidents, %v", len(days), len(incidents), len(learned), n, err)
	}
	for id, l := range learned {
		p, _, err := s.Publication(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p.Learned(*p.Parts.Of(id)), l); d != "" || l.URL == "" {
			t.Errorf("learned of %s (-want +got):\n%s", id, d)
		}
	}
}

// checkLabels checks that labels have their own place, and are no text, as they were when the
// stores of testdata were written.
func checkLabels(t *testing.T, p issue.Publication) {
	t.Helper()
	isLabels := func(w issue.Write) bool { return w.Stage == issue.LabelsStage }
	if !slices.Contains(p.Labels.Given, issue.OwnLabel) || slices.ContainsFunc(p.Writes, isLabels) || len(p.Writes) == 0 || !p.IsSettled() {
		t.Errorf("publication %s has labels %q, and writes %+v", p.Key, p.Labels.Given, p.Writes)
	}
}

// checkUpgraded checks all that Check does: that each document and each lane can still be decoded,
// and that the schema is the newest.
func checkUpgraded(t *testing.T, s *Store) {
	t.Helper()
	r, err := Check(t.Context(), s.path, engine.CheckRecovery)
	if err != nil || len(r.Wrong) > 0 || r.Version != newest() || r.Lanes != 2 {
		t.Errorf("after the upgrade: %+v, %v", r, err)
	}
}

// TestUpgradeGoesOn commits to an upgraded store, and drops from it.
func TestUpgradeGoesOn(t *testing.T) {
	path := unpack(t, "version1")
	s := openAt(t, path)
	fence := acquire(t, s)
	var lanes [2]string
	if err := s.reader.QueryRow("SELECT min(name), max(name) FROM lanes").Scan(&lanes[0], &lanes[1]); err != nil {
		t.Fatal(err)
	}
	for _, lane := range lanes {
		r, err := s.Load(t.Context(), lane)
		if err != nil || r.Cursor.IsZero() || len(r.Roster) == 0 || len(r.State) == 0 || len(r.History) == 0 {
			t.Fatalf("lane %s: %d bytes of history up to %s, %v", lane, len(r.History), r.Cursor, err)
		}
		next := alert.Batch{Lane: lane, Fence: fence, Prev: r.Cursor, Tick: r.Cursor.Add(time.Second)}
		if lane == lanes[0] {
			next.Incidents = []alert.Incident{testIncident("new", 1)}
		}
		commit(t, s, next)
	}
	incidents, publications, err := s.Behind(t.Context())
	if err != nil || len(publications) > 0 {
		t.Errorf("open writes: %v, %v", publications, err)
	}
	var behind []string
	for _, i := range incidents {
		behind = append(behind, i.ID)
	}
	// the open one had just changed
	if d := cmp.Diff([]string{"new", "payments-20261129t011321z"}, behind); d != "" {
		t.Errorf("behind (-want +got):\n%s", d)
	}
	if n, err := s.DropIncidents(t.Context(), time.Now().AddDate(10, 0, 0), 10); err != nil || n != 2 {
		t.Errorf("%d incidents were dropped, %v", n, err)
	}
	if n := count(t, s, "SELECT count(*) FROM publications"); n != 1 {
		t.Errorf("%d publications are left", n)
	}
}

// TestUpgradeOfSummaries checks that what the upgrade makes of old publications is what is made of
// new ones.
func TestUpgradeOfSummaries(t *testing.T) {
	script, err := migrations.ReadFile("migrations/0002_pages.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ = bytes.Cut(script, []byte("UPDATE publications"))
	update, _, _ := bytes.Cut(script, []byte(";"))
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	all := map[string]issue.Publication{
		"bare":  {Key: "bare", Parts: []issue.Part{{Incident: "bare"}}},
		"large": {Key: "large", Parts: []issue.Part{{Incident: "large"}}, Writes: []issue.Write{{Ref: issue.Ref{Number: 1 << 60, URL: `https://größe.example/"☃"`}}}},
		"storm": {
			Key: "storm", Kind: issue.Storm, Feedback: issue.Feedback{Triage: issue.Noise}, Parts: []issue.Part{{Incident: "storm"}, {Incident: "b"}},
			Writes: []issue.Write{{Ref: issue.Ref{Number: 17}}, {Ref: issue.Ref{Number: 18}}},
		},
	}
	for _, p := range all {
		if err := s.Save(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.writer.Exec("UPDATE publications SET summary = '{}'; UPDATE publications" + string(update)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Summaries(t.Context(), []string{"bare", "large", "storm"})
	if err != nil {
		t.Fatal(err)
	}
	for key, p := range all {
		if d := cmp.Diff(p.Summary(), got[key]); d != "" {
			t.Errorf("%s (-want +got):\n%s", key, d)
		}
	}
}
