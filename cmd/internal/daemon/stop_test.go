package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitFor(t *testing.T) {
	failure := errors.New("failure")
	for _, tc := range []struct {
		name  string
		takes time.Duration // after it was told to stop
		ends  error
		want  string
	}{
		{"ends in time", time.Second, nil, ""},
		{"ends in time, with an error", time.Second, failure, "failure"},
		{"hangs", time.Hour, nil, "stopping: something still hangs after 9s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, stop)
				start := time.Now()
				err := waitFor(ctx, patience, func() error {
					<-ctx.Done()
					time.Sleep(tc.takes)
					return tc.ends
				})
				if got := time.Since(start); got > time.Minute+patience {
					t.Errorf("it took %s", got)
				}
				if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				time.Sleep(tc.takes) // until nothing hangs any more
			})
		})
	}
}
