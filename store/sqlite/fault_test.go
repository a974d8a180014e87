package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postburn/postburn/alert"
)

// The helper processes that this test binary can be, see TestMain.
const (
	helperVariable = "POSTBURN_TEST_HELPER"
	helperPath     = "POSTBURN_TEST_PATH"
)

func TestMain(m *testing.M) {
	var err error
	switch helper := os.Getenv(helperVariable); helper {
	case "":
		os.Exit(m.Run())
	case "commit until killed":
		err = commitUntilKilled(os.Getenv(helperPath))
	case "commit on a full disk":
		err = commitOnFullDisk(os.Getenv(helperPath))
	default:
		err = fmt.Errorf("unknown helper %q", helper)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// helper is this test binary as another process.
func helper(t *testing.T, name, path string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+name, helperPath+"="+path)
	return cmd
}

// largeBatches have to be written as a whole or not at all.
func largeBatches(fence int64) []alert.Batch {
	a, b := tickBatch(fence, "a", 1), tickBatch(fence, "b", 0)
	a.Roster, a.Incidents = []byte("roster"), []alert.Incident{testIncident("i", 2)}
	b.Samples = bytes.Repeat([]byte("large"), 1<<20)
	b.Checkpoint = &alert.Checkpoint{State: []byte("state"), History: bytes.Repeat([]byte("history"), 1<<18)}
	return []alert.Batch{a, b}
}

// content is all that a store holds of lanes a and b and of incidents.
func content(tb testing.TB, s *Store) (found struct {
	A, B      alert.Recovery
	Incidents []alert.Incident
}) {
	tb.Helper()
	var errs [3]error
	found.A, errs[0] = s.Load(tb.Context(), "a")
	found.B, errs[1] = s.Load(tb.Context(), "b")
	found.Incidents, errs[2] = s.Incidents(tb.Context(), time.Time{})
	if err := errors.Join(errs[:]...); err != nil {
		tb.Fatal(err)
	}
	return found
}

func diff(want, got any) string {
	return cmp.Diff(want, got, cmp.Comparer(bytes.Equal), cmp.Exporter(func(reflect.Type) bool { return true }))
}

// TestFullDatabase limits the database's size: SQLite then finds it full as it finds a disk full.
func TestFullDatabase(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "postburn.db"))
	fence := acquire(t, s)
	first := tickBatch(fence, "a", 0)
	first.Incidents = []alert.Incident{testIncident("i", 1)}
	commit(t, s, first)
	before := content(t, s)

	limit := func(pages int) {
		if _, err := s.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(count(t, s, "PRAGMA page_count") + 20)
	for range 3 {
		err := s.Commit(t.Context(), largeBatches(fence))
		var full *driver.Error
		if !errors.As(err, &full) || full.Code() != sqlite3.SQLITE_FULL {
			t.Fatalf("got error %v, want that the database is full", err)
		}
		if errors.Is(err, alert.ErrConflict) || errors.Is(err, alert.ErrFenced) {
			t.Errorf("a full disk is told as %v", err)
		}
		if d := diff(before, content(t, s)); d != "" {
			t.Fatalf("something was written (-want +got):\n%s", d)
		}
	}
	commit(t, s, tickBatch(fence, "c", 0)) // there is room for a small one
	limit(1 << 30)
	commit(t, s, largeBatches(fence)...)
	checkLarge(t, s)
}

// checkLarge checks that the large batches are there.
func checkLarge(t *testing.T, s *Store) {
	t.Helper()
	got, want := content(t, s), largeBatches(0)
	if !got.A.Cursor.Equal(want[0].Tick) || !got.B.Cursor.Equal(want[1].Tick) || !bytes.Equal(got.B.History, want[1].Checkpoint.History) {
		t.Errorf("cursors %s and %s, %d bytes of history", got.A.Cursor, got.B.Cursor, len(got.B.History))
	}
	if d := diff(want[0].Incidents, got.Incidents); d != "" {
		t.Errorf("incidents (-want +got):\n%s", d)
	}
}

// TestFullDisk has the kernel refuse writes to a file that gets too large. They fail as late as in
// COMMIT.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postburn.db")
	s := openAt(t, path)
	commit(t, s, tickBatch(acquire(t, s), "a", 0))
	out, err := helper(t, "commit on a full disk", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkLarge(t, s)
}

func commitOnFullDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(background(), os.Interrupt)
	defer stop()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	fence, err := s.Acquire(ctx)
	if err != nil {
		return err
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	for _, size := range []uint64{100 << 10, 1 << 20, 4 << 20} {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}); err != nil {
			return err
		}
		if err := s.Commit(ctx, largeBatches(fence)); err == nil {
			return fmt.Errorf("no error with files of at most %d bytes", size)
		}
		r, err := s.Load(ctx, "a")
		if err != nil || len(r.Rows) != 1 {
			return fmt.Errorf("after an error with files of at most %d bytes: %d rows, %w", size, len(r.Rows), err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	return errors.Join(s.Commit(ctx, largeBatches(fence)), s.Close())
}

func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postburn.db")
	s, err := Open(t.Context(), path, Options{BusyTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fence := acquire(t, s)
	other := openAt(t, path)
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), largeBatches(fence)[1:]); err == nil {
		t.Error("no error while another process writes")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	commit(t, s, largeBatches(fence)[1:]...)
}
