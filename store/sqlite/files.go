package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postburn/postburn/store"
)

// files identifies the files that a store has open. An open file stays the same when its name is
// removed or given to another file; what is written to it then is lost with the process.
type files struct {
	path           string // symbolic links resolved, as SQLite does
	folder         os.FileInfo
	main, wal, shm os.FileInfo
}

// findFiles returns the files at the path of a database that was just opened.
func findFiles(path string) (f files, err error) {
	if f.path, err = filepath.EvalSymlinks(path); err != nil {
		return f, err
	}
	for _, name := range []struct {
		of   string
		info *os.FileInfo
	}{{filepath.Dir(f.path), &f.folder}, {f.path, &f.main}, {f.path + "-wal", &f.wal}, {f.path + "-shm", &f.shm}} {
		if *name.info, err = os.Stat(name.of); err != nil {
			return f, err
		}
	}
	return f, nil
}

// state says what became of the files' names.
type state int

const (
	intact  state = iota
	logLost       // the log's or its index's name has another file or none
	gone          // no file has the database's name
)

// look compares the names with the open files. It returns an error if another file has the
// database's name, or if its folder is gone or another one, for example after a volume was
// unmounted.
func (f files) look() (state, error) {
	main, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		folder, err := os.Stat(filepath.Dir(f.path))
		if errors.Is(err, fs.ErrNotExist) {
			return gone, errorf(f.path, store.Missing, "its folder is gone")
		}
		if err != nil {
			return gone, newError(f.path, store.Missing, err)
		}
		if !os.SameFile(folder, f.folder) {
			return gone, errorf(f.path, store.Missing, "its file is gone, and its folder is not the one that it was in: is a volume not mounted?")
		}
		return gone, nil
	case err != nil:
		return gone, newError(f.path, store.Missing, err)
	case !os.SameFile(main, f.main):
		return gone, errorf(f.path, store.Replaced, "another file has taken its place, and the store's own has no name any more")
	}
	for suffix, was := range map[string]os.FileInfo{"-wal": f.wal, "-shm": f.shm} {
		if is, err := os.Stat(f.path + suffix); err != nil || !os.SameFile(is, was) {
			return logLost, nil
		}
	}
	return intact, nil
}

// vacuumInto writes a copy of a database, as one transaction sees it, to a new file in a folder,
// and returns the file's name. The copy is synced to disk.
func vacuumInto(ctx context.Context, db *sql.DB, folder string, mode os.FileMode) (name string, err error) {
	f, err := os.CreateTemp(folder, ".postburn-*.db")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(f.Name()) // the earlier error counts
		}
	}()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", f.Name()); err != nil {
		return "", fmt.Errorf("copying the database: %w", err)
	}
	if err := f.Chmod(mode); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
