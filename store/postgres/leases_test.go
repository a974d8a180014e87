//go:build e2e

package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/lease/model"
	"github.com/postburn/postburn/store/storetest"
)

// clockedLeases opens leases in a database whose now() a test sets: a function of that name comes
// before the server's own.
func clockedLeases(t *testing.T, names ...string) (*Store, storetest.Clocked) {
	url := newDatabase(t)
	openAt(t, url)
	config, schema, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = schema + ", pg_catalog"
	d, err := connectWith(t.Context(), config, schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.pool.Close)
	exec := func(text string, args ...any) {
		t.Helper()
		if _, err := d.pool.Exec(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE clock (ahead interval NOT NULL)`)
	exec(`INSERT INTO clock VALUES ('0')`)
	exec(`CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''2026-03-29T00:00:00Z''::timestamptz + ahead FROM clock'`)
	return &Store{d, &fence{}}, storetest.Clocked{
		Table: &Leases{d, names},
		Advance: func(by time.Duration) {
			exec(`UPDATE clock SET ahead = ahead + make_interval(secs => $1)`, by.Seconds())
		},
	}
}

func TestLeases(t *testing.T) {
	storetest.RunLeases(t, func(t *testing.T) storetest.Clocked {
		_, leases := clockedLeases(t, "00", "01", "02")
		return leases
	})
}

// TestLeasesInTheModel has replicas live, die, be paused and lose answers, and checks that the
// table stands as the model's does after each request, and that commits end as they do there.
func TestLeasesInTheModel(t *testing.T) {
	random := rand.New(rand.NewPCG(seed.Of(t), 0))
	outcomes, requests := map[error]int{}, 0
	for walks := 0; walks < 20 || outcomes[alert.ErrFenced] == 0 && walks < 500; walks++ {
		s, leases := clockedLeases(t, "00", lease.Publishing)
		var at time.Time
		model.Walk(random, 300, []string{"00", lease.Publishing}, model.Told{
			Renewed: func(now time.Time, r lease.Request, want lease.Standing) {
				if !at.IsZero() && now.After(at) {
					leases.Advance(now.Sub(at))
				}
				at = now
				requests++
				got, err := leases.Renew(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("request %d, %+v (-model +PostgreSQL):\n%s", requests, r, d)
				}
			},
			Committed: func(c model.Commit, want error) {
				if err := s.Commit(t.Context(), []alert.Batch{tickBatch(c.Fence, c.Lane, c.Prev)}); !errors.Is(err, want) {
					t.Fatalf("%+v ends with %v, in the model with %v", c, err, want)
				}
				outcomes[want]++
			},
		})
	}
	if requests < 100 || outcomes[nil] < 100 || outcomes[alert.ErrFenced] == 0 {
		t.Errorf("%d requests, and commits that ended with %v", requests, outcomes)
	}
	t.Logf("%d requests, and commits that ended with %v", requests, outcomes)
}

// TestLeasesAtOnce has many replicas ask for all leases at the same time: each goes to one.
func TestLeasesAtOnce(t *testing.T) {
	var names []string
	for i := range 32 {
		names = append(names, string(rune('A'+i)))
	}
	s := openAt(t, newDatabase(t))
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := string(rune('a' + i))
			standing, err := s.Leases(names...).Renew(t.Context(), lease.Request{Replica: name, TTL: time.Minute, Take: names[i : i+25]})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, h := range standing.Leases {
				if h.Holder == name {
					got[h.Name]++
				}
			}
		})
	}
	wg.Wait()
	for _, name := range names {
		if got[name] != 1 {
			t.Errorf("%s was taken by %d replicas", name, got[name])
		}
	}
}

// TestLeaseInUse has a commit hold a lease's row: nobody waits for it, and others can't take it.
func TestLeaseInUse(t *testing.T) {
	s := openAt(t, newDatabase(t))
	leases := s.Leases("00", "01")
	if _, err := leases.Renew(t.Context(), lease.Request{Replica: "a", TTL: time.Nanosecond, Take: []string{"00"}}); err != nil {
		t.Fatal(err)
	}
	take := lease.Request{Replica: "b", TTL: time.Minute, Take: []string{"00", "01"}}
	err := s.writing(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM leases WHERE name = '00' FOR SHARE`); err != nil {
			return err
		}
		standing, err := leases.Renew(ctx, take)
		if err == nil && (standing.Leases[0].Holder != "" || standing.Leases[1].Holder != "b") {
			t.Errorf("while a commit is under way: %+v", standing)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	standing, err := leases.Renew(t.Context(), take)
	if err != nil || standing.Leases[0] != (lease.Held{Lease: lease.Lease{Name: "00", Fence: 2}, Holder: "b"}) {
		t.Errorf("after the commit: %+v, %v", standing, err)
	}
}
