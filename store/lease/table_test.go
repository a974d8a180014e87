package lease

import (
	"context"
	"maps"
	"slices"
	"time"
)

// table is a Table in memory.
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

// Renew implements Table.
func (t *table) Renew(_ context.Context, r Request) (Standing, error) {
	return t.renew(time.Now(), r), nil
}

func (t *table) renew(now time.Time, r Request) Standing {
	t.alive[r.Replica] = now.Add(r.TTL)
	if r.Leave {
		delete(t.alive, r.Replica)
	}
	maps.DeleteFunc(t.alive, func(_ string, until time.Time) bool { return !until.After(now) })
	s := Standing{Replicas: slices.Sorted(maps.Keys(t.alive))}
	for _, name := range slices.Sorted(maps.Keys(t.leases)) {
		l := t.leases[name]
		if l.holder == r.Replica && (r.Leave || slices.Contains(r.Release, Lease{name, l.fence})) {
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
		s.Leases = append(s.Leases, Held{Lease{name, l.fence}, l.holder})
	}
	return s
}
