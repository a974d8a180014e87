package samplecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	suffix = ".samples"
	begun  = "samples-*.tmp" // a file that is being written
	// abandoned is how old such a file is if nobody will finish it.
	abandoned = time.Hour
)

// files are the entries on disk, one file each; without a folder there are none. A file is never
// changed, but replaced by another one; two processes that do so at the same time may lose what one
// of them has read.
type files struct {
	dir   string
	limit int64
}

func (f files) path(key string) string { return filepath.Join(f.dir, key+suffix) }

// load returns what a file knows: nothing if it is not there, can't be read, or is damaged.
func (f files) load(key string) *entry {
	b, err := os.ReadFile(f.path(key))
	if f.dir == "" || err != nil {
		return newEntry(key)
	}
	e, err := decode(key, b)
	if err != nil {
		return newEntry(key)
	}
	now := time.Now()
	_ = os.Chtimes(f.path(key), now, now) // else it is evicted earlier
	return e
}

// save adds an entry to its file. The folder is for the user alone: label values may be private.
func (f files) save(e *entry) error {
	if f.dir == "" {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder for samples: %w", err)
	}
	known := f.load(e.key) // another process may have read more
	known.merge(e)
	file, err := os.CreateTemp(f.dir, begun)
	if err != nil {
		return fmt.Errorf("keeping samples: %w", err)
	}
	_, err = file.Write(encode(known))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.path(e.key))
	}
	if err != nil {
		return fmt.Errorf("keeping samples: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// evict removes the files that were not used for the longest time until the others fit, and what
// processes that died have left.
func (f files) evict(now time.Time) error {
	listed, err := os.ReadDir(f.dir)
	if f.dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for old samples: %w", err)
	}
	var all []fs.FileInfo
	var size int64
	for _, entry := range listed {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // another process was faster, or it is none of ours
		}
		if isBegun, _ := filepath.Match(begun, info.Name()); isBegun && now.Sub(info.ModTime()) > abandoned {
			err = f.remove(info.Name())
		} else if strings.HasSuffix(info.Name(), suffix) {
			all, size = append(all, info), size+info.Size()
		}
		if err != nil {
			return err
		}
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range all {
		if size <= f.limit {
			return nil
		}
		if err := f.remove(info.Name()); err != nil {
			return err
		}
		size -= info.Size()
	}
	return nil
}

func (f files) remove(name string) error {
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing old samples: %w", err)
	}
	return nil
}
