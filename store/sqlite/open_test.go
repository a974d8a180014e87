package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
)

func TestOpenErrors(t *testing.T) {
	write := func(t *testing.T, text string) string {
		path := filepath.Join(t.TempDir(), "some.file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tc := range map[string]struct {
		path func(t *testing.T) string
		want string
	}{
		"not a database":               {func(t *testing.T) string { return write(t, strings.Repeat("slos:\n", 1000)) }, "file is not a database"},
		"short text":                   {func(t *testing.T) string { return write(t, "slos: []\n") }, "file is not a database"},
		"a folder":                     {func(t *testing.T) string { return t.TempDir() }, "it is a folder"},
		"no such folder":               {func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing", "postburn.db") }, "no such file or directory"},
		"below a file":                 {func(t *testing.T) string { return filepath.Join(write(t, ""), "postburn.db") }, "is not a folder"},
		"a folder that takes no files": {func(*testing.T) string { return "/proc/postburn.db" }, "writing to its folder"},
		"another program's database": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "other.db")
			execute(t, path, "CREATE TABLE t (x)")
			return path
		}, "not one of postburn"},
		"a newer version": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "newer.db")
			openAt(t, path)
			execute(t, path, "PRAGMA user_version = 999")
			return path
		}, "a newer postburn wrote it: its schema has version 999, and this postburn knows versions 1 to 4; run a postburn that knows that version"},
		"too old a version": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "older.db")
			openAt(t, path)
			execute(t, path, "PRAGMA user_version = 0")
			return path
		}, "too old a postburn wrote it: its schema has version 0, and this postburn knows versions 1 to 4; run a postburn that knows that version"},
	} {
		t.Run(name, func(t *testing.T) {
			path := tc.path(t)
			before, _ := os.ReadFile(path)
			s, err := Open(t.Context(), path, Options{})
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			for _, part := range []string{"opening store " + path, tc.want} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

// execute runs SQL on a file without this package.
func execute(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

func TestOpenPaths(t *testing.T) {
	for _, name := range []string{"postburn.db", "a b?mode=memory&c=#d%20.db", ":memory:", "größe ☃.db", "file:x.db"} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, path := range []string{name, filepath.Join(t.TempDir(), name)} {
				openAt(t, path)
				if info, err := os.Stat(path); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v, %v", path, info, err)
				}
			}
		})
	}
}

func TestOpenSetsUpConnections(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	for name, db := range map[string]*sql.DB{"writer": s.writer, "reader": s.reader} {
		got := map[string]string{}
		for _, pragma := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only"} {
			var value string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&value); err != nil {
				t.Fatal(err)
			}
			got[pragma] = value
		}
		want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0"}
		if name == "reader" {
			want["query_only"] = "1"
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestOpenNoSync(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "postburn.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var synchronous string
	if err := s.writer.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil {
		t.Fatal(err)
	}
	if synchronous != "0" {
		t.Errorf("synchronous is %s, want 0", synchronous)
	}
}

func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postburn.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Errorf("opening a new file that others open as well: %v", err)
				return
			}
			if _, err := s.Acquire(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if fence, err := openAt(t, path).Acquire(t.Context()); fence != 9 || err != nil {
		t.Errorf("fence %d after 8 others, error %v", fence, err)
	}
}

func TestReadsDoNotWaitForTheWriter(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	fence := acquire(t, s)
	commit(t, s, tickBatch(fence, "a", 0))
	err := transact(t.Context(), s.writer, func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM samples"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // less than the busy timeout
		defer cancel()
		if r, err := s.Load(ctx, "a"); err != nil || len(r.Rows) != 1 {
			t.Errorf("loading: %d rows, %v", len(r.Rows), err)
		}
		_, _, err := s.Behind(ctx)
		if err != nil {
			return err
		}
		if _, err := s.Incidents(ctx, time.Time{}); err != nil {
			return err
		}
		_, _, err = s.Publication(ctx, "i")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPruneIsBounded(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	fence := acquire(t, s)
	var backlog []alert.Batch
	for n := range 100 {
		backlog = append(backlog, tickBatch(fence, "a", n))
	}
	commit(t, s, backlog...)
	last := tickBatch(fence, "a", 100)
	last.Checkpoint = &alert.Checkpoint{State: []byte("s"), History: []byte("h")}
	commit(t, s, last)
	rows := []int{count(t, s, "SELECT count(*) FROM samples")}
	for n := 101; n < 107; n++ {
		commit(t, s, tickBatch(fence, "a", n))
		rows = append(rows, count(t, s, "SELECT count(*) FROM samples"))
	}
	if d := cmp.Diff([]int{85, 70, 55, 40, 25, 10, 6}, rows); d != "" {
		t.Errorf("rows after each commit from the checkpoint on (-want +got):\n%s", d)
	}
}

func count(t *testing.T, s *Store, text string) (n int) {
	t.Helper()
	if err := s.reader.QueryRowContext(t.Context(), text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func acquire(tb testing.TB, s *Store) int64 {
	tb.Helper()
	fence, err := s.Acquire(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return fence
}

func commit(tb testing.TB, s *Store, batches ...alert.Batch) {
	tb.Helper()
	if err := s.Commit(tb.Context(), batches); err != nil {
		tb.Fatal(err)
	}
}

// tickBatch is a lane's n-th batch; the first is 0.
func tickBatch(fence int64, lane string, n int) alert.Batch {
	b := alert.Batch{Lane: lane, Fence: fence, Tick: tickTime(n), Samples: fmt.Appendf(nil, "%s %d", lane, n)}
	if n > 0 {
		b.Prev = tickTime(n - 1)
	}
	return b
}

func tickTime(n int) time.Time { return time.Unix(1_750_000_000+int64(n)*30, 0).UTC() }
