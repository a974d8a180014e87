package postgres

import (
	"context"
	"fmt"
)

// Store is what is kept in a database. Its methods may be called by several goroutines at once.
// Commits of different lanes do not wait for each other; other writes wait for commits and for each
// other; reads never wait. Errors about the database are a *store.Error.
type Store struct {
	*database
	fence *fence
}

// Open connects to a database, given as a URL like libpq's (postgres://user@host/database); what it
// leaves out comes from the variables PG* and password files as libpq has them. The tables are in
// the schema that search_path names first, or else in `postburn`. Open creates what is missing and
// migrates an older schema, also if several processes do so at once.
//
// An error is a *store.Error that names host and database, never a password, and says what to do.
func Open(ctx context.Context, url string) (*Store, error) {
	db, err := connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("opening %w", err)
	}
	if err := db.setUp(ctx); err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("opening %w", db.explainOpening(err))
	}
	return &Store{db, &fence{}}, nil
}
