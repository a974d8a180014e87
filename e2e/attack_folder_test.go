//go:build e2e

package e2e

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clutter puts all that has a post-mortem's name and is none into a folder, and returns the names.
func clutter(t *testing.T, dir string) (names []string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(path string) error{
		"pipe":     func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"folder":   func(path string) error { return os.Mkdir(path, 0o777) },
		"dangling": func(path string) error { return os.Symlink("nothing", path) },
		"looping":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"outside":  func(path string) error { return os.Symlink("/proc/self/environ", path) },
		"endless":  func(path string) error { return os.Symlink("/dev/zero", path) },
		"large":    func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o666), os.Truncate(path, 2<<30)) },
		"locked":   func(path string) error { return os.WriteFile(path, []byte("secret"), 0) },
		"socket": func(path string) error {
			short := filepath.Join(t.TempDir(), "s") // a socket's path has a hundred bytes at most
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			t.Cleanup(func() { l.Close() })
			return os.Rename(short, path)
		},
	} {
		if err := put(filepath.Join(dir, name+".md")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		names = append(names, name+".md")
	}
	return names
}

// ordinary runs a program as a user that may not read what is not theirs, whoever runs the test.
func ordinary() []string {
	if os.Getuid() != 0 {
		return nil
	}
	return []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}
}

// TestAttackFolder clutters the local tracker's folder before the first incident, and later puts a
// pipe in the place of its post-mortem.
func TestAttackFolder(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	dir := s.postburn.path("postmortems")
	names := clutter(t, dir)
	s.shop.traffic()
	s.prometheus.start()
	s.postburn.start(ordinary()...)
	s.settle()
	f := s.breakDown()
	var path string
	attack(t, "puts files into the folder", "hold up every post-mortem", func(t *testing.T) {
		await(t, patience, "the post-mortem", func() error {
			found, err := filepath.Glob(filepath.Join(dir, "shop-*.md"))
			if err != nil || len(found) != 1 {
				return errors.Join(err, errNotYet, s.postburn.alive())
			}
			path = found[0]
			return nil
		})
	})
	attack(t, "puts files into the folder", "have one left out without a word", func(t *testing.T) {
		for _, name := range names {
			if s.postburn.said("can't be read and is left alone", name) != 1 {
				t.Errorf("%s is not told once:\n%s", name, s.postburn.output())
			}
		}
	})
	if path == "" {
		t.Fatal("there is no post-mortem to go on with")
	}
	attack(t, "puts files into the folder", "exchange a post-mortem for a pipe", func(t *testing.T) {
		if err := errors.Join(os.Rename(path, path+".away"), syscall.Mkfifo(path, 0o666)); err != nil {
			t.Fatal(err)
		}
		f.until(lasting)
		s.repair(f)
		want := finalNumbers(s.awaitRecovered())
		await(t, patience, "it to be told", func() error {
			waiting, err := s.postburn.metric("postburn_publications_waiting")
			if err != nil || waiting != 1 || s.postburn.said("publishing goes on later", path, "is a named pipe") == 0 {
				return errors.Join(err, errNotYet)
			}
			return nil
		})
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		await(t, patience, "the final numbers", func() error {
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), want) {
				return errors.Join(err, errNotYet)
			}
			return nil
		})
	})
	attack(t, "puts files into the folder", "keep postburn from stopping", func(t *testing.T) {
		if code := s.postburn.stop(10 * time.Second); code != 0 {
			t.Errorf("it ended with %d", code)
		}
	})
}
