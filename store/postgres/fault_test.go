//go:build e2e

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/postgres/postgrestest"
	"github.com/postburn/postburn/store/record"
)

var first = time.Date(2026, 3, 29, 0, 59, 30, 0, time.UTC)

// tickTime returns the n-th tick; tick 0 is the zero time.
func tickTime(n int) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return first.Add(time.Duration(n) * 30 * time.Second)
}

// tickBatch takes a lane from one tick to the next.
func tickBatch(fence int64, lane string, n int) alert.Batch {
	return alert.Batch{Lane: lane, Fence: fence, Prev: tickTime(n), Tick: tickTime(n + 1), Samples: fmt.Append(nil, lane, n)}
}

// testIncident is open.
func testIncident(id string, revision int) alert.Incident {
	return alert.Incident{ID: id, Revision: revision, Group: "checkout", Windows: []alert.Window{{
		Objective: slo.Objective{Name: "checkout", Target: slo.MustDecimal("0.999"), Window: slo.Window{Rolling: time.Hour}}, Kind: alert.Burn, Onset: tickTime(1), Detected: tickTime(2),
	}}}
}

// tickBatches are the n-th tick of two lanes: samples, a roster, a checkpoint and an incident.
func tickBatches(fence int64, n int) []alert.Batch {
	a, b := tickBatch(fence, "a", n), tickBatch(fence, "b", n)
	a.Roster, a.Incidents = fmt.Append(nil, "roster", n), []alert.Incident{testIncident("i", n+1)}
	b.Samples = bytes.Repeat(b.Samples, 20_000)
	b.Checkpoint = &alert.Checkpoint{State: fmt.Append(nil, "state", n)}
	return []alert.Batch{a, b}
}

// checkTicks checks that the store holds n ticks of tickBatches, each once.
func checkTicks(t *testing.T, s *Store, n int) {
	t.Helper()
	want := map[string]alert.Recovery{"a": {Cursor: tickTime(n)}, "b": {Cursor: tickTime(n)}}
	for tick := range n {
		for _, b := range tickBatches(0, tick) {
			r := want[b.Lane]
			r.Rows = append(r.Rows, alert.Row{Tick: b.Tick, Samples: b.Samples})
			if b.Roster != nil {
				r.Roster = b.Roster
			}
			if b.Checkpoint != nil {
				r.State, r.StateTick = b.Checkpoint.State, b.Tick
			}
			want[b.Lane] = r
		}
	}
	for lane, want := range want {
		got, err := s.Load(t.Context(), lane)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmp.Comparer(bytes.Equal), cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
			t.Errorf("lane %s after %d ticks (-want +got):\n%.2000s", lane, n, d)
		}
	}
	incidents, err := s.Incidents(t.Context(), time.Time{})
	if err != nil || len(incidents) != 1 || incidents[0].Revision != n {
		t.Errorf("incidents %+v, %v", incidents, err)
	}
}

// untilWritten commits the same batches again and again, as the daemon does, and returns how often
// that failed.
func untilWritten(t *testing.T, s *Store, batches []alert.Batch) (failures int) {
	t.Helper()
	for begun := time.Now(); ; failures++ {
		err := s.Commit(t.Context(), batches)
		if err == nil {
			return failures
		}
		if errors.Is(err, alert.ErrConflict) || errors.Is(err, alert.ErrFenced) || time.Since(begun) > time.Minute {
			t.Fatalf("after %d failures: %v", failures, err)
		}
		wantUnreachable(t, err)
	}
}

// TestCut cuts the connections at each point of a commit, of saving a publication and of taking
// over. What was being written is written again: it is there once.
func TestCut(t *testing.T) {
	name, proxy := proxied(t)
	s := openAt(t, proxy.URL(name))
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ticks, cuts := 0, 0
	for at, was := 0, -1; was != cuts; at++ {
		was = cuts
		proxy.CutAfter(at)
		untilWritten(t, s, tickBatches(fence, ticks))
		cuts = proxy.Heal()
		ticks++
	}
	if cuts < 8 {
		t.Errorf("a commit was cut at %d points only", cuts)
	}
	checkTicks(t, s, ticks)
	t.Logf("commits were cut at %d points", cuts)

	for at, was := 0, -1; was != cuts; at++ {
		was = cuts
		p := issue.Publication{Key: "i", Feedback: issue.Feedback{Triage: issue.Triage(fmt.Sprint(at))}, Parts: []issue.Part{{Incident: "i", Posted: at}}}
		proxy.CutAfter(at)
		for s.Save(t.Context(), p) != nil {
			if t.Context().Err() != nil {
				t.Fatal("saving never succeeds")
			}
		}
		cuts = proxy.Heal()
		if got, ok, err := s.Publication(t.Context(), "i"); err != nil || !ok || !reflect.DeepEqual(got, p) {
			t.Fatalf("publication %+v, %v", got, err)
		}
	}
	for at, was := 0, -1; was != cuts; at++ {
		was = cuts
		proxy.CutAfter(at)
		var next int64
		for err := errors.New("not yet"); err != nil; {
			next, err = s.Acquire(t.Context())
		}
		cuts = proxy.Heal()
		if next <= fence {
			t.Fatalf("fence %d after %d", next, fence)
		}
		fence = next
	}
}

// TestLostAnswer has the answer to a commit get lost: the batches are written, and taken as written
// when they come again.
func TestLostAnswer(t *testing.T) {
	name, proxy := proxied(t)
	s, direct := openAt(t, proxy.URL(name)), openAt(t, server.URL(name))
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for at, n := 0, 0; ; at++ {
		proxy.CutAfter(at)
		err := s.Commit(t.Context(), tickBatches(fence, n))
		proxy.Heal()
		r, loading := direct.Load(t.Context(), "a")
		if loading != nil {
			t.Fatal(loading)
		}
		written := r.Cursor.Equal(tickTime(n + 1))
		if err == nil && !written {
			t.Fatal("a commit without an error wrote nothing")
		}
		if err == nil && at > 0 {
			t.Fatal("no answer was lost after its commit")
		}
		if written && err != nil {
			if again := untilWritten(t, s, tickBatches(fence, n)); again != 0 {
				t.Errorf("%d failures without a fault", again)
			}
			checkTicks(t, direct, n+1)
			return
		}
	}
}

// TestCrash kills the server in the midst of commits, again and again.
func TestCrash(t *testing.T) {
	mortal := startServer(t)
	s := openAt(t, mortal.URL("postgres"))
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	crashed := make(chan error, 1)
	go func() {
		var err error
		for n := 0; n < 3 && err == nil; n++ {
			time.Sleep(200 * time.Millisecond) // lets commits go on: not waited for
			if err = mortal.Down(n != 1); err == nil {
				err = mortal.Up()
			}
		}
		stop()
		crashed <- err
	}()
	ticks, failures := 0, 0
	for ; ctx.Err() == nil; ticks++ {
		failures += untilWritten(t, s, tickBatches(fence, ticks))
	}
	if err := <-crashed; err != nil {
		t.Fatal(err)
	}
	failures += untilWritten(t, s, tickBatches(fence, ticks))
	checkTicks(t, s, ticks+1)
	if failures == 0 {
		t.Error("no commit failed")
	}
	t.Logf("%d ticks, %d failures", ticks+1, failures)
}

// TestTakeover takes over while commits are under way: none is written later.
func TestTakeover(t *testing.T) {
	url := newDatabase(t)
	a, b := openAt(t, url), openAt(t, url)
	for round := range 20 {
		fence, err := a.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan int, 1)
		lane := fmt.Sprint("lane ", round)
		go func() {
			n := 0
			for a.Commit(t.Context(), []alert.Batch{tickBatch(fence, lane, n)}) == nil {
				n++
			}
			ended <- n
		}()
		time.Sleep(time.Duration(round) * time.Millisecond) // lets commits go on: not waited for
		if _, err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		before, err := b.Load(t.Context(), lane)
		if err != nil {
			t.Fatal(err)
		}
		n := <-ended
		after, err := b.Load(t.Context(), lane)
		if err != nil || !before.Cursor.Equal(after.Cursor) || n > 0 && !after.Cursor.Equal(tickTime(n)) {
			t.Fatalf("the lane was at %s after the takeover, and is at %s after %d commits, %v", before.Cursor, after.Cursor, n, err)
		}
	}
}

// TestHanging has the server end transactions that hold the fence's lock and do nothing, and no
// others.
func TestHanging(t *testing.T) {
	s := openAt(t, newDatabase(t))
	for _, want := range []string{"20s", "0"} { // in the transaction, and in the next one on the same connection
		err := s.writing(t.Context(), func(ctx context.Context, tx pgx.Tx) (err error) {
			if want == "20s" {
				err = s.fence.lock(ctx, tx, s.fence.check)
			}
			var got string
			if err == nil {
				err = tx.QueryRow(ctx, "SHOW idle_in_transaction_session_timeout").Scan(&got)
			}
			if got != want {
				t.Errorf("a transaction may be idle for %s, not %s", got, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSaveWaits saves a publication while the commit that adds its incident is under way: it waits,
// and then the incident is published.
func TestSaveWaits(t *testing.T) {
	s := openAt(t, newDatabase(t))
	fence, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := tickBatch(fence, "a", 0)
	batch.Incidents = []alert.Incident{testIncident("i", 1)}
	chains, err := record.Chains([]alert.Batch{batch})
	if err != nil {
		t.Fatal(err)
	}
	saved := make(chan error, 1)
	err = s.writing(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		lanes, err := lockForCommit(ctx, tx, chains)
		if err == nil {
			err = writeChains(ctx, tx, chains, lanes)
		}
		go func() {
			saved <- s.Save(t.Context(), issue.Publication{Key: "i", Parts: []issue.Part{{Incident: "i", Posted: 1}}})
		}()
		for waits := false; err == nil && !waits; {
			if len(saved) > 0 {
				return errors.New("it does not wait")
			}
			err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-saved; err != nil {
		t.Fatal(err)
	}
	if incidents, _, err := s.Behind(t.Context()); err != nil || len(incidents) != 0 {
		t.Errorf("%d incidents are behind, %v", len(incidents), err)
	}
}

// proxied returns an empty database, and a proxy to it.
func proxied(t *testing.T) (name string, proxy *postgrestest.Proxy) {
	t.Helper()
	name, err := server.Create()
	if err != nil {
		t.Fatal(err)
	}
	if proxy, err = server.Proxy(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return name, proxy
}

// startServer starts a server of the test's own.
func startServer(t testing.TB, settings ...string) *postgrestest.Server {
	t.Helper()
	s, err := postgrestest.Start(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
