//go:build e2e

package postgres

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/postgres/postgrestest"
	"github.com/postburn/postburn/store/storetest"
)

// server is for all tests but those that stop one.
var server *postgrestest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if server, err = postgrestest.Start("fsync=off", "max_connections=200"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return openAt(t, newDatabase(t)) })
}

func TestSharedStore(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) func(*testing.T) storetest.Store {
		url := newDatabase(t)
		return func(t *testing.T) storetest.Store { return openAt(t, url) }
	})
}

// newDatabase returns the address of an empty database.
func newDatabase(tb testing.TB) string {
	tb.Helper()
	name, err := server.Create()
	if err != nil {
		tb.Fatal(err)
	}
	return server.URL(name)
}

// openAt opens a store until the test ends.
func openAt(tb testing.TB, url string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), url)
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

// Acquire takes over publishing and the lanes that tests write, as if all other replicas were dead.
func (s *Store) Acquire(ctx context.Context) (fence int64, err error) {
	err = s.writing(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockLeases); err != nil {
			return err
		}
		const take = `WITH next AS (SELECT coalesce(max(fence), 0) + 1 AS fence FROM (SELECT fence FROM leases UNION ALL SELECT fence FROM lanes) AS handed_out)
			INSERT INTO leases (name, fence) SELECT name, fence FROM unnest($1::text[]) AS given (name), next
			ON CONFLICT (name) DO UPDATE SET fence = excluded.fence RETURNING fence`
		return tx.QueryRow(ctx, take, append(storetest.Lanes(), "new a", "new b", lease.Publishing)).Scan(&fence)
	})
	if err == nil {
		s.PublishUnder(fence)
	}
	return fence, err
}
