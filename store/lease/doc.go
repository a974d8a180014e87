// Package lease spreads the right to write over the replicas of a daemon that share a store.
//
// Each lane has a lease, and so has Publishing. A lease belongs to one replica until it expires or
// is given up, and gets a higher fence each time that another one takes it. A store refuses what is
// written under an older fence, so a replica that was paused for longer than its leases last can do
// no harm when it wakes up. That is what makes writing safe; leases only decide who tries.
//
// All that replicas know of each other is a Table in the store they share, whose clock decides what
// has expired. A replica asks it every third of a lease's length, in one transaction: that it is
// alive, and which leases it takes and gives up (Request); the answer is how all leases stand
// (Standing). From that each replica plans alone, by the same rule, to hold its share.
//
// The package knows no database and nothing of lanes. Package model has the states that replicas
// can get into, and tests search all of them.
//
// Start reading at Keeper. The files:
//
//	lease.go    Lease, Request, Standing and Table: what replicas say to each other
//	ledger.go   Ledger, pure: what a replica knows, and what it asks for next
//	plan.go     pure: the share of each replica
//	keeper.go   Keeper: asking in time, and telling what is held
//	metrics.go  metrics
package lease
