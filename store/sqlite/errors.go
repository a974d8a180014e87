package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store"
)

// Explain turns an error into a *store.Error with the store's path, the problem and what to do
// about it. Errors that are not about the file stay as they are. It also handles data from the
// store that can't be decoded: such an error wraps slo.ErrCorrupt.
func (d *database) Explain(err error) error { return explain(d.path, err) }

func explain(path string, err error) error {
	var explained *store.Error
	if err == nil || errors.As(err, &explained) {
		return err
	}
	if p := problemOf(err); p != "" {
		return newError(path, p, err)
	}
	return err
}

// newError returns an error with the advice for its problem.
func newError(path string, p store.Problem, err error) *store.Error {
	return &store.Error{Path: path, Problem: p, Err: err, Advice: advice(path, p)}
}

func errorf(path string, p store.Problem, format string, args ...any) error {
	return newError(path, p, fmt.Errorf(format, args...))
}

// problemOf returns the problem by the file system's error or SQLite's code; empty if the error is
// neither.
func problemOf(err error) store.Problem {
	switch {
	case errors.Is(err, slo.ErrCorrupt):
		return store.Damaged
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return store.ReadOnly
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return store.Full
	}
	switch codeOf(err) {
	case 0, sqlite3.SQLITE_INTERRUPT: // ctx ended
		return ""
	case sqlite3.SQLITE_FULL:
		return store.Full
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return store.ReadOnly
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return store.Damaged
	}
	return store.Other
}

// codeOf returns SQLite's primary error code; 0 if the error is not SQLite's.
func codeOf(err error) int {
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return 0
	}
	return coded.Code() & 0xff
}

// advice returns what to do about a problem.
func advice(path string, p store.Problem) string {
	switch p {
	case store.Missing:
		return "bring it back; until then nothing is committed, and nothing that was committed is lost"
	case store.Replaced:
		return "move that file away, and postburn puts its own back; or restart postburn to go on with that file"
	case store.Damaged:
		return fmt.Sprintf("`postburn store check %s` says what is damaged; %s", path, Repair(path))
	case store.ReadOnly:
		return "make the file and its folder writable for postburn's user; until then nothing is committed, and nothing is lost"
	case store.Full:
		return "make room on its disk; until then nothing is committed, and nothing is lost"
	case store.Unsupported:
		return "run a postburn that knows that version, restore a backup that this one knows, or " + moveAway(path)
	}
	return ""
}

// Repair returns what to do about a damaged store.
func Repair(path string) string { return "stop postburn, and restore a backup, or " + moveAway(path) }

func moveAway(path string) string {
	return fmt.Sprintf("move %[1]s, %[1]s-wal and %[1]s-shm away: postburn then reads the past from Prometheus again and finds its issues by their markers", path)
}
