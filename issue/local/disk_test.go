//go:build unix

package local_test

import (
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/postburn/postburn/issue"
)

// A limit on the size of files fails a write in its middle, as a full disk does.
func TestFullDiskLeavesNothing(t *testing.T) {
	tracker, dir := open(t)
	at := create(t, tracker, issue.Post{Key: "small", Text: issue.Text{Title: "small", Body: "x\n"}})
	before := read(t, at.Ref.URL)
	long := issue.Text{Title: "long", Body: strings.Repeat("It failed.\n", 10_000)}

	restore := limitFileSize(t, 1<<16) // enough for what `go test` notes about this test
	_, errCreate := tracker.Create(t.Context(), issue.Post{Key: "checkout-1", Text: long})
	errReplace := tracker.Replace(t.Context(), at, long)
	_, errComment := tracker.Create(t.Context(), issue.Post{Key: "small/progress", Parent: &at, Text: long})
	restore()

	for name, err := range map[string]error{"create": errCreate, "replace": errReplace, "comment": errComment} {
		if !errors.Is(err, issue.ErrRefused) {
			t.Errorf("%s: got %v, want ErrRefused: it is known that nothing was written", name, err)
		}
	}
	if got := read(t, at.Ref.URL); got != before {
		t.Errorf("the file is now %q", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func limitFileSize(t *testing.T, bytes uint64) (restore func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := was
	limit.Cur = bytes
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}
