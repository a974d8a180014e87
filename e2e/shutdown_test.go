//go:build e2e

package e2e

import (
	"regexp"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
)

var resuming = regexp.MustCompile(`msg=resuming .*cursor=(\S+)`)

// TestStopped stops postburn in the middle of an incident. It ends soon and well, and goes on
// where it was.
func TestStopped(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	shown, err := s.postburn.lastTick()
	if err != nil {
		t.Fatal(err)
	}
	if code := s.postburn.stop(5 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s.postburn.said("level=ERROR") != 0 || s.postburn.said("msg=stopped") != 1 {
		t.Errorf("a clean stop is no error:\n%s", s.postburn.output())
	}
	s.postburn.start()
	found := resuming.FindStringSubmatch(s.postburn.output())
	if found == nil {
		t.Fatalf("it does not resume:\n%s", s.postburn.output())
	}
	cursor, err := time.Parse(time.RFC3339Nano, found[1])
	if err != nil || cursor.Before(shown) {
		t.Errorf("resuming at %s, %v, but %s had been committed", found[1], err, shown)
	}
	await(t, patience, "the objective to burn", func() error { return s.postburn.state(alert.Burning) })
	f.until(lasting)
	s.repair(f)
	s.verify(f)
}
