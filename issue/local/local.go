package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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

// Tracker keeps issues as files in a folder. It is an issue.Tracker. If something else has a
// post-mortem's name (a pipe, a symbolic link, an unreadable file), it is never waited for,
// followed or replaced, and holds up no other issue.
type Tracker struct {
	dir    string
	logger *slog.Logger
	mu     sync.Mutex        // held between reading a file and writing it
	told   map[string]string // what was logged about unreadable files, by name
}

// New creates the folder if it is missing. Only one postburn and people's editors may write there.
// A nil logger logs nothing.
func New(dir string, logger *slog.Logger) (*Tracker, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("making the folder for post-mortems: %w", err)
	}
	t := &Tracker{dir: dir, logger: logger, told: map[string]string{}}
	root, err := t.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := list(root)
	if err != nil {
		return nil, fmt.Errorf("looking for temporary files in %s: %w", dir, err)
	}
	for _, name := range names {
		if isTemporary(name) {
			_ = root.Remove(name) // a leftover does no harm
		}
	}
	return t, nil
}

// open opens the folder anew for each operation, because it may be moved or remounted. The error
// wraps issue.ErrRefused: a missing folder does not mean that a person removed a post-mortem.
func (t *Tracker) open() (*os.Root, error) {
	root, err := os.OpenRoot(t.dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder for post-mortems: %w: %w", issue.ErrRefused, err)
	}
	return root, nil
}

// path returns a file's path, for people.
func (t *Tracker) path(name string) string { return filepath.Join(t.dir, name) }

// isOurs returns issue.Moved if a text is of another tracker: those of this one have no number.
func isOurs(at issue.Ref) error {
	if at.Number != 0 {
		return fmt.Errorf("looking for %s: %w", at.URL, issue.Moved{Foreign: true})
	}
	return nil
}

// name returns the file name of an issue or comment. It ignores the folder in the address, so that
// the folder may be moved.
func (t *Tracker) name(at issue.Ref) string { return filepath.Base(at.URL) }

// Create writes a new file, or a comment at the end of its issue's. If the key is there already, it
// returns that text as it is.
func (t *Tracker) Create(ctx context.Context, p issue.Post) (issue.Found, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.open()
	if err != nil {
		return issue.Found{}, err
	}
	defer root.Close()
	if p.Parent != nil {
		return t.comment(ctx, root, p)
	}
	name := fileName(p.Key)
	found := issue.Found{Key: p.Key, Ref: issue.Ref{URL: t.path(name)}, Text: p.Text}
	err = create(root, name, []byte(newIssue(p.Marker(), p.Text)))
	if errors.Is(err, fs.ErrExist) {
		found, err = t.read(root, name, p.Key)
	}
	if err != nil {
		return issue.Found{}, fmt.Errorf("creating %s: %w: %w", t.path(name), issue.ErrRefused, err)
	}
	return found, nil
}

func (t *Tracker) comment(ctx context.Context, root *os.Root, p issue.Post) (issue.Found, error) {
	if err := isOurs(p.Parent.Ref); err != nil {
		return issue.Found{}, err
	}
	name := t.name(p.Parent.Ref)
	found := issue.Found{Key: p.Key, Ref: issue.Ref{URL: t.path(name)}, Text: p.Text}
	err := change(ctx, root, name, func(content []byte) ([]byte, error) {
		if r, ok := find(content, p.Key); ok {
			found.Text = r.text(false)
			return nil, nil
		}
		return appendComment(content, p.Marker(), p.Text), nil
	})
	if err != nil {
		return issue.Found{}, fmt.Errorf("commenting in %s: %w", t.path(name), err)
	}
	return found, nil
}

// Find searches the folder, or for a comment its issue's file, and ignores `since`. It logs and
// skips unreadable files, unless one has the issue's own name.
func (t *Tracker) Find(_ context.Context, p issue.Post, _ time.Time) ([]issue.Found, error) {
	if err := isOurs(p.Ref); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if p.Parent != nil {
		return t.findComment(root, p)
	}
	names, err := list(root)
	if err != nil {
		return nil, fmt.Errorf("looking for an issue in %s: %w", t.dir, err)
	}
	var all []issue.Found
	own := fileName(p.Key)
	for _, name := range names {
		if filepath.Ext(name) != extension {
			continue
		}
		found, marker, err := t.marked(root, name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a person just removed it
		case err != nil && name == own:
			return nil, fmt.Errorf("looking for an issue: %s: %w", t.path(name), err)
		case err != nil:
			t.tell(name, err)
		case name == own: // even if its marker changed
			found.Key = p.Key
			all = slices.Insert(all, 0, found)
		case found.Key != "" && marker.Marks(p):
			all = append(all, found)
		}
	}
	return all, nil
}

func (t *Tracker) findComment(root *os.Root, p issue.Post) ([]issue.Found, error) {
	if err := isOurs(p.Parent.Ref); err != nil {
		return nil, err
	}
	name := t.name(p.Parent.Ref)
	content, err := read(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a comment: %s: %w", t.path(name), err)
	}
	if r, ok := find(content, p.Key); ok {
		return []issue.Found{{Key: p.Key, Ref: issue.Ref{URL: t.path(name)}, Text: r.text(false)}}, nil
	}
	return nil, nil
}

// tell logs that a file can't be read, once per reason.
func (t *Tracker) tell(name string, err error) {
	if t.told[name] != err.Error() {
		t.told[name] = err.Error()
		t.logger.Warn("a file in the folder for post-mortems can't be read and is left alone", "file", t.path(name), "err", err)
	}
}

// Replace writes a new text if the old one still stands, and keeps all around it.
func (t *Tracker) Replace(ctx context.Context, at issue.Found, text issue.Text) error {
	if err := isOurs(at.Ref); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	root, err := t.open()
	if err != nil {
		return err
	}
	defer root.Close()
	name := t.name(at.Ref)
	err = change(ctx, root, name, func(content []byte) ([]byte, error) {
		r, ok := find(content, at.Key)
		isIssue := at.Text.Title != ""
		switch {
		case !ok && isIssue:
			return nil, issue.ErrEdited // the file exists, its marker does not
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
		return fmt.Errorf("replacing a text in %s: %w", t.path(name), err)
	}
	return nil
}

// Prepare does nothing: a file needs nothing else.
func (t *Tracker) Prepare(context.Context, issue.Post) error { return nil }

// Change changes nothing: a file has no labels, and is never closed.
func (t *Tracker) Change(_ context.Context, at issue.Found, _ issue.Change) error {
	if err := isOurs(at.Ref); err != nil {
		return err
	}
	root, err := t.open()
	if err != nil {
		return err
	}
	defer root.Close()
	name := t.name(at.Ref)
	if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("changing %s: %w", t.path(name), issue.ErrNotFound)
	}
	return nil
}

// read returns the issue in a file: the part under the key's marker.
func (t *Tracker) read(root *os.Root, name, key string) (issue.Found, error) {
	content, err := read(root, name)
	if err != nil {
		return issue.Found{}, err
	}
	return t.found(name, key, content), nil
}

// marked returns the issue in a file: the part under its first marker, and that marker. The key is
// empty if there is none.
func (t *Tracker) marked(root *os.Root, name string) (issue.Found, issue.Marker, error) {
	content, err := read(root, name)
	if err != nil {
		return issue.Found{}, issue.Marker{}, err
	}
	delete(t.told, name)
	m, _ := firstMarker(content)
	return t.found(name, m.Key, content), m, nil
}

func (t *Tracker) found(name, key string, content []byte) issue.Found {
	found := issue.Found{Key: key, Ref: issue.Ref{URL: t.path(name)}}
	if r, ok := find(content, key); ok {
		found.Text = r.text(true)
	} else {
		found.Text.Body = string(content)
	}
	return found
}

// change reads a file, and writes what `edit` returns unless that is nil. If a person saved the
// file meanwhile, it starts again.
func change(ctx context.Context, root *os.Root, name string, edit func([]byte) ([]byte, error)) error {
	for range 10 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", issue.ErrRefused, err)
		}
		content, err := read(root, name)
		switch {
		case errors.Is(err, errChanged):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return issue.ErrNotFound
		case err != nil:
			return fmt.Errorf("%w: %w", issue.ErrRefused, err)
		}
		changed, err := edit(bytes.Clone(content))
		if err != nil || changed == nil {
			return err
		}
		err = overwrite(root, name, content, changed)
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

// fileName returns the key if it is a valid file name, else its valid characters and a hash.
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
