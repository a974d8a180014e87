//go:build e2e

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postburn/postburn/store"
)

// TestMigrateAtOnce opens an empty database many times at once: one makes the tables, and all find
// them.
func TestMigrateAtOnce(t *testing.T) {
	for _, schema := range []string{"", "&search_path=Größe"} {
		url := newDatabase(t) + schema
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s, err := Open(t.Context(), url)
				if err != nil {
					t.Errorf("opening: %v", err)
					return
				}
				if _, err := s.Acquire(t.Context()); err != nil {
					t.Errorf("acquiring: %v", err)
				}
				s.Close()
			})
		}
		wg.Wait()
		if fence, err := openAt(t, url).Acquire(t.Context()); err != nil || fence != 9 {
			t.Errorf("fence %d, %v", fence, err)
		}
	}
}

// TestOpen refuses what it can't use, says why and what to do, and shows no password.
func TestOpen(t *testing.T) {
	for name, tc := range map[string]struct {
		do    string
		query url.Values
		want  store.Problem
		says  []string
	}{
		"a newer schema": {"UPDATE postburn.postburn_schema SET version = 99", nil, store.Unsupported,
			[]string{fmt.Sprintf("a newer postburn wrote it: its schema has version 99, and this postburn knows versions 1 to %d; run a postburn that knows", newest())}},
		"tables of another program": {"DROP SCHEMA postburn CASCADE; CREATE SCHEMA postburn; CREATE TABLE postburn.incidents (x int)", nil, store.Unsupported,
			[]string{"schema postburn has tables of another program; name another schema"}},
		"another schema": {"CREATE TABLE public.incidents (x int)", url.Values{"search_path": {"public"}}, store.Unsupported,
			[]string{"?search_path=public: ", "schema public has tables of another program"}},
		"no permission": {"DROP SCHEMA postburn CASCADE; CREATE ROLE weak LOGIN", url.Values{"user": {"weak"}}, store.Refused,
			[]string{"creating schema postburn: ", "permission denied for database", "make its user the owner"}},
		"no database":     {"", url.Values{"dbname": {"missing"}}, store.Missing, []string{`database "missing" does not exist`, "create the database, like CREATE DATABASE"}},
		"a wrong setting": {"", url.Values{"target_session_attrs": {"hunter2"}}, store.Refused, []string{"store in PostgreSQL: its address can't be used"}},
		"a replica":       {"ALTER DATABASE %s SET default_transaction_read_only = on; DROP SCHEMA postburn CASCADE", url.Values{"target_session_attrs": {"read-write"}}, store.ReadOnly, []string{"read only connection", "name the primary"}},
		"too many connections": {"ALTER DATABASE %s CONNECTION LIMIT 0; CREATE ROLE one LOGIN", url.Values{"user": {"one"}}, store.Unreachable,
			[]string{"too many connections", "pool_max_conns"}},
	} {
		t.Run(name, func(t *testing.T) {
			database, err := server.Create()
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), server.URL(database))
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			if err := server.Exec(database, strings.ReplaceAll(tc.do, "%s", database)); err != nil {
				t.Fatal(err)
			}
			address := "postgres:///" + database + "?" + "host=" + url.QueryEscape(filepath.Dir(server.Socket())) + "&password=hunter2"
			if tc.query.Get("user") == "" {
				address += "&user=postgres"
			}
			s, err = Open(t.Context(), address+"&"+tc.query.Encode())
			if err == nil {
				s.Close()
			}
			wantProblem(t, err, tc.want, tc.says...)
		})
	}
}

// TestPassword gives a wrong password, none, and the right one in a file.
func TestPassword(t *testing.T) {
	own := startServer(t)
	hba := "local all secret_user scram-sha-256\nlocal all all trust\n"
	if err := errors.Join(os.WriteFile(own.Data("pg_hba.conf"), []byte(hba), 0o600),
		own.Exec("postgres", "CREATE ROLE secret_user LOGIN SUPERUSER PASSWORD 'right'; SELECT pg_reload_conf()")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, []byte("*:*:*:secret_user:right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := "postgres:///postgres?user=secret_user&host=" + url.QueryEscape(filepath.Dir(own.Socket()))
	_, err := Open(t.Context(), address+"&password=hunter2")
	wantProblem(t, err, store.Refused, "password authentication failed", "PGPASSFILE")
	_, err = Open(t.Context(), address)
	wantProblem(t, err, store.Refused, "PGPASSFILE")
	openAt(t, address+"&passfile="+url.QueryEscape(file))
}

// TestUnreachable asks where nothing answers.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nobody accepts
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Open(ctx, "postgres://user:hunter2@"+l.Addr().String()+"/db"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	_, err = Open(t.Context(), "postgres://user:hunter2@"+l.Addr().String()+"/db?connect_timeout=1")
	wantProblem(t, err, store.Unreachable, "store postgres://"+l.Addr().String()+"/db: ", "check that the server runs")
	_, err = Open(t.Context(), "postgres://user:hunter2@/db?host="+t.TempDir())
	wantProblem(t, err, store.Unreachable, "no such file or directory")
}

// TestAddresses names databases without what only postburn may know.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://user:hunter2@db:5433/shop?sslmode=disable":             "postgres://db:5433/shop",
		"postgres://user:hunter2@a:1,b:2/shop?sslmode=disable":             "postgres://a:1,b:2/shop",
		"postgres://user:hunter2@db/shop?search_path=slo":                  "postgres://db:5432/shop?search_path=slo",
		"postgres:///shop?host=/run/postgresql&user=u&password=hunter2":    "postgres://%2Frun%2Fpostgresql:5432/shop",
		"postgres://user:hunter2@[::1]:5432/shop?pool_max_conns=2&user=me": "postgres://[::1]:5432/shop",
	} {
		config, schema, err := parse(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
		} else if got := nameOf(config, schema); got != want {
			t.Errorf("%s is called %s, not %s", address, got, want)
		}
	}
	for _, address := range []string{
		"postgres://user:hunter2@db:x/shop", "postgres://user:hun/ter2@db/shop", "postgres://user:hunter2@db/shop?sslmode=hunter2", "postgres://user:%zhunter2@db/",
		"postgres://db/?service=hunter2&password=hunter2",
	} {
		_, _, err := parse(address)
		if err == nil {
			t.Errorf("%s is fine", address)
		} else if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, _, err := parse("postgres://user:hunter2@db/shop?sslrootcert=/missing.pem&sslmode=verify-full")
	wantProblem(t, err, store.Refused, "its address can't be used: unable to read CA file: open /missing.pem")
	if config, _, err := parse("postgres://"); err != nil || config.ConnConfig.Database == "shop" {
		t.Errorf("an address that leaves all to variables: %v", err)
	}
}

const endAll = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid()"

// TestWhileOpen has things go wrong with a store in use, and be mended.
func TestWhileOpen(t *testing.T) {
	for name, tc := range map[string]struct {
		do, undo string
		want     store.Problem
		says     string
	}{
		"read only":            {"ALTER ROLE owner SET default_transaction_read_only = on; " + endAll, "ALTER ROLE owner RESET ALL; " + endAll, store.ReadOnly, "in a read-only transaction"},
		"connections ended":    {endAll, "", "", ""},
		"tables gone":          {"ALTER SCHEMA postburn RENAME TO away", "ALTER SCHEMA away RENAME TO postburn", store.Missing, "its tables are gone"},
		"no permission":        {"ALTER TABLE postburn.leases OWNER TO other", "ALTER TABLE postburn.leases OWNER TO owner", store.Refused, "permission denied for table leases"},
		"too many connections": {"ALTER ROLE owner CONNECTION LIMIT 0; " + endAll, "ALTER ROLE owner CONNECTION LIMIT -1", store.Unreachable, "too many connections for role"},
	} {
		t.Run(name, func(t *testing.T) {
			own := startServer(t, "fsync=off")
			if err := errors.Join(own.Exec("postgres", "CREATE ROLE owner LOGIN; CREATE ROLE other"),
				own.Exec("postgres", "CREATE DATABASE shop OWNER owner")); err != nil {
				t.Fatal(err)
			}
			s := openAt(t, strings.Replace(own.URL("shop"), "user=postgres", "user=owner", 1))
			fence, err := s.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(t.Context(), tickBatches(fence, 0)); err != nil {
				t.Fatal(err)
			}
			if err := s.Probe(t.Context()); err != nil {
				t.Errorf("probing: %v", err)
			}
			if err := own.Exec("shop", tc.do); err != nil {
				t.Fatal(err)
			}
			if tc.want != "" {
				s.pool.Reset() // what ended is found out by using it, as the other case shows
				wantProblem(t, s.Probe(t.Context()), tc.want, tc.says, "store postgres://")
				wantProblem(t, s.Commit(t.Context(), tickBatches(fence, 1)), tc.want, tc.says)
				if err := own.Exec("shop", tc.undo); err != nil {
					t.Fatal(err)
				}
			}
			untilWritten(t, s, tickBatches(fence, 1))
			checkTicks(t, s, 2)
			if err := s.Probe(t.Context()); err != nil {
				t.Errorf("probing after it was mended: %v", err)
			}
		})
	}
}

func wantProblem(t *testing.T, err error, want store.Problem, says ...string) {
	t.Helper()
	var problem *store.Error
	if !errors.As(err, &problem) || problem.Problem != want {
		t.Fatalf("got %v (%v), want problem %s", err, problem, want)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
	if text := fmt.Sprint(err); strings.Contains(text, "hunter2") || strings.Contains(text, "user=") || strings.Contains(text, "\n") {
		t.Errorf("it has a password, a user or several lines: %q", text)
	}
}

func wantUnreachable(t *testing.T, err error) {
	t.Helper()
	wantProblem(t, err, store.Unreachable, "nothing is lost")
}
