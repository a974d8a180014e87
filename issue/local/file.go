package local

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Unfinished files have a name that begins and ends like this.
const (
	temporaryPrefix = ".postburn-"
	temporarySuffix = ".tmp"
)

// maxFile is the most bytes read of a file. A post-mortem with all its comments is below 1 MiB,
// unless people paste images into it.
const maxFile = 16 << 20

// errChanged means that a file changed since it was read.
var errChanged = errors.New("the file was changed at the same time")

// unusable is the error for a post-mortem's name that is not a readable file.
type unusable struct{ what string }

func (e unusable) Error() string {
	return "it " + e.what + ": move it out of the folder, or make it a plain file that postburn may read and write"
}

// read returns a file's content. It never waits, for example for a named pipe's writer, and never
// follows a symbolic link. The error is unusable if the name is not a plain file of a sensible
// size, and wraps fs.ErrNotExist if there is none.
func read(root *os.Root, name string) ([]byte, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := isPlain(before.Mode()); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil, unusable{"may not be read by postburn's user"}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(before, now) {
		return nil, errChanged // another file took the name
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		return nil, unusable{fmt.Sprintf("has more than %d MiB", maxFile>>20)}
	}
	return content, err
}

func isPlain(mode fs.FileMode) error {
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return unusable{"is a directory"}
	case mode&fs.ModeSymlink != 0:
		return unusable{"is a symbolic link"}
	case mode&fs.ModeNamedPipe != 0:
		return unusable{"is a named pipe"}
	case mode&fs.ModeSocket != 0:
		return unusable{"is a socket"}
	}
	return unusable{"is a special file"}
}

// create writes a new file, whole or not at all. If one exists, the error wraps fs.ErrExist.
func create(root *os.Root, name string, content []byte) error {
	temp, err := write(root, content, 0o666)
	if err != nil {
		return err
	}
	defer func() { _ = root.Remove(temp) }()
	err = root.Link(temp, name) // unlike a rename, this never takes the place of another file
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Some file systems have no links. postburn is the only one that creates files here.
		if _, statErr := root.Lstat(name); !errors.Is(statErr, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", fs.ErrExist, err)
		}
		err = root.Rename(temp, name)
	}
	if err != nil {
		return err
	}
	syncFolder(root)
	return nil
}

// overwrite replaces a file's content, whole or not at all, if it is still `was`. A write in the
// microseconds between the last look and the rename is lost: files have no compare-and-set.
func overwrite(root *os.Root, name string, was, content []byte) error {
	mode := fs.FileMode(0o666)
	if info, err := root.Lstat(name); err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := write(root, content, mode)
	if err != nil {
		return err
	}
	defer func() { _ = root.Remove(temp) }() // nothing, once it is renamed
	if err := root.Chmod(temp, mode); err != nil {
		return err
	}
	now, err := read(root, name)
	if err != nil || !bytes.Equal(now, was) {
		return errChanged
	}
	if err := root.Rename(temp, name); err != nil {
		return err
	}
	syncFolder(root)
	return nil
}

// write puts the content on disk under a temporary name. If that fails, it removes the file.
func write(root *os.Root, content []byte, mode fs.FileMode) (name string, err error) {
	name = temporaryPrefix + rand.Text() + temporarySuffix
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return "", errors.Join(err, root.Remove(name))
	}
	return name, nil
}

func isTemporary(name string) bool {
	return strings.HasPrefix(name, temporaryPrefix) && strings.HasSuffix(name, temporarySuffix)
}

// list returns the names in the folder, sorted.
func list(root *os.Root) (names []string, err error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// syncFolder makes a new name survive a power failure. Not all systems can; then the name may be
// lost, and is looked for again.
func syncFolder(root *os.Root) {
	if d, err := root.Open("."); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
