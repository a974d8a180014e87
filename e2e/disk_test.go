//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The disk of the store is full from before a fault until after it: nothing is lost, and all goes on when there is room. The store is on
// a small file system of its own, which only this postburn sees.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const writing = `what="writing the store"`
	s := newStage(t, onlyBurns())
	disk := s.postburn.path("disk")
	if err := os.Mkdir(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	s.postburn.env = append(s.postburn.env, "POSTBURN_STORE=sqlite:"+filepath.Join(disk, "postburn.db"))
	s.shop.traffic()
	s.prometheus.start()
	s.postburn.start("unshare", "--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs -o size=2m none "$0" && exec "$@"`, disk)
	s.settle()

	// The file system is reached through the process that it belongs to.
	filler := filepath.Join(fmt.Sprintf("/proc/%d/root", s.postburn.cmd.Process.Pid), disk, "filler")
	fill(t, filler)
	f := s.breakDown()
	await(t, 30*time.Second, "a failed commit", func() error {
		n, err := s.postburn.metric("postburn_commits_failed_total")
		if err == nil && n == 0 {
			err = errNotYet
		}
		return err
	})
	f.until(lasting)
	s.repair(f)
	if all, err := s.postburn.incidents(); err != nil || len(all) != 0 {
		t.Errorf("what is not committed is shown: %+v, %v", all, err)
	}
	if n := s.postburn.said("level=ERROR", writing); n != 1 {
		t.Errorf("a full disk is logged %d times", n)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.verify(f)
	if n := s.postburn.said("level=INFO", writing); n != 1 {
		t.Errorf("room on the disk is logged %d times", n)
	}
}

// fill writes a file until there is no room for one more byte.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: %v", err)
		}
		err = nil
	}
}
