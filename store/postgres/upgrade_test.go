//go:build e2e

package postgres

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/sqlite"
)

// TestUpgrade opens a store that version 2 wrote, as a copy of one in SQLite: it holds and answers
// the same, its lanes go on under higher fences, and a version 2 that is still running writes
// nothing more.
func TestUpgrade(t *testing.T) {
	dump := filepath.Join(t.TempDir(), "version2.sql")
	unpack(t, filepath.Join("testdata", "version2.sql.gz"), dump)
	statements, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	name, err := server.Create()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Exec(name, string(statements)); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, server.URL(name))

	from := filepath.Join(t.TempDir(), "from.db")
	unpack(t, filepath.Join("..", "sqlite", "testdata", "version2.db.gz"), from)
	original, err := sqlite.Open(t.Context(), from, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	addTo(t, original)
	if d := cmp.Diff(answers(t, original), answers(t, s), cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
		t.Errorf("(-SQLite +upgraded):\n%.3000s", d)
	}

	rows, err := s.pool.Query(t.Context(), `SELECT name, fence FROM lanes`)
	if err != nil {
		t.Fatal(err)
	}
	fences, highest := map[string]int64{}, int64(3) // which version 2 had handed out
	for rows.Next() {
		var lane string
		var fence int64
		if err := rows.Scan(&lane, &fence); err != nil {
			t.Fatal(err)
		}
		fences[lane] = fence
	}
	if err := rows.Err(); err != nil || len(fences) < 3 {
		t.Fatalf("lanes %v, %v", fences, err)
	}
	names := []string{lease.Publishing}
	for lane := range fences {
		names = append(names, lane)
	}
	standing, err := s.Leases(names...).Renew(t.Context(), lease.Request{Replica: "a", TTL: time.Hour, Take: names})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range standing.Leases {
		if l.Holder != "a" || l.Fence <= highest {
			t.Errorf("%s has fence %d and holder %q; version 2 had handed out fence %d", l.Name, l.Fence, l.Holder, highest)
		}
		if l.Name == lease.Publishing {
			continue
		}
		r, err := s.Load(t.Context(), l.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), []alert.Batch{{Lane: l.Name, Fence: l.Fence, Prev: r.Cursor, Tick: r.Cursor.Add(time.Second)}}); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.pool.Exec(t.Context(), `SELECT fence FROM writer FOR SHARE`); err == nil {
		t.Error("version 2 finds its fence, and goes on writing")
	}
}
