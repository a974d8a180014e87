//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDiskFull has the store's disk full from before a fault until after it. Nothing is lost, and
// all goes on once there is room. The store is on a small file system that only this postburn sees.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const writing = `what="writing the store"`
	s := newStage(t, onlyBurns())
	disk := s.postburn.path("disk")
	if err := os.Mkdir(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(disk, "postburn.db")
	s.postburn.env = append(s.postburn.env, "POSTBURN_STORE=sqlite:"+path)
	s.shop.traffic()
	s.prometheus.start()
	s.postburn.start("unshare", "--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs -o size=2m none "$0" && exec "$@"`, disk)
	s.settle()

	// The file system is reached through the process that it belongs to.
	filler := filepath.Join(fmt.Sprintf("/proc/%d/root", s.postburn.cmd.Process.Pid), disk, "filler")
	fill(t, filler)
	f := s.breakDown()
	await(t, patience, "a failed commit", func() error {
		n, err := s.postburn.metric("postburn_commits_failed_total")
		if err == nil && n == 0 {
			err = errNotYet
		}
		return err
	})
	s.postburn.awaitStoreProblem("full", "store "+path+": database or disk is full", "make room on its disk; until then nothing is committed, and nothing is lost")
	s.postburn.isReady()
	f.until(lasting)
	s.repair(f)
	if all, err := s.postburn.incidents(); err != nil || len(all) != 0 {
		t.Errorf("what is not committed is shown: %+v, %v", all, err)
	}
	s.postburn.awaitSaidOnce("level=ERROR", writing)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.postburn.awaitStoreHealthy()
	s.verify(f)
	s.postburn.awaitSaidOnce("level=INFO", writing)
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
