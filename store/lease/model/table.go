package model

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/store/lease"
)

// Table is a lease.Table in memory.
type Table struct {
	mu    sync.Mutex
	ahead time.Duration
	table
}

// NewTable returns a table with leases that nobody holds yet.
func NewTable(leases ...string) *Table { return &Table{table: *newTable(rules{}, leases...)} }

// Renew implements lease.Table.
func (t *Table) Renew(_ context.Context, r lease.Request) (lease.Standing, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.renew(time.Now().Add(t.ahead), r), nil
}

// Advance sets the table's clock forward.
func (t *Table) Advance(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ahead += d
}

// Holders returns who holds each lease.
func (t *Table) Holders() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	holders := map[string]string{}
	for name, l := range t.leases {
		holders[name] = l.holder
	}
	return holders
}

// table is what a Table holds.
type table struct {
	rules  rules
	alive  map[string]time.Time // until when, by replica
	leases map[string]row
}

type row struct {
	holder string
	fence  int64
	until  time.Time
}

func newTable(rules rules, leases ...string) *table {
	t := &table{rules: rules, alive: map[string]time.Time{}, leases: map[string]row{}}
	for _, name := range leases {
		t.leases[name] = row{}
	}
	return t
}

func (t *table) clone() *table {
	return &table{t.rules, maps.Clone(t.alive), maps.Clone(t.leases)}
}

func (t *table) renew(now time.Time, r lease.Request) lease.Standing {
	t.alive[r.Replica] = now.Add(r.TTL)
	if r.Leave {
		delete(t.alive, r.Replica)
	}
	maps.DeleteFunc(t.alive, func(_ string, until time.Time) bool { return !until.After(now) })
	s := lease.Standing{Replicas: slices.Sorted(maps.Keys(t.alive))}
	for _, name := range slices.Sorted(maps.Keys(t.leases)) {
		l := t.leases[name]
		if l.holder == r.Replica && (r.Leave || slices.Contains(r.Release, lease.Lease{Name: name, Fence: l.fence})) {
			l.holder = ""
		}
		free := l.holder == "" || !l.until.After(now)
		switch {
		case l.holder == r.Replica:
			l.until, free = now.Add(r.TTL), false
		case free && slices.Contains(r.Take, name):
			l, free = row{r.Replica, l.fence + 1, now.Add(r.TTL)}, false
			if t.rules.sameFence {
				l.fence = 1
			}
		}
		t.leases[name] = l
		if free {
			l.holder = ""
		}
		s.Leases = append(s.Leases, lease.Held{Lease: lease.Lease{Name: name, Fence: l.fence}, Holder: l.holder})
	}
	return s
}
