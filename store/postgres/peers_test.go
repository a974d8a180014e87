//go:build e2e

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/store/lease"
)

// asks asks the other replicas until the answers are these, by replica.
func asks(t *testing.T, p *Peers, question string, want map[string]string) {
	t.Helper()
	var got map[string]string
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		answers, err := p.Ask(ctx, []byte(question))
		cancel()
		got = map[string]string{}
		for replica, answer := range answers {
			got[replica] = string(answer)
		}
		if err == nil && maps.Equal(got, want) {
			return
		}
	}
	t.Errorf("%q is answered by (-want +got):\n%s", question, cmp.Diff(want, got))
}

// TestPeers has replicas ask each other, while they come, go and lose their connections.
func TestPeers(t *testing.T) {
	url := newDatabase(t)
	for _, schema := range []string{"", "&search_path=Größe"} { // in one database
		t.Run(schema, func(t *testing.T) {
			peers, stops := map[string]*Peers{}, map[string]context.CancelFunc{}
			leases := openAt(t, url+schema).Leases("00")
			for _, name := range []string{"a", "b", "c"} {
				s := openAt(t, url+schema)
				if _, err := leases.Renew(t.Context(), lease.Request{Replica: name, TTL: time.Hour}); err != nil {
					t.Fatal(err)
				}
				peers[name] = s.Peers(name, slog.New(slog.DiscardHandler))
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() {
					ended <- peers[name].Serve(ctx, func(_ context.Context, question []byte) ([]byte, error) {
						return fmt.Appendf(nil, "%s says %s%s", name, question, schema), nil
					})
				}()
				stops[name] = func() {
					stop()
					if err := <-ended; err != nil {
						t.Error(err)
					}
				}
			}
			say := func(names ...string) map[string]string {
				all := map[string]string{}
				for _, name := range names {
					all[name] = name + " says hi" + schema
				}
				return all
			}
			asks(t, peers["a"], "hi", say("b", "c"))
			asks(t, peers["b"], "hi", say("a", "c"))
			if err := server.Exec("postgres", "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname <> 'postgres'"); err != nil {
				t.Fatal(err)
			}
			asks(t, peers["a"], "hi", say("b", "c"))
			stops["c"]() // it does not answer, and counts as alive
			asks(t, peers["a"], "hi", say("b"))
			if _, err := leases.Renew(t.Context(), lease.Request{Replica: "c", TTL: time.Hour, Leave: true}); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := peers["a"].Ask(ctx, []byte("hi")); err != nil || time.Since(begun) > 30*time.Second {
				t.Errorf("a replica that has left is waited for, %s, %v", time.Since(begun), err)
			}
			stops["a"]()
			stops["b"]()
			var left int
			if err := peers["a"].database.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM questions) + (SELECT count(*) FROM answers)").Scan(&left); err != nil || left != 0 {
				t.Errorf("%d rows are left, %v", left, err)
			}
		})
	}
}
