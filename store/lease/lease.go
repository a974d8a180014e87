package lease

import (
	"context"
	"time"
)

// Publishing is the name of the lease of the replica that writes issues. All others are lanes.
const Publishing = "publishing"

// Lease is a replica's right to write under a name.
type Lease struct {
	Name  string
	Fence int64 // higher than that of whoever held the lease before; at least 1
}

// Request is what a replica asks of a Table, all at once.
type Request struct {
	Replica string
	TTL     time.Duration // until when the replica and all its leases live, from now
	Release []Lease       // to give up, where the replica still holds them under these fences
	Take    []string      // to take, where nobody holds them
	Leave   bool          // the replica ends: it gives up everything
}

// Standing is how replicas and leases stand after a Request.
type Standing struct {
	Replicas []string // those that live, in order
	Leases   []Held   // all, by name
}

// Held is a lease and who holds it.
type Held struct {
	Lease
	Holder string // empty: it is free, as nobody holds it or the holder's time is over
}

// Table is where replicas meet.
type Table interface {
	// Renew does what a request asks for in one transaction. First leases are given up, then those
	// that the replica holds are extended, then free ones are taken. A lease that the replica let
	// expire is still its own if nobody took it. Times are those of the table's clock.
	//
	// After an error it is not known whether the request was carried out. It may be repeated.
	Renew(ctx context.Context, r Request) (Standing, error)
}
