//go:build e2e

package postgres

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
	"github.com/postburn/postburn/store/sqlite"
	"github.com/postburn/postburn/store/storetest"
)

// TestCopy copies a store that an older postburn wrote, with what a newer one adds to it, from
// SQLite to PostgreSQL, to PostgreSQL again, and back: all hold and answer the same.
func TestCopy(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from.db")
	unpack(t, filepath.Join("..", "sqlite", "testdata", "version2.db.gz"), from)
	original, err := sqlite.Open(t.Context(), from, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	addTo(t, original)

	var written record.Copy
	first, second, back := newDatabase(t), newDatabase(t), filepath.Join(t.TempDir(), "back.db")
	if err := Import(t.Context(), first, func(to record.Sink) error {
		written.To = to
		return sqlite.Export(t.Context(), from, &written)
	}); err != nil {
		t.Fatal(err)
	}
	export := func(to record.Sink) error {
		i, err := Inspect(t.Context(), first)
		if err != nil {
			return err
		}
		defer i.Close()
		return i.Export(t.Context(), to)
	}
	if err := errors.Join(Import(t.Context(), second, export), sqlite.Import(t.Context(), back, export)); err != nil {
		t.Fatal(err)
	}
	restored, err := sqlite.Open(t.Context(), back, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	want := answers(t, original)
	for name, s := range map[string]storetest.Store{"PostgreSQL": openAt(t, first), "its copy": openAt(t, second), "SQLite again": restored} {
		if d := cmp.Diff(want, answers(t, s), cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
			t.Errorf("%s (-want +got):\n%.3000s", name, d)
		}
	}
	var read record.Copy
	if err := sqlite.Export(t.Context(), back, &read); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(written.Lines(), read.Lines()) {
		t.Errorf("copied\n%s\nto\n%s", strings.Join(written.Lines(), "\n"), strings.Join(read.Lines(), "\n"))
	}
	wantProblem(t, Import(t.Context(), first, export), store.Other, "a postburn has used it already")
	if err := sqlite.Import(t.Context(), back, export); err == nil || !strings.Contains(err.Error(), "a postburn has used it already") {
		t.Errorf("copying into a store in use: %v", err)
	}
}

// TestCopyFails writes nothing if it can't write all.
func TestCopyFails(t *testing.T) {
	url := newDatabase(t)
	broken := errors.New("broken")
	err := Import(t.Context(), url, func(to record.Sink) error {
		return errors.Join(to.Fence(3), to.Lane(record.Lane{Name: "a", Fence: 3, Recovery: alert.Recovery{Cursor: tickTime(1)}}), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	s := openAt(t, url)
	fence, err := s.Acquire(t.Context())
	if r, loading := s.Load(t.Context(), "a"); fence != 1 || !r.Cursor.IsZero() || err != nil || loading != nil {
		t.Errorf("fence %d, lane %+v, %v, %v", fence, r, err, loading)
	}
}

// addTo adds what the store of an older postburn does not have.
func addTo(t *testing.T, s *sqlite.Store) {
	t.Helper()
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	excluded := issue.Publication{Key: "i", Author: "robot", Parts: []issue.Part{{Incident: "i", Posted: 1}}, Feedback: issue.Feedback{Excluded: &issue.Exclusion{By: "alice", Reason: "größe \u0000"}}}
	days := alert.Days{ID: slo.ID{SLO: "checkout", Labels: slo.NewLabels(map[string]string{"region": "eu\x00"})}, Target: slo.MustDecimal("0.999"), Measures: "a"}
	for n := range 3 {
		days.Days = append(days.Days, slo.Day{Date: record.Date(int64(20_000 + n)), Counts: slo.Counts{Total: 1000, Bad: 1.0 / 3}, Known: time.Hour, Exact: n > 0})
	}
	for n := range 3 {
		batches := tickBatches(fence, n)
		batches[0].Lane, batches[1].Lane = "new a", "new b"
		if err := s.Commit(t.Context(), batches); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Save(t.Context(), excluded), s.SaveDays(t.Context(), []alert.Days{days})); err != nil {
		t.Fatal(err)
	}
}

// answers are what a store answers to those who read it.
func answers(t *testing.T, s storetest.Store) map[string]any {
	t.Helper()
	all := map[string]any{}
	keep := func(name string, v any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = v
	}
	incidents, err := s.Incidents(t.Context(), time.Time{})
	keep("incidents", incidents, err)
	behind, publications, err := s.Behind(t.Context())
	keep("behind", []any{behind, publications}, err)
	authors, err := s.Authors(t.Context())
	keep("authors", authors, err)
	excluded, err := s.ExcludedIncidents(t.Context())
	keep("excluded", excluded, err)
	page, err := s.RecoveredIncidents(t.Context(), alert.IncidentPage{Limit: 100})
	keep("page", page, err)
	days, recorded, learned, err := s.Recorded(t.Context(), time.Time{}, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	keep("recorded", []any{days, recorded, learned}, err)
	var ids []string
	for _, i := range incidents {
		ids = append(ids, i.ID)
		p, _, err := s.Publication(t.Context(), i.ID)
		keep("publication of "+i.ID, p, err)
	}
	if len(ids) < 2 || len(days) == 0 || len(learned) < 2 || len(excluded) == 0 {
		t.Errorf("%d incidents, %d objectives, %d learned, %d excluded are too few to compare", len(ids), len(days), len(learned), len(excluded))
	}
	summaries, err := s.Summaries(t.Context(), ids)
	keep("summaries", summaries, err)
	return all
}

func unpack(t *testing.T, packed, to string) {
	t.Helper()
	in, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	content, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, out, 0o600); err != nil {
		t.Fatal(err)
	}
}
