package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// Options may all be left at their zero values.
type Options struct {
	BusyTimeout time.Duration // how long to wait for another writing process; 0: 5 s
	Readers     int           // connections that read beside the writer; 0: 4
	NoSync      bool          // commits survive a killed process but not a power cut; for tests
}

// Store is what is kept in an open database. Its methods may be called by several goroutines at
// once: writes wait for each other, reads never wait. Errors about the file are a *store.Error.
type Store struct {
	*database
	fence *fence
}

// Open opens the database at path, and creates it if there is none; the folder must exist. It
// migrates an older schema. For a newer schema, or another kind of file, it returns a *store.Error
// that names the path and says what to do.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	f := &fence{}
	db := &database{path: path, opts: opts, mayWrite: f.check}
	if err := db.connect(ctx); err != nil {
		return nil, fmt.Errorf("opening %w", explainOpening(path, err))
	}
	return &Store{db, f}, nil
}
