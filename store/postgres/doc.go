// Package postgres keeps lanes, incidents and publications in a PostgreSQL database. It is both an
// alert.Store and an issue.Store, and what a commit writes survives as the server's settings say.
//
// All tables are in one schema, which one postburn writes to, be it one process or several
// replicas: each writes what it holds a lease for. The package decides nothing about incidents;
// rosters, samples and checkpoints are opaque bytes to it. What rows hold is in package record,
// which other stores share.
//
// Start reading at Store in store.go. The files:
//
//	store.go         Store: what is kept, and Open
//	address.go       address: where the database is, without passwords
//	database.go      database: connections, transactions, and whether commits are possible
//	leases.go        Leases: which replica may write what
//	fence.go         fence: what is refused of a replica that has lost its leases
//	peers.go         Peers: what replicas ask each other
//	commit.go        Commit: batches in two round trips
//	load.go          Load: a lane, to be continued
//	publications.go  what the publisher reads and saves
//	pages.go         what the pages and the API read
//	days.go          what is counted day by day
//	reports.go       what reports read
//	retention.go     dropping old incidents
//	inspect.go       Inspector: commands on a store that a daemon may have open
//	copy.go          Export and Import: all that a store holds
//	migrate.go       the schema, from empty or older
//	errors.go        errors that say what to do
package postgres
