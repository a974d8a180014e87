package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// temporary is the pattern of the names that files have until they are whole.
const temporary = ".postburn-*.tmp"

// errChanged means that a file is not what it was when it was read.
var errChanged = errors.New("the file was changed at the same time")

// create writes a new file: whole, or not at all. The error wraps fs.ErrExist where there is one.
func create(path string, content []byte) error {
	temp, err := write(filepath.Dir(path), content, 0o666)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	err = os.Link(temp, path) // unlike a rename, this never takes the place of another file
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Some file systems have no links. postburn is the only one that creates files here.
		if _, statErr := os.Lstat(path); !errors.Is(statErr, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", fs.ErrExist, err)
		}
		err = os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// overwrite exchanges a file's content, whole or not at all, if it still is `was`. A write between the last look and the rename would
// be lost: some microseconds, as there is no compare-and-set of files.
func overwrite(path string, was, content []byte) error {
	mode := fs.FileMode(0o666)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := write(filepath.Dir(path), content, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp) // nothing, once it is renamed
	if err := os.Chmod(temp, mode); err != nil {
		return err
	}
	now, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(now, was) {
		return errChanged
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// write puts the content on disk under a temporary name, which is gone again where that fails.
func write(dir string, content []byte, mode fs.FileMode) (name string, err error) {
	name, err = freeName(dir)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(name))
	}
	return name, nil
}

// freeName reserves a temporary name. os.CreateTemp makes files that only their owner may read, whatever the umask; these are for
// people, so the file is made anew.
func freeName(dir string) (string, error) {
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return "", err
	}
	return f.Name(), errors.Join(f.Close(), os.Remove(f.Name()))
}

// syncFolder makes a new name last through a power failure. Not all systems can; then the name may be lost, and is looked for again.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
