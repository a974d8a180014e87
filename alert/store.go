package alert

import (
	"context"
	"errors"
	"time"
)

// Errors of a Store.
var (
	// ErrConflict means that a lane's cursor is not at the batch's Prev: somebody else has written.
	ErrConflict = errors.New("the store was written by another process")
	// ErrFenced means that another process has since taken over what was to be written.
	ErrFenced = errors.New("another postburn has taken over the store")
)

// FencedError is an ErrFenced that names lanes.
type FencedError struct {
	Lanes []string // that another process has taken over
	Err   error    // wraps ErrFenced
}

func (e *FencedError) Error() string { return e.Err.Error() }

// Unwrap returns the error that wraps ErrFenced.
func (e *FencedError) Unwrap() error { return e.Err }

// Fences says under which fence each lane may be written, by the lane's name. Whoever takes a lane
// over gets a higher one.
type Fences map[string]int64

// Store keeps what lanes commit. How a process comes to its fences is each database's own matter.
type Store interface {
	// Load returns what a lane has committed; the zero Recovery if it never has.
	Load(ctx context.Context, lane string) (Recovery, error)
	// Commit writes the batches in order, all or none. It returns a FencedError if fences are not
	// those handed out last, and ErrConflict if a lane's cursor is not the batch's Prev. After any
	// other error the batches may or may not be written: commit the same ones again, and a batch
	// that is already there counts as written.
	Commit(ctx context.Context, batches []Batch) error
}

// Batch is what one tick of a lane writes, in one transaction.
type Batch struct {
	Lane       string
	Fence      int64
	Prev       time.Time   // the lane's cursor before; zero for its first batch
	Tick       time.Time   // its cursor after
	Roster     []byte      // the encoded Roster if it differs from the one before; else nil
	Samples    []byte      // the tick's encoded samples, in the roster's order; nil if there are none
	Incidents  []Incident  // the changed ones, with new revisions
	Checkpoint *Checkpoint // on an event or a new roster, and from time to time; else nil
}

// Checkpoint is the fold's state at a batch's tick. From it the fold goes on without earlier
// samples. States are small and written often. Histories are large and written seldom; later rows
// bring them up to date.
type Checkpoint struct {
	State   []byte // everything but the histories
	History []byte // nil if only the state is written
}

// Recovery is what a lane resumes from: the newest state and history, and the rows since the older
// one.
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

// IncidentPage asks for a page of recovered incidents: newest onset first, then by ID.
type IncidentPage struct {
	// Incidents that ended by Start, or began at End or later, are left out. Zero is no bound.
	Start, End time.Time
	Group      string           // empty: any
	After      IncidentPosition // the last incident on the previous page; zero: start at the newest
	Limit      int              // the most incidents to return; at least 1
}

// IncidentPosition is where an incident stands in the order of an IncidentPage.
type IncidentPosition struct {
	Onset time.Time
	ID    string
}
