// Package store looks after a store in use. Retention drops incidents that ended longer ago than
// incidents are kept, and Watcher notices when the store is lost, damaged, full or can't be
// written. DayKeeper keeps what is counted day by day. Error says what is wrong with a store. The
// package knows no database: those are its subpackages sqlite and postgres. What their rows hold is
// in record, and storetest tests each against the same contract.
//
// Start reading at Watcher.
package store
