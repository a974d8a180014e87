package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// ErrExists means that the backup's file exists already.
var ErrExists = errors.New("there is a file already")

// Backup copies the store at path to a file of mode 0600, and returns what Check found in the copy.
// The copy is the store at one time; a daemon may write to the store meanwhile. The file appears
// whole or not at all: it gets its name after Check found nothing wrong. If it exists already,
// Backup replaces it if overwrite is set, and else returns an error that wraps ErrExists.
func Backup(ctx context.Context, path, to string, overwrite bool, recoverable func(lane string, r alert.Recovery) error) (record.Report, error) {
	if _, err := os.Lstat(to); err == nil && !overwrite {
		return record.Report{}, fmt.Errorf("writing %s: %w", to, ErrExists)
	}
	if from, err := os.Stat(path); err == nil {
		if there, err := os.Stat(to); err == nil && os.SameFile(from, there) {
			return record.Report{}, fmt.Errorf("writing %s: it is the store itself", to)
		}
	}
	db, err := openReadOnly(ctx, path)
	if err != nil {
		return record.Report{}, fmt.Errorf("backing up %w", err)
	}
	defer db.Close()
	if err := transact(ctx, db, func(tx *sql.Tx) error { _, err := version(ctx, path, tx); return err }); err != nil {
		return record.Report{}, fmt.Errorf("backing up %w", explainOpening(path, err))
	}
	copied, err := vacuumInto(ctx, db, filepath.Dir(to), 0o600)
	switch {
	case err != nil && problemOf(err) == store.Damaged:
		return record.Report{}, fmt.Errorf("backing up %w", explain(path, err))
	case err != nil:
		return record.Report{}, fmt.Errorf("writing %s: %w", to, err)
	}
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(copied + suffix) // mostly it is gone already
		}
	}()
	report, err := Check(ctx, copied, recoverable)
	if err != nil {
		return record.Report{}, err
	}
	if len(report.Wrong) > 0 {
		return report, nil
	}
	if err := giveName(copied, to, overwrite); err != nil {
		return record.Report{}, fmt.Errorf("writing %s: %w", to, err)
	}
	return report, nil
}

// giveName gives a finished file its name.
func giveName(file, name string, overwrite bool) error {
	if overwrite {
		if err := os.Rename(file, name); err != nil {
			return err
		}
	} else if err := os.Link(file, name); errors.Is(err, fs.ErrExist) {
		return ErrExists
	} else if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}
