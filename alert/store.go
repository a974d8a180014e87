package alert

import (
	"context"
	"errors"
	"time"
)

// Errors of a Store.
var (
	// ErrConflict means that a lane's cursor is not where the batch expects it: something else has
	// written.
	ErrConflict = errors.New("the store was written by another process")
	// ErrFenced means that another process has opened the store since and is the writer now.
	ErrFenced = errors.New("another postburn has taken over the store")
)

// Store keeps what the fold has committed.
type Store interface {
	// Acquire makes the caller the only writer, and returns the fence that its batches carry. It
	// also returns the names of all lanes.
	Acquire(ctx context.Context) (fence int64, lanes []string, err error)
	// Load returns what a lane has committed. A lane that was never committed is the zero Recovery.
	Load(ctx context.Context, lane string) (Recovery, error)
	// Commit writes the batches, all or none, in order. It returns ErrFenced where another writer
	// has acquired the store, and ErrConflict where a lane's cursor is not the batch's Prev. After
	// any other error it is not known whether the batches were written: the same ones are to be
	// committed again, and a batch that is there already is taken as written.
	Commit(ctx context.Context, batches []Batch) error
}

// Batch is what one tick of a lane adds to the store, in one transaction.
type Batch struct {
	Lane       string
	Fence      int64
	Prev       time.Time   // the lane's cursor before; zero for its first batch
	Tick       time.Time   // its cursor after
	Roster     []byte      // the encoded Roster, where it differs from the one before; else nil
	Samples    []byte      // the encoded samples of the tick, in the roster's order; nil where there are none
	Incidents  []Incident  // those that changed, with their new revisions
	Checkpoint *Checkpoint // on an event, a new roster, and from time to time; else nil
}

// Checkpoint is the fold's state at a batch's tick, from which it goes on without the samples
// before. States are small and written often, histories are large and written seldom: the rows
// since the last one bring it up to date.
type Checkpoint struct {
	State   []byte // everything but the histories
	History []byte // nil where only the state is written
}

// Recovery is what a lane goes on from: the newest state and history, and the rows since the older
// of the two.
type Recovery struct {
	Cursor      time.Time
	Roster      []byte // the newest
	State       []byte
	StateTick   time.Time
	History     []byte
	HistoryTick time.Time // never after StateTick
	Rows        []Row     // with ticks after HistoryTick, oldest first
}

// Row is the stored samples of one tick.
type Row struct {
	Tick    time.Time
	Samples []byte
}

// IncidentPage asks for a page of recovered incidents, newest onset first, and by ID where onsets
// are equal.
type IncidentPage struct {
	// Start and End leave out the incidents that ended by Start, or began at End or later. Zero is
	// no bound.
	Start, End time.Time
	Group      string           // of the incidents; empty: any
	After      IncidentPosition // of the last incident on the page before; zero: the newest come first
	Limit      int              // the most incidents to return; at least 1
}

// IncidentPosition is where an incident stands in the order of an IncidentPage.
type IncidentPosition struct {
	Onset time.Time
	ID    string
}
