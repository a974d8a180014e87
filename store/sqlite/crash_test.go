package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// crashLanes are committed together, so that they are always at the same tick.
const crashLanes = 3

// TestCrash kills a process that commits, again and again, and looks at what it leaves behind.
func TestCrash(t *testing.T) {
	const kills = 40
	random := rand.New(rand.NewPCG(seed.Of(t), 0))
	path := filepath.Join(t.TempDir(), "postburn.db")
	last := -1
	for life := range kills {
		// Every other one is killed while it opens the store, or soon after.
		acknowledged := killWhileCommitting(t, path, life%2 == 0, time.Duration(random.Int64N(int64(60*time.Millisecond))))
		at := checkAfterCrash(t, path)
		if at < acknowledged || at < last {
			t.Fatalf("the store is at tick %d, but tick %d was committed", at, max(acknowledged, last))
		}
		last = at
	}
	t.Logf("%d ticks of %d lanes in %d lives", last+1, crashLanes, kills)
}

// killWhileCommitting returns the last tick that the process told to be committed, or -1. It is
// killed some time after its start, or after its first commit.
func killWhileCommitting(t *testing.T, path string, started bool, after time.Duration) int {
	cmd := helper(t, "commit until killed", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, acknowledged := bufio.NewReader(out), -1
	if !started {
		if _, err := fmt.Fscanln(lines, &acknowledged); err != nil {
			t.Fatalf("reading its first commit: %v", err)
		}
	}
	time.AfterFunc(after, func() { cmd.Process.Kill() })
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // killed
	whole := rest[:strings.LastIndexByte(string(rest), '\n')+1]
	if told := strings.Fields(string(whole)); len(told) > 0 {
		fmt.Sscan(told[len(told)-1], &acknowledged)
	}
	return acknowledged
}

// commitUntilKilled continues from the store's cursor, and reports each tick that it committed.
func commitUntilKilled(path string) error {
	ctx := background()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	fence, err := s.Acquire(ctx)
	if err != nil {
		return err
	}
	r, err := s.Load(ctx, "lane 0")
	if err != nil {
		return err
	}
	n := 0
	if !r.Cursor.IsZero() {
		n = tickNumber(r.Cursor) + 1
	}
	for ; ; n++ {
		if err := s.Commit(ctx, crashBatches(fence, n)); err != nil {
			return err
		}
		fmt.Println(n)
		if err := s.Save(ctx, issue.Publication{Key: "i", Parts: []issue.Part{{Incident: "i", Posted: n + 1}}}); err != nil {
			return err
		}
	}
}

// crashBatches are what all lanes commit at tick n: now and then a state, now and then a history,
// and always a revision of the incident.
func crashBatches(fence int64, n int) []alert.Batch {
	var batches []alert.Batch
	for lane := range crashLanes {
		name := fmt.Sprint("lane ", lane)
		b := tickBatch(fence, name, n)
		b.Samples = append(b.Samples, make([]byte, 5000*lane)...)
		b.Roster = fmt.Appendf(nil, "roster %s %d", name, n)
		if n%3 == 0 {
			b.Checkpoint = &alert.Checkpoint{State: fmt.Appendf(nil, "state %s %d", name, n)}
			if n%12 == 0 {
				b.Checkpoint.History = append(fmt.Appendf(nil, "history %s %d", name, n), make([]byte, 20000)...)
			}
		}
		batches = append(batches, b)
	}
	batches[1].Incidents = []alert.Incident{testIncident("i", n+1)}
	return batches
}

// checkAfterCrash checks that the store holds all of some tick's batches and nothing of the next,
// and returns that tick.
func checkAfterCrash(t *testing.T, path string) int {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var verdict string
	if err := s.reader.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity check: %s, %v", verdict, err)
	}
	incidents, err := s.Incidents(t.Context(), time.Time{})
	if err != nil || len(incidents) > 1 {
		t.Fatalf("%d incidents, %v", len(incidents), err)
	}
	if len(incidents) == 0 {
		if lanes := count(t, s, "SELECT count(*) FROM lanes"); lanes > 0 {
			t.Fatalf("%d lanes, but no incident", lanes)
		}
		return -1
	}
	at := incidents[0].Revision - 1
	for lane, b := range crashBatches(0, at) {
		got, err := s.Load(t.Context(), b.Lane)
		if err != nil {
			t.Fatal(err)
		}
		stateTick, historyTick := at-at%3, at-at%12
		want := alert.Recovery{Cursor: b.Tick, Roster: b.Roster, StateTick: tickTime(stateTick), HistoryTick: tickTime(historyTick)}
		want.State = crashBatches(0, stateTick)[lane].Checkpoint.State
		want.History = crashBatches(0, historyTick)[lane].Checkpoint.History
		for n := historyTick + 1; n <= at; n++ {
			want.Rows = append(want.Rows, alert.Row{Tick: tickTime(n), Samples: crashBatches(0, n)[lane].Samples})
		}
		if d := diff(want, got); d != "" {
			t.Fatalf("%s at tick %d (-want +got):\n%s", b.Lane, at, d)
		}
	}
	p, _, err := s.Publication(t.Context(), "i")
	if err != nil {
		t.Fatal(err)
	}
	posted := p.Parts.Posted("i")
	if posted > at+1 {
		t.Fatalf("revision %d is posted, of %d", posted, at+1)
	}
	behind, _, err := s.Behind(t.Context())
	if err != nil || len(behind) != btoi(posted <= at) {
		t.Fatalf("revision %d is posted, of %d, but %d are behind, %v", posted, at+1, len(behind), err)
	}
	return at
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func tickNumber(t time.Time) int { return int(t.Sub(tickTime(0)) / (30 * time.Second)) }

// background is for what runs outside of a test.
func background() context.Context { return context.Background() }

// testIncident is open if the revision is odd.
func testIncident(id string, revision int) alert.Incident {
	w := alert.Window{
		Objective: slo.Objective{Name: "checkout-availability", Target: slo.MustDecimal("0.999")},
		Kind:      alert.Burn, Onset: tickTime(0), Detected: tickTime(1),
	}
	if revision%2 == 0 {
		w.Ended = tickTime(revision)
	}
	return alert.Incident{ID: id, Revision: revision, Group: "checkout", Windows: []alert.Window{w}}
}
