package store

import "fmt"

// Problem is a kind of problem that a store may have. It is also a metric label's value.
type Problem string

// The problems.
const (
	Missing     Problem = "missing"     // its file or its folder, or its database or its tables, are gone
	Replaced    Problem = "replaced"    // another file is in its place
	Damaged     Problem = "damaged"     // its content can't be read
	ReadOnly    Problem = "read_only"   // it can't be written
	Full        Problem = "full"        // there is no room on its disk
	Unreachable Problem = "unreachable" // its server does not answer
	Refused     Problem = "refused"     // its server does not let postburn in, or not do what it has to
	Unsupported Problem = "unsupported" // written by a postburn that is too new or too old
	Other       Problem = "other"       // such as a disk that reports errors
)

// problems lists all problems.
func problems() []Problem {
	return []Problem{Missing, Replaced, Damaged, ReadOnly, Full, Unreachable, Refused, Unsupported, Other}
}

// Error says what is wrong with a store: its path or address, the problem, and what to do about it.
type Error struct {
	Path    string // of its file; or its address, without user and password
	Problem Problem
	Err     error
	Advice  string // a clause without a full stop; empty: none
}

// Error is like "store /data/postburn.db: database or disk is full (13); make room on its disk".
func (e *Error) Error() string {
	text := fmt.Sprintf("store %s: %v", e.Path, e.Err)
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// Unwrap returns the database's or the file system's error.
func (e *Error) Unwrap() error { return e.Err }
