// Package local is the tracker of those who have no other: one Markdown file a publication, in a folder. The issue's text is the file's
// first part, comments follow under rules. People may write anywhere in a file; what they wrote is never lost, because a text is
// replaced only where it still stands as it was sent, and all around it is kept. Issues can't be closed here.
package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postburn/postburn/issue"
)

const extension = ".md"

// Tracker keeps issues as files in a folder. It is an issue.Tracker.
type Tracker struct {
	dir string
	mu  sync.Mutex // between reading a file and writing it
}

// New makes the folder if it is missing. Another program than one postburn and people's editors must not write there.
func New(dir string) (*Tracker, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("making the folder for post-mortems: %w", err)
	}
	leftOver, err := filepath.Glob(filepath.Join(dir, temporary))
	if err != nil {
		return nil, fmt.Errorf("looking for temporary files: %w", err)
	}
	for _, name := range leftOver {
		_ = os.Remove(name) // it is in nobody's way
	}
	return &Tracker{dir: dir}, nil
}

// Create writes a new file, or a comment at the end of its issue's. What is there under the key already is returned as it is.
func (t *Tracker) Create(ctx context.Context, p issue.Post) (issue.Found, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Parent != nil {
		return t.comment(ctx, p)
	}
	path := filepath.Join(t.dir, fileName(p.Key))
	err := create(path, []byte(newIssue(p.Marker(), p.Text)))
	if errors.Is(err, fs.ErrExist) {
		return t.read(path, p.Key)
	}
	if err != nil {
		return issue.Found{}, fmt.Errorf("creating %s: %w: %w", path, issue.ErrRefused, err)
	}
	return issue.Found{Key: p.Key, Ref: issue.Ref{URL: path}, Text: p.Text}, nil
}

func (t *Tracker) comment(ctx context.Context, p issue.Post) (issue.Found, error) {
	path := t.path(*p.Parent)
	found := issue.Found{Key: p.Key, Ref: issue.Ref{URL: path}, Text: p.Text}
	err := t.change(ctx, path, func(content []byte) ([]byte, error) {
		if r, ok := find(content, p.Key); ok {
			found.Text = r.text(false)
			return nil, nil
		}
		return appendComment(content, p.Marker(), p.Text), nil
	})
	if err != nil {
		return issue.Found{}, fmt.Errorf("commenting in %s: %w", path, err)
	}
	return found, nil
}

// Find looks through the folder, or for a comment through its issue's file, whatever the time.
func (t *Tracker) Find(_ context.Context, p issue.Post, _ time.Time) ([]issue.Found, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Parent != nil {
		path := t.path(*p.Parent)
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("looking for a comment: %w", err)
		}
		if r, ok := find(content, p.Key); ok {
			return []issue.Found{{Key: p.Key, Ref: issue.Ref{URL: path}, Text: r.text(false)}}, nil
		}
		return nil, nil
	}
	names, err := os.ReadDir(t.dir)
	if err != nil {
		return nil, fmt.Errorf("looking for an issue: %w", err)
	}
	var all []issue.Found
	own := fileName(p.Key)
	for _, entry := range names {
		if entry.IsDir() || filepath.Ext(entry.Name()) != extension {
			continue
		}
		found, err := t.read(filepath.Join(t.dir, entry.Name()), "")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch {
		case entry.Name() == own: // whatever a person made of its marker
			found.Key = p.Key
			all = slices.Insert(all, 0, found)
		case found.Key != "":
			if m, _ := t.marker(found.Ref.URL); m.Marks(p) {
				all = append(all, found)
			}
		}
	}
	return all, nil
}

// Replace writes a new text where the old one still stands, and keeps all that is around it.
func (t *Tracker) Replace(ctx context.Context, at issue.Found, text issue.Text) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	path := t.path(at)
	err := t.change(ctx, path, func(content []byte) ([]byte, error) {
		r, ok := find(content, at.Key)
		isIssue := at.Text.Title != ""
		switch {
		case !ok && isIssue:
			return nil, issue.ErrEdited // the file is there, its marker is not
		case !ok:
			return nil, issue.ErrNotFound
		case r.is(text):
			return nil, nil
		case !r.is(at.Text):
			return nil, issue.ErrEdited
		}
		return r.replace(content, text), nil
	})
	if err != nil {
		return fmt.Errorf("replacing a text in %s: %w", path, err)
	}
	return nil
}

// Prepare does nothing: a file needs nothing besides itself.
func (t *Tracker) Prepare(context.Context, issue.Post) error { return nil }

// Change changes nothing: a file has no labels, and is never closed.
func (t *Tracker) Change(_ context.Context, at issue.Found, _ issue.Change) error {
	if _, err := os.Stat(t.path(at)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("changing %s: %w", t.path(at), issue.ErrNotFound)
	}
	return nil
}

// path is where an issue or comment is: by its name only, so that a folder may be moved.
func (t *Tracker) path(at issue.Found) string { return filepath.Join(t.dir, filepath.Base(at.Ref.URL)) }

// read returns the issue in a file: the part under the key's marker, or under the first one where the key is empty. The key found is
// empty where there is no marker.
func (t *Tracker) read(path, key string) (issue.Found, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return issue.Found{}, fmt.Errorf("reading an issue: %w", err)
	}
	found := issue.Found{Key: key, Ref: issue.Ref{URL: path}}
	if key == "" {
		m, _ := firstMarker(content)
		found.Key = m.Key
	}
	if r, ok := find(content, found.Key); ok {
		found.Text = r.text(true)
	} else {
		found.Text.Body = string(content)
	}
	return found, nil
}

func (t *Tracker) marker(path string) (issue.Marker, bool) {
	content, err := os.ReadFile(path)
	if err != nil {
		return issue.Marker{}, false
	}
	return firstMarker(content)
}

// change reads a file, and writes what `edit` makes of it unless that is nil. It starts again where a person saved the file meanwhile.
func (t *Tracker) change(ctx context.Context, path string, edit func([]byte) ([]byte, error)) error {
	for range 10 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", issue.ErrRefused, err)
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return issue.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("%w: %w", issue.ErrRefused, err)
		}
		changed, err := edit(bytes.Clone(content))
		if err != nil || changed == nil {
			return err
		}
		err = overwrite(path, content, changed)
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %w", issue.ErrRefused, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %w", issue.ErrRefused, errChanged)
}

var notPlain = regexp.MustCompile(`[^a-z0-9._-]+`)

// fileName is the key where it is fit for one, else what is left of it with a hash.
func fileName(key string) string {
	plain := strings.Trim(notPlain.ReplaceAllString(strings.ToLower(key), "-"), ".-")
	if len(plain) > 150 {
		plain = plain[:150]
	}
	if plain == key && plain != "" {
		return plain + extension
	}
	sum := sha256.Sum256([]byte(key))
	return strings.TrimLeft(plain+"-"+hex.EncodeToString(sum[:6]), "-") + extension
}
