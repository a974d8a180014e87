// Package record is what the rows of a store hold, whichever the database: lanes' batches in order,
// documents, times as integers, days, and what has to be true of rows that belong together. Each
// database's package turns it into SQL. The package itself reads and writes nothing.
//
// Start reading at Chains in chain.go. The files:
//
//	chain.go      Chain: a lane's batches in order, and which of them a store still lacks
//	documents.go  incidents and publications as JSON
//	learned.go    what reports read of incidents and of days
//	days.go       days that are known better
//	times.go      times as integers
//	check.go      Report: what is wrong with a store
//	copy.go       Sink: all that a store holds; Copy counts and digests it
package record
