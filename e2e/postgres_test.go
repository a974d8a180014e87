//go:build e2e

package e2e

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/store/postgres/postgrestest"
)

const databasePassword = "a-database-password-that-must-not-be-shown"

// startPostgres starts a PostgreSQL of the test's own, and returns the address of a database.
func startPostgres(t *testing.T) (server *postgrestest.Server, address string) {
	t.Helper()
	server, err := postgrestest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, server.URL("postgres") + "&password=" + databasePassword
}

// TestPostgres has PostgreSQL crash in an outage, and kills postburn after that: there is one
// issue, with the right numbers.
func TestPostgres(t *testing.T) {
	t.Parallel()
	database, address := startPostgres(t)
	s, server := newGitHubStage(t)
	server.WriteEvery = 0 // who was killed does not know when it wrote
	s.postburn.env = append(s.postburn.env, "POSTBURN_STORE="+address)
	s.start()
	f := s.breakDown()
	s.awaitIssue(server)
	if err := database.Down(true); err != nil {
		t.Fatal(err)
	}
	s.postburn.awaitStoreProblem("unreachable", "store postgres://", "postburn connects again by itself; until then nothing is committed, and nothing is lost")
	await(t, patience, "it to say that it takes no part", func() error {
		if _, err := get(s.postburn.url + "/-/ready"); err == nil || !strings.Contains(err.Error(), "postburn takes no part: store postgres://") {
			return errors.Join(errNotYet, err)
		}
		return nil
	})
	f.until(lasting)
	s.repair(f)
	if err := database.Up(); err != nil {
		t.Fatal(err)
	}
	s.postburn.awaitStoreHealthy()
	s.postburn.isReady()
	s.postburn.kill()
	s.postburn.start()
	s.verifyIssue(server, f)
	status, err := get(s.postburn.url + "/status")
	if err != nil || !strings.Contains(string(status), "postgres:///postgres") {
		t.Errorf("the store is not on the page: %v\n%s", err, status)
	}
	said := s.postburn.runStore(0, "check") + s.postburn.runStore(2, "backup", s.postburn.path("backup.db"))
	if !strings.Contains(said, "is fine: schema version ") || !strings.Contains(said, "1 incident, 1 publication") || !strings.Contains(said, "pg_dump") {
		t.Errorf("the commands said:\n%s", said)
	}
	if strings.Contains(s.postburn.output()+said+string(status), databasePassword) {
		t.Error("the password is shown")
	}
	if code := s.postburn.stop(10 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestPostgresCopy moves a running postburn from SQLite to PostgreSQL in an outage: the daemon goes
// on with the same incident and its issue, and has lost no tick. Then it is moved back.
func TestPostgresCopy(t *testing.T) {
	t.Parallel()
	_, address := startPostgres(t)
	s, server := newGitHubStage(t)
	server.WriteEvery = 0 // the second process does not know when the first wrote
	s.start()
	f := s.breakDown()
	s.awaitIssue(server)
	file, back := s.postburn.path("postburn.db"), s.postburn.path("back.db")
	said := s.postburn.runStore(0, "copy", file, address)
	for _, want := range []string{"copied store " + file + " to postgres:///postgres\n", "1 incident: sha256 ", "1 publication: sha256 ", "the copy was read again and is equal"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if said := s.postburn.runStore(1, "copy", file, address); !strings.Contains(said, "a postburn has used it already") || strings.Contains(said, databasePassword) {
		t.Errorf("a second copy says\n%s", said)
	}
	s.postburn.kill()
	f.until(lasting)
	s.postburn.env = append(s.postburn.env, "POSTBURN_STORE="+address)
	s.postburn.start()
	s.repair(f)
	s.verifyIssue(server, f)
	if n := s.postburn.said("level=WARN", "tick"); n > 0 {
		t.Errorf("%d warnings of ticks", n)
	}
	if code := s.postburn.stop(10 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.postburn.runStore(0, "copy", address, back)
	if ticks, span := storedTicks(t, back); ticks < 5 || span != time.Duration(ticks-1)*tick {
		t.Errorf("the store has %d ticks over %s", ticks, span)
	}
}

// storedTicks returns how many ticks a store has samples of beside its history, and the time from
// the first to the last.
func storedTicks(t *testing.T, path string) (ticks int, span time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(DISTINCT tick), max(tick) - min(tick) FROM samples").Scan(&ticks, &span); err != nil {
		t.Fatal(err)
	}
	return ticks, span
}
