// Package sqlite keeps lanes, incidents and publications in one SQLite database file. It is both an
// alert.Store and an issue.Store. It needs no server and no cgo. Commits survive a crash of the
// process and of the machine (WAL, synchronous=FULL).
//
// It is for one daemon: if another process opens and acquires the same file, that takes over. The
// file must be on a local disk, not on a network file system. The package decides nothing about
// incidents; rosters, samples and checkpoints are opaque bytes to it.
//
// Start reading at Store in store.go. The files:
//
//	store.go            Store: what is kept, and Open
//	fence.go            fence: which process may write
//	commit.go           Acquire and Commit; committer: writing batches in one transaction
//	load.go             Load: a lane, to be continued
//	publications.go     what the publisher reads and saves
//	pages.go            what the pages and the API read
//	triage.go           ReadTriage: past incidents, and what people made of them
//	days.go             what is counted day by day
//	reports.go          what reports read, also beside a daemon
//	retention.go        dropping old incidents
//	database.go         database: the open file, and transactions
//	database_files.go   putting the file back if its name was removed; looking for damage
//	connections.go      connections: to one file
//	files.go            files: whether an open file is still the one that others find
//	migrate.go          the schema, from empty or older
//	check.go, backup.go commands on a store that a daemon may have open
//	copy.go             Export and Import: all that a store holds
//	errors.go           errors that say what to do
package sqlite
