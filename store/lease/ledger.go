package lease

import (
	"maps"
	"time"
)

// Claims are the leases under which a replica may write: their fences, by name.
type Claims map[string]int64

// Ledger is what a replica knows of leases. It is a state machine without a clock or I/O: Next is
// what to ask the table, and Note takes in the answer. A new one has a replica's name and a TTL.
type Ledger struct {
	Replica string
	TTL     time.Duration

	Claims  Claims    // never changed, only replaced
	Until   time.Time // others may take them from then on
	release []Lease   // to be given up, as others have fewer
	wanted  []string  // free ones to take
}

// Next returns what to ask the table for.
func (l *Ledger) Next() Request {
	return Request{Replica: l.Replica, TTL: l.TTL, Release: l.release, Take: l.wanted}
}

// Note takes in the answer to a request that was sent at a time. It reports whether there is more
// to ask for at once.
func (l *Ledger) Note(s Standing, sent time.Time) (more bool) {
	l.Until = sent.Add(l.TTL) // the table carried it out then or later
	own := Claims{}
	for _, h := range s.Leases {
		if h.Holder == l.Replica {
			own[h.Name] = h.Fence
		}
	}
	l.release, l.wanted = plan(l.Replica, s)
	for _, gone := range l.release {
		delete(own, gone.Name)
	}
	l.Claims = own
	return len(l.release)+len(l.wanted) > 0
}

// Lasts reports whether no other replica can have taken the claims yet. It asks both clocks of now
// (see package time), as either may be behind: the monotonic one stands still while a virtual
// machine is suspended, and the wall clock may be set back. One that is ahead costs a renewal.
func (l *Ledger) Lasts(now time.Time) bool {
	return now.Before(l.Until) && now.Round(0).Before(l.Until.Round(0)) // Round drops the monotonic clock
}

// Lose drops a lease, as the store has refused its fence.
func (l *Ledger) Lose(lease Lease) {
	if l.Claims[lease.Name] == lease.Fence {
		l.Claims = maps.Clone(l.Claims)
		delete(l.Claims, lease.Name)
	}
}
