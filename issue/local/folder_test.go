//go:build unix

package local_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/local"
)

// badFiles puts something at a path that is not a readable file; says is the message about it.
var badFiles = map[string]struct {
	make func(t *testing.T, path string) error
	says string
}{
	"named pipe": {func(_ *testing.T, path string) error { return syscall.Mkfifo(path, 0o666) }, "is a named pipe"},
	"directory":  {func(_ *testing.T, path string) error { return os.Mkdir(path, 0o777) }, "is a directory"},
	"socket": {func(t *testing.T, path string) error {
		t.Chdir(filepath.Dir(path)) // a socket's path has a hundred bytes at most
		l, err := net.Listen("unix", filepath.Base(path))
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	}, "is a socket"},
	"dangling link": {func(_ *testing.T, path string) error { return os.Symlink("nothing", path) }, "is a symbolic link"},
	"looping link":  {func(_ *testing.T, path string) error { return os.Symlink(filepath.Base(path), path) }, "is a symbolic link"},
	"link to a secret": {func(t *testing.T, path string) error {
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte(post("checkout-1").Marker().String()+"\nsecret\n"), 0o600); err != nil {
			return err
		}
		return os.Symlink(secret, path)
	}, "is a symbolic link"},
	"2 GiB": {func(_ *testing.T, path string) error {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Truncate(2<<30), f.Close())
	}, "has more than 16 MiB"},
}

// within fails the test if something waits.
func within(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it waits")
	}
}

func TestBadFileHoldsUpNoOtherIssue(t *testing.T) {
	for name, tc := range badFiles {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			dir := filepath.Join(t.TempDir(), "postmortems")
			tracker, err := local.New(dir, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.make(t, filepath.Join(dir, "checkout-1.md")); err != nil {
				t.Fatal(err)
			}
			within(t, func() {
				other := post("search-1")
				other.Group = "search"
				for range 2 {
					if all, err := tracker.Find(t.Context(), other, time.Time{}); err != nil || len(all) > 1 {
						t.Errorf("found %+v, %v", all, err)
					}
				}
				at := create(t, tracker, other)
				if err := tracker.Replace(t.Context(), at, final); err != nil {
					t.Error(err)
				}
				create(t, tracker, issue.Post{Key: "search-1/progress", Parent: &at, Text: issue.Text{Body: "Still.\n"}})
			})
			if n := strings.Count(log.String(), tc.says); n != 1 || !strings.Contains(log.String(), "checkout-1.md") {
				t.Errorf("the log has it %d times:\n%s", n, log.String())
			}
		})
	}
}

func TestBadFileIsToldToItsOwnIssue(t *testing.T) {
	for name, tc := range badFiles {
		t.Run(name, func(t *testing.T) {
			tracker, dir := open(t)
			path := filepath.Join(dir, "checkout-1.md")
			if err := tc.make(t, path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			at := issue.Found{Key: "checkout-1", Ref: issue.Ref{URL: path}, Text: text}
			within(t, func() {
				_, errCreate := tracker.Create(t.Context(), post("checkout-1"))
				_, errFind := tracker.Find(t.Context(), post("checkout-1"), time.Time{})
				_, errComment := tracker.Create(t.Context(), issue.Post{Key: "checkout-1/progress", Parent: &at, Text: text})
				errReplace := tracker.Replace(t.Context(), at, final)
				_, errBody := tracker.Body(t.Context(), at.Ref)
				for op, err := range map[string]error{
					"create": errCreate, "find": errFind, "comment": errComment, "replace": errReplace, "body": errBody,
				} {
					if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tc.says) {
						t.Errorf("%s: got %v, want the path and that it %s", op, err, tc.says)
					}
					if op != "find" && op != "body" && !errors.Is(err, issue.ErrRefused) {
						t.Errorf("%s: got %v, want ErrRefused: nothing was written", op, err)
					}
				}
			})
			if now, err := os.Lstat(path); err != nil || now.Mode() != before.Mode() || !os.SameFile(now, before) {
				t.Errorf("it was replaced: %v, %v", now, err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("the folder has %v, %v", entries, err)
			}
		})
	}
}

func TestFolderThatIsMissingIsNoRemovedIssue(t *testing.T) {
	tracker, dir := open(t)
	at := create(t, tracker, post("checkout-1"))
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	for op, err := range map[string]error{
		"replace": tracker.Replace(t.Context(), at, final), "change": tracker.Change(t.Context(), at, issue.Change{}),
	} {
		if !errors.Is(err, issue.ErrRefused) || errors.Is(err, issue.ErrNotFound) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want it refused with the folder's path", op, err)
		}
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if err := tracker.Replace(t.Context(), at, final); err != nil {
		t.Errorf("the folder is there again: %v", err)
	}
}
