package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/postburn/postburn/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return openAt(t, filepath.Join(t.TempDir(), "postburn.db")) })
}

func TestSharedStore(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) func(*testing.T) storetest.Store {
		path := filepath.Join(t.TempDir(), "postburn.db")
		return func(t *testing.T) storetest.Store { return openAt(t, path) }
	})
}

// openAt opens a store until the test ends.
func openAt(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), path, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing: %v", err)
		}
	})
	return s
}
