package sqlite

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
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

// TestUpgrade opens a store that a postburn of schema version 1 wrote while it watched two
// objectives, and was stopped in the middle of an incident. version1.json is what its API answered
// then.
func TestUpgrade(t *testing.T) {
	path := unpack(t, "version1")
	s := openAt(t, path)
	open, err := s.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	recovered, err := s.RecoveredIncidents(t.Context(), alert.IncidentPage{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	all := append(open, recovered...) // the open one is the newest
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
	want, err := os.ReadFile(filepath.Join("testdata", "version1.json"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); d != "" {
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
	}
	old, err := s.Incidents(t.Context(), time.Time{})
	if err != nil || len(old) != 3 {
		t.Errorf("%d incidents, %v", len(old), err)
	}
}

// TestUpgradeGoesOn commits to an upgraded store, and drops from it.
func TestUpgradeGoesOn(t *testing.T) {
	path := unpack(t, "version1")
	s := openAt(t, path)
	fence, lanes, err := s.Acquire(t.Context())
	if err != nil || len(lanes) != 2 {
		t.Fatalf("lanes %v, %v", lanes, err)
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
	if d := cmp.Diff([]string{"new", "payments-20261129t011321z"}, behind); d != "" { // the open one had just changed
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
			Key: "storm", Kind: issue.Storm, Triage: issue.Noise, Parts: []issue.Part{{Incident: "storm"}, {Incident: "b"}},
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
