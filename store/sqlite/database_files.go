package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
	"github.com/postburn/postburn/store/record"
)

// ensureFiles makes sure that the next process finds what is committed now. If one of the files'
// names is gone, it puts the content back. Nothing is written unless it succeeds.
func (d *database) ensureFiles(ctx context.Context) error {
	d.mu.RLock()
	is, err := d.files.look()
	open := d.connections != nil
	d.mu.RUnlock()
	if open && (err != nil || is == intact) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return errClosed
	case d.connections == nil:
		return explainOpening(d.path, d.connect(ctx))
	}
	if is, err = d.files.look(); err != nil || is == intact {
		return err
	}
	if err := d.putBack(ctx, is); err != nil {
		if errors.Is(err, alert.ErrFenced) || ctx.Err() != nil {
			return err
		}
		return errorf(d.path, store.Missing, "its file is gone, and can't be put back yet: %w", err)
	}
	d.restored.Add(1)
	return nil
}

// putBack writes the content of the open files to where the next process finds it, and continues
// there. No transaction may be under way.
func (d *database) putBack(ctx context.Context, is state) error {
	if err := transact(ctx, d.writer, func(tx *sql.Tx) error { return d.mayWrite(ctx, tx) }); err != nil {
		return err
	}
	var err error
	if is == logLost {
		err = checkpoint(ctx, d.writer)
	} else {
		err = d.writeAnew(ctx)
	}
	if err != nil {
		return err
	}
	// SQLite removes the log by name when the last connection closes, so close before opening the
	// new ones.
	if err := d.disconnect(); err != nil {
		return err
	}
	return d.connect(ctx)
}

// checkpoint moves all of the write-ahead log into the database's file.
func checkpoint(ctx context.Context, db *sql.DB) error {
	var busy, inLog, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &inLog, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another process reads the write-ahead log")
	}
	return nil
}

// writeAnew puts a copy of the open database under its name. If another file took the name
// meanwhile, that stays, and writeAnew returns an error.
func (d *database) writeAnew(ctx context.Context) error {
	path := d.files.path
	copied, err := vacuumInto(ctx, d.writer, filepath.Dir(path), d.files.main.Mode().Perm())
	if err != nil {
		return err
	}
	defer os.Remove(copied)
	// The log belongs to the old file: no process may take it for the new file'd.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Link(copied, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// writeAndUndo changes nothing, yet writes to the disk: SQLite writes each page that it changed,
// but none if an update keeps the value.
const writeAndUndo = `INSERT INTO lanes (name, cursor, fence) VALUES ('', 0, 0); DELETE FROM lanes WHERE name = ''`

// Probe checks whether commits can be found again. It returns a *store.Error if the store's file is
// gone or another one, or can't be written. If the file's name was removed, it puts the content
// back first. It writes next to nothing, and nothing at all if something was committed since the
// last Probe.
func (d *database) Probe(ctx context.Context) error {
	if d.wrote.Swap(false) {
		return d.ensureFiles(ctx)
	}
	err := d.writing(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, writeAndUndo)
		return err
	})
	d.wrote.Store(false)
	return err
}

// Restored returns how often the file's name was gone and its content was put back.
func (d *database) Restored() int { return int(d.restored.Load()) }

// Scan reads the whole file from the disk, and returns a *store.Error if it is damaged. Commits and
// reads go on meanwhile.
func (d *database) Scan(ctx context.Context) error {
	db, err := openReadOnly(ctx, d.path)
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return d.Explain(err)
	}
	if found != "ok" {
		return newError(d.path, store.Damaged, errors.New(record.OneLine(found)))
	}
	return nil
}
