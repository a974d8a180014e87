package daemon

import (
	"context"
	"fmt"
	"time"
)

// patience is how long after ctx is done the daemon's parts may take to end. All of them do so
// within 5 s unless the kernel holds one of their calls, as it does with a dead network file
// system.
const patience = 9 * time.Second

// waitFor returns what wait returns. Once ctx is done it waits no longer than the limit, and then
// returns an error: each commit is a transaction, so ending in the midst of one loses nothing.
func waitFor(ctx context.Context, limit time.Duration, wait func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("stopping: something still hangs after %s, as a call on a disk or network file system may; what was committed is safe", limit)
	}
}
