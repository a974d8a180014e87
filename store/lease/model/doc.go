// Package model is what replicas, their leases and their store can get into: two replicas, a table
// of leases and a store, and everything that may go wrong between them. The replicas are those of
// package lease, lease.Ledger; table and store do what lease.Table and alert.Store promise.
//
// A search goes through all states that can be reached, in whatever order things happen. It looks
// at each for what must never be, and for what becomes of it once nothing goes wrong any more. Time
// goes in steps of half of a lease's length. Fences and ticks only grow, so a state is known by how
// they differ: that makes the number of states finite, and none is left out. `make model` searches
// them all.
//
// Start reading at search in search.go. The files:
//
//	world.go   world: a state, and what may happen next
//	table.go   Table: leases in memory
//	key.go     which states are the same
//	search.go  searching all states; walking through some at random
package model
