package lease_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/lease/model"
)

// shared is a table that several keepers use at once, and that may fail.
type shared struct {
	mu    sync.Mutex
	table *model.Table
	fails error
	calls int
}

func (s *shared) Renew(ctx context.Context, r lease.Request) (lease.Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fails != nil {
		return lease.Standing{}, s.fails
	}
	return s.table.Renew(ctx, r)
}

func (s *shared) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}

// asked returns how many requests there were.
func (s *shared) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// moving is how long lanes may take to move: three renewals, one that tells a replica, one in which
// another gives up what it has too many of, and one that finds these free.
const moving = 15 * time.Second

// starting is how long a replica waits before it takes anything.
const starting = 5 * time.Second

func lanesOf(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("%02d", i))
	}
	return append(names, lease.Publishing)
}

// node is a running keeper, and what it follows.
type node struct {
	*lease.Keeper
	registry *prometheus.Registry
	stop     func()
	done     chan error

	mu    sync.Mutex
	holds lease.Claims
	moved int // leases that it got
}

// metric returns the value of a gauge; -1 if there is none.
func (n *node) metric(name string) float64 {
	families, _ := n.registry.Gather()
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func start(t *testing.T, s *shared, name string) *node {
	n := &node{registry: prometheus.NewRegistry(), done: make(chan error, 1)}
	n.Keeper = lease.New(lease.Options{Replica: name, Table: s, Follow: n.follow, Registerer: n.registry})
	ctx, stop := context.WithCancel(t.Context())
	n.stop = stop
	go func() { n.done <- n.Run(ctx) }()
	return n
}

func (n *node) follow(_ context.Context, claims lease.Claims) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, fence := range claims {
		if n.holds[name] != fence {
			n.moved++
		}
	}
	n.holds = claims
	return nil
}

// following returns what a node follows, and how many leases it has got in all.
func (n *node) following() (holds lease.Claims, moved int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.holds, n.moved
}

// movedTo returns how many leases some nodes have got in all.
func movedTo(nodes ...*node) (sum int) {
	for _, n := range nodes {
		_, moved := n.following()
		sum += moved
	}
	return sum
}

// whole checks that every lease is followed by one node, and that lanes are spread evenly.
func whole(t *testing.T, names []string, nodes ...*node) {
	t.Helper()
	holders := map[string]int{}
	least, most := len(names), 0
	for _, n := range nodes {
		lanes := 0
		holds, _ := n.following()
		for name := range holds {
			if holders[name]++; name != lease.Publishing {
				lanes++
			}
		}
		least, most = min(least, lanes), max(most, lanes)
	}
	for _, name := range names {
		if holders[name] != 1 {
			t.Errorf("%s is followed by %d replicas", name, holders[name])
		}
	}
	if most-least > 1 {
		t.Errorf("replicas follow %d to %d lanes", least, most)
	}
}

func TestKeeper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := lanesOf(32)
		s := &shared{table: model.NewTable(names...)}
		a := start(t, s, "a")
		time.Sleep(starting)
		synctest.Wait()
		whole(t, names, a)

		b, c := start(t, s, "b"), start(t, s, "c")
		time.Sleep(moving)
		synctest.Wait()
		whole(t, names, a, b, c)
		if moved := movedTo(b, c); moved > 22 {
			t.Errorf("%d lanes moved to two new replicas of three, of 32", moved)
		}

		c.stop()
		if err := <-c.done; err != nil {
			t.Error(err)
		}
		if holds, _ := c.following(); len(holds) > 0 {
			t.Errorf("a replica that ended follows %d leases", len(holds))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		whole(t, names, a, b)
		a.stop()
		b.stop()
	})
}

// TestStartTogether starts replicas within seconds: no lane is given up again.
func TestStartTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := lanesOf(32)
		s := &shared{table: model.NewTable(names...)}
		var all []*node
		for i := range 4 {
			all = append(all, start(t, s, fmt.Sprint(i)))
			time.Sleep(time.Second)
		}
		time.Sleep(moving)
		synctest.Wait()
		whole(t, names, all...)
		if moved := movedTo(all...); moved != len(names) {
			t.Errorf("%d leases were taken by replicas that start together, want %d", moved, len(names))
		}
		for _, n := range all {
			n.stop()
		}
	})
}

// TestDeadReplica has a replica fall silent: others have its leases within 20 s.
func TestDeadReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := lanesOf(32)
		s := &shared{table: model.NewTable(names...)}
		silent := &shared{table: s.table}
		a, b := start(t, s, "a"), start(t, silent, "b")
		time.Sleep(moving)
		synctest.Wait()
		whole(t, names, a, b)

		if n := a.metric("postburn_leases_held") + b.metric("postburn_leases_held"); n != 33 {
			t.Errorf("they show %v leases", n)
		}
		silent.fail(errors.New("paused"))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		whole(t, names, a)
		if b.Problem() == nil {
			t.Error("a replica that can't renew its leases takes part")
		}
		if n := b.metric("postburn_leases_held"); n != 0 {
			t.Errorf("a replica that can't renew its leases shows %v of them", n)
		}
		holds, _ := b.following()
		for name, fence := range holds {
			if b.Holds(lease.Lease{Name: name, Fence: fence}) {
				t.Errorf("%s is held after its time", name)
			}
		}
		silent.fail(nil)
		time.Sleep(moving)
		synctest.Wait()
		whole(t, names, a, b)
		if err := b.Problem(); err != nil {
			t.Error(err)
		}
		a.stop()
		b.stop()
	})
}

// TestTableAway takes the table away from all: they keep what they have.
func TestTableAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := lanesOf(8)
		s := &shared{table: model.NewTable(names...)}
		a, b := start(t, s, "a"), start(t, s, "b")
		time.Sleep(moving)
		synctest.Wait()
		before := movedTo(a, b)
		s.fail(errors.New("restarting"))
		time.Sleep(time.Minute)
		s.fail(nil)
		time.Sleep(moving)
		synctest.Wait()
		whole(t, names, a, b)
		if moved := movedTo(a, b) - before; moved > len(names) {
			t.Errorf("%d leases moved", moved)
		}
		a.stop()
		b.stop()
	})
}

// TestLost tells of a refused write: it is followed at once, before the next renewal.
func TestLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := lanesOf(2)
		s := &shared{table: model.NewTable(names...)}
		a := start(t, s, "a")
		time.Sleep(starting)
		synctest.Wait()
		before, _ := a.following()
		held := lease.Lease{Name: "01", Fence: before["01"]}
		if !a.Holds(held) {
			t.Error("a new lease is not held")
		}
		a.Lost(held)
		synctest.Wait()
		after, _ := a.following()
		if a.Holds(lease.Lease{Name: "01"}) {
			t.Error("a lease that it does not have is held")
		}
		if _, follows := after["01"]; follows || a.Holds(held) {
			t.Error("a lease that was lost is held")
		}
		a.Lost(lease.Lease{Name: "00", Fence: before["00"] - 1}) // another one, long ago
		synctest.Wait()
		after, _ = a.following()
		if _, follows := after["00"]; !follows {
			t.Error("a lease is lost under another fence")
		}
		a.stop()
	})
}

// TestRequests bounds what leases cost a table where nothing happens.
func TestRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shared{table: model.NewTable(lanesOf(32)...)}
		a := start(t, s, "a")
		time.Sleep(starting)
		synctest.Wait()
		before := s.asked()
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls := s.asked() - before; calls != 12 {
			t.Errorf("%d requests a minute, want 12", calls)
		}
		a.stop()
	})
}

// TestShares lets replicas come and go in all numbers: after a few rounds all is even, few lanes
// have moved, and then none moves any more.
func TestShares(t *testing.T) {
	t.Parallel()
	const ttl = 15 * time.Second
	names := lanesOf(32)[:32]
	for before := 1; before <= 8; before++ {
		for after := 1; after <= 8; after++ {
			table := model.NewTable(names...)
			ledgers := map[string]*lease.Ledger{}
			rounds := func(replicas int) (moved int) {
				was := table.Holders()
				for range 6 {
					for i := range replicas {
						name := string(rune('a' + i))
						if ledgers[name] == nil {
							ledgers[name] = &lease.Ledger{Replica: name, TTL: ttl}
						}
						for more := true; more; {
							standing, _ := table.Renew(t.Context(), ledgers[name].Next()) // never returns an error
							more = ledgers[name].Note(standing, time.Now())
						}
					}
					table.Advance(ttl / 3)
				}
				for name, holder := range table.Holders() {
					if holder != was[name] {
						moved++
					}
				}
				return moved
			}
			rounds(before)
			moved := rounds(after)
			shares := map[string]int{}
			for _, holder := range table.Holders() {
				shares[holder]++
			}
			counts := slices.Sorted(maps.Values(shares))
			if len(counts) != after || counts[len(counts)-1]-counts[0] > 1 {
				t.Errorf("from %d to %d replicas: %v", before, after, shares)
			}
			most := 32 - 32*min(before, after)/max(before, after) + max(before, after)
			if moved > most {
				t.Errorf("from %d to %d replicas, %d lanes move, more than %d", before, after, moved, most)
			}
			if moved := rounds(after); moved > 0 {
				t.Errorf("%d lanes move among %d replicas", moved, after)
			}
		}
	}
}

// inUse is a table that gives no lease, as commits hold them all.
type inUse struct{ shared *shared }

func (u inUse) Renew(ctx context.Context, r lease.Request) (lease.Standing, error) {
	r.Take = nil
	return u.shared.Renew(ctx, r)
}

// TestLeasesInUse wants leases that can't be had for a minute: the table is not asked all the time.
func TestLeasesInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shared{table: model.NewTable(lanesOf(4)...)}
		ctx, stop := context.WithCancel(t.Context())
		k := lease.New(lease.Options{Replica: "a", Table: inUse{s}, Follow: func(context.Context, lease.Claims) error { return nil }})
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(time.Minute)
		if asked := s.asked(); asked > 52 { // 13 times one, and three that follow at once
			t.Errorf("%d requests in a minute", asked)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
