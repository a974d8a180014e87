package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
)

// filled is a store in a folder of its own that holds an incident.
func filled(t *testing.T) (s *Store, path string, fence int64) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(folder, "postburn.db")
	s = openAt(t, path)
	fence = acquire(t, s)
	first := tickBatch(fence, "a", 0)
	first.Incidents = []alert.Incident{testIncident("i", 1)}
	commit(t, s, first)
	return s, path, fence
}

// checkElsewhere checks that another process would find a tick of lane a, and the incident.
func checkElsewhere(t *testing.T, path string, tick int) {
	t.Helper()
	other, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	got := content(t, other)
	if !got.A.Cursor.Equal(tickTime(tick)) || len(got.Incidents) != 1 || got.Incidents[0].ID != "i" {
		t.Errorf("another process finds lane a at %s, want %s; incidents %v", got.A.Cursor, tickTime(tick), got.Incidents)
	}
}

// wantProblem checks an error's problem, and that it names the path and says these parts.
func wantProblem(t *testing.T, err error, want store.Problem, path string, parts ...string) {
	t.Helper()
	var e *store.Error
	if !errors.As(err, &e) || e.Problem != want {
		t.Fatalf("got error %v, want that the store is %s", err, want)
	}
	for _, part := range append(parts, path) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

// TestFileRemoved removes names of the store's files while it is open: what is committed then is
// found by the next process nevertheless, as is what was committed before.
func TestFileRemoved(t *testing.T) {
	for name, suffixes := range map[string][]string{
		"all": {"", "-wal", "-shm"}, "the file alone": {""}, "file and log": {"", "-wal"}, "the log": {"-wal"}, "the log's index": {"-shm"}, "log and index": {"-wal", "-shm"},
	} {
		t.Run(name, func(t *testing.T) {
			s, path, fence := filled(t)
			for n := 1; n < 3; n++ {
				for _, suffix := range suffixes {
					if err := os.Remove(path + suffix); err != nil {
						t.Fatal(err)
					}
				}
				commit(t, s, tickBatch(fence, "a", n))
				checkElsewhere(t, path, n)
			}
			if got := s.Restored(); got != 2 {
				t.Errorf("put back %d times, want 2", got)
			}
			if err := s.Probe(t.Context()); err != nil {
				t.Error(err)
			}
			if names, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".postburn-*")); err != nil || len(names) > 0 {
				t.Errorf("left behind: %v, %v", names, err)
			}
		})
	}
}

// TestFileRemovedProbe puts the file back although nothing is committed.
func TestFileRemovedProbe(t *testing.T) {
	s, path, _ := filled(t)
	for range 2 { // after a commit, and after none
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkElsewhere(t, path, 0)
	}
}

// TestFileRemovedWhileInUse removes the file again and again while others read and write.
func TestFileRemovedWhileInUse(t *testing.T) {
	s, path, fence := filled(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if found, err := s.OpenIncidents(t.Context()); err != nil || len(found) != 1 {
					t.Errorf("reading: %d incidents, %v", len(found), err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := s.Probe(t.Context()); err != nil {
				t.Errorf("probing: %v", err)
			}
		}
	})
	const ticks = 30
	for n := 1; n <= ticks; n++ {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		commit(t, s, tickBatch(fence, "a", n))
	}
	stop()
	wg.Wait()
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkElsewhere(t, path, ticks)
}

// TestFileReplaced puts another store in the file's place. It is not touched, and nothing is
// committed where it would be lost.
func TestFileReplaced(t *testing.T) {
	s, path, fence := filled(t)
	commit(t, s, tickBatch(fence, "a", 1))
	other := filepath.Join(t.TempDir(), "other.db")
	if err := openAt(t, other).Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, s.Commit(t.Context(), []alert.Batch{tickBatch(fence, "a", 2)}), store.Replaced, path, "another file", "move that file away")
	wantProblem(t, s.Probe(t.Context()), store.Replaced, path)
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the other file was changed (%v)", err)
	}
	if found, err := s.OpenIncidents(t.Context()); err != nil || len(found) != 1 {
		t.Errorf("reading: %d incidents, %v", len(found), err)
	}
	if err := os.Rename(path, other); err != nil {
		t.Fatal(err)
	}
	commit(t, s, tickBatch(fence, "a", 2))
	checkElsewhere(t, path, 2)
}

// TestFolderGone moves the folder away, as if its volume was unmounted, and back.
func TestFolderGone(t *testing.T) {
	for name, tc := range map[string]struct {
		put  bool // an empty folder in its place, as a mount point is
		want string
	}{"gone": {false, "its folder is gone"}, "another one": {true, "is a volume not mounted?"}} {
		t.Run(name, func(t *testing.T) {
			s, path, fence := filled(t)
			folder := filepath.Dir(path)
			if err := os.Rename(folder, folder+".away"); err != nil {
				t.Fatal(err)
			}
			if tc.put {
				if err := os.Mkdir(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				wantProblem(t, s.Commit(t.Context(), []alert.Batch{tickBatch(fence, "a", 1)}), store.Missing, path, tc.want, "bring it back")
			}
			wantProblem(t, s.Probe(t.Context()), store.Missing, path, tc.want)
			if tc.put {
				if err := os.Remove(folder); err != nil { // it is empty
					t.Fatal(err)
				}
			}
			if err := os.Rename(folder+".away", folder); err != nil {
				t.Fatal(err)
			}
			commit(t, s, tickBatch(fence, "a", 1))
			checkElsewhere(t, path, 1)
			if s.Restored() != 0 {
				t.Error("something was put back")
			}
		})
	}
}

// TestFileCannotBePutBack keeps the new file from being written, and lets it be.
func TestFileCannotBePutBack(t *testing.T) {
	s, path, fence := filled(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(path+"-wal", "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, s.Commit(t.Context(), []alert.Batch{tickBatch(fence, "a", 1)}), store.Missing, path, "can't be put back yet")
	if err := os.RemoveAll(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, tickBatch(fence, "a", 1))
	checkElsewhere(t, path, 1)
}

// TestFileRemovedAfterTakeover leaves the removed file to the other process, which owns the store.
func TestFileRemovedAfterTakeover(t *testing.T) {
	s, path, fence := filled(t)
	acquire(t, openAt(t, path))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), []alert.Batch{tickBatch(fence, "a", 1)}); !errors.Is(err, alert.ErrFenced) {
		t.Errorf("got error %v, want that another process has taken over", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file was put back (%v)", err)
	}
}

// TestProbeWrites notices a disk that can't be written although nothing is committed.
func TestProbeWrites(t *testing.T) {
	s, path, _ := filled(t)
	lanes := "SELECT count(*) FROM lanes"
	for range 2 { // the first is after a commit
		if err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if err := s.Probe(t.Context()); err != nil || size() == before {
		t.Errorf("nothing was written (%v)", err)
	}
	if n := count(t, s, lanes); n != 1 {
		t.Errorf("%d lanes, want 1", n)
	}
	commit(t, s, tickBatch(s.fence.Load(), "a", 1))
	before = size()
	if err := s.Probe(t.Context()); err != nil || size() != before {
		t.Errorf("something was written right after a commit (%v)", err)
	}
}

// TestFileRemovedBeforeClose removes the file after the last commit.
func TestFileRemovedBeforeClose(t *testing.T) {
	s, path, _ := filled(t)
	if err := errors.Join(os.Remove(path), os.Remove(path+"-wal")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkElsewhere(t, path, 0)
	if err := s.Commit(t.Context(), []alert.Batch{tickBatch(1, "a", 1)}); !errors.Is(err, errClosed) {
		t.Errorf("got error %v from a closed store", err)
	}
	if _, err := s.OpenIncidents(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("got error %v from a closed store", err)
	}
}

// TestFileBehindLink opens a store by a symbolic link, and removes the file that it points to.
func TestFileBehindLink(t *testing.T) {
	first, target, _ := filled(t)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, link)
	fence := acquire(t, s)
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	commit(t, s, tickBatch(fence, "a", 1))
	checkElsewhere(t, target, 1)
	checkElsewhere(t, link, 1)
	checkFolder(t, filepath.Dir(link), "link.db")
}

// TestLogRemovedWhileRead removes the log while another process reads it: what is in it is not
// given up before that one is done.
func TestLogRemovedWhileRead(t *testing.T) {
	first, path, _ := filled(t)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, Options{BusyTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fence := acquire(t, s)
	commit(t, s, tickBatch(fence, "a", 1))
	other, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = other.reading(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec("SELECT count(*) FROM samples"); err != nil {
			return err
		}
		commit(t, s, tickBatch(fence, "a", 2)) // newer than the read, so it stays in the log
		if err := os.Remove(path + "-wal"); err != nil {
			return err
		}
		wantProblem(t, s.Commit(t.Context(), []alert.Batch{tickBatch(fence, "a", 3)}), store.Missing, path, "another process reads the write-ahead log")
		return nil
	})
	if err = errors.Join(err, other.Close()); err != nil {
		t.Fatal(err)
	}
	commit(t, s, tickBatch(fence, "a", 3))
	checkElsewhere(t, path, 3)
}

// TestPutBackKeepsMode checks that those who could read the file still can, and no others.
func TestPutBackKeepsMode(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o640, 0o644} {
		s, path, _ := filled(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path)
		fence := acquire(t, s)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		commit(t, s, tickBatch(fence, "a", 1))
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("the mode was %s, and is %v (%v)", mode, info, err)
		}
	}
}

// TestNoConnectionToAnotherFile has connections opened while another file has the store's name.
func TestNoConnectionToAnotherFile(t *testing.T) {
	s, path, _ := filled(t)
	aside, other := path+".aside", filepath.Join(t.TempDir(), "other.db")
	execute(t, other, "CREATE TABLE incidents (doc, ended, onset, id)")
	if err := errors.Join(os.Rename(path, aside), os.Rename(other, path)); err != nil {
		t.Fatal(err)
	}
	s.reader.SetMaxIdleConns(0) // closes the present ones
	_, err := s.OpenIncidents(t.Context())
	wantProblem(t, err, store.Replaced, path)
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	if found, err := s.OpenIncidents(t.Context()); err != nil || len(found) != 1 {
		t.Errorf("reading: %d incidents, %v", len(found), err)
	}
}
