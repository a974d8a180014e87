package sqlite

import (
	"testing"

	"github.com/postburn/postburn/alert"
)

// TestObsoleteSamplesGoInSmallParts commits a checkpoint, so that all samples before it are
// obsolete: each commit removes 16 of them, and adds its own.
func TestObsoleteSamplesGoInSmallParts(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir()+"/postburn.db", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		t.Helper()
		if err := s.reader.QueryRow("SELECT count(*) FROM samples").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for n := range 40 {
		commit(t, s, tickBatch(fence, "a", n))
	}
	last := tickBatch(fence, "a", 40)
	last.Checkpoint = &alert.Checkpoint{State: []byte("s"), History: []byte("h")}
	commit(t, s, last)
	for n, want := range []int{25, 10, 2, 3} { // what the checkpoint's own commit left, and the three after it
		if n > 0 {
			commit(t, s, tickBatch(fence, "a", 40+n))
		}
		if got := rows(); got != want {
			t.Errorf("%d commits after the checkpoint there are %d rows, want %d", n, got, want)
		}
	}
}
