package lease

import (
	"maps"
	"time"
)

// Claims are the leases under which a replica may write: their fences, by name.
type Claims map[string]int64

// ledger is what a replica knows of leases. It is a state machine without a clock or I/O: next is
// what to ask the table, and note takes in the answer.
type ledger struct {
	replica string
	ttl     time.Duration

	claims  Claims    // never changed, only replaced
	until   time.Time // others may take them from then on
	release []Lease   // to be given up, as others have fewer
	wanted  []string  // free ones to take
}

// next returns what to ask the table for.
func (l *ledger) next() Request {
	return Request{Replica: l.replica, TTL: l.ttl, Release: l.release, Take: l.wanted}
}

// note takes in the answer to a request that was sent at a time. It reports whether there is more
// to ask for at once.
func (l *ledger) note(s Standing, sent time.Time) (more bool) {
	l.until = sent.Add(l.ttl) // the table carried it out then or later
	own := Claims{}
	for _, h := range s.Leases {
		if h.Holder == l.replica {
			own[h.Name] = h.Fence
		}
	}
	l.release, l.wanted = plan(l.replica, s)
	for _, gone := range l.release {
		delete(own, gone.Name)
	}
	l.claims = own
	return len(l.release)+len(l.wanted) > 0
}

// lose drops a lease, as the store has refused its fence.
func (l *ledger) lose(lease Lease) {
	if l.claims[lease.Name] == lease.Fence {
		l.claims = maps.Clone(l.claims)
		delete(l.claims, lease.Name)
	}
}
