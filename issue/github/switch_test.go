package github_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue/issuetest"
	"github.com/postburn/postburn/issue/local"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
)

// TestSwitchFromFiles publishes one incident that is over and one that burns as files, and then
// goes on with GitHub. The files stay as they are, and nobody is said to have removed them.
func TestSwitchFromFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Chdir(t.TempDir())
		const dir = "postmortems" // as by default
		files, err := local.New(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		tracker, server := open(t)
		store := issuetest.NewStore()
		var log bytes.Buffer
		onset := time.Now()
		minutes := func(d time.Duration, options publish.Options) {
			options.Store, options.Render, options.Logger = store, postmortem.Render, slog.New(slog.NewTextHandler(&log, nil))
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := publish.New(options).Run(ctx); err != nil {
					t.Error(err)
				}
			})
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Minute) {
				for group, length := range map[string]time.Duration{"over": 5 * time.Minute, "burns": 2 * time.Hour} {
					if i, ok := incident(group, onset, time.Now(), [2]time.Duration{0, length}); ok {
						store.Put(i)
					}
				}
			}
			stop()
			running.Wait()
		}
		minutes(20*time.Minute, publish.Options{Tracker: files, Settle: time.Second, LookEvery: time.Second})
		log.Reset()
		for range 2 { // it starts twice
			minutes(90*time.Minute, publish.Options{Tracker: tracker, List: tracker.List})
		}
		for line, want := range map[string]int{"removed by a person": 0, "transferred": 0, "written by another tracker and stays": 2, "level=WARN": 0} {
			if n := strings.Count(log.String(), line); n != want {
				t.Errorf("the log says %q %d times, want %d", line, n, want)
			}
		}
		for _, id := range []string{"over-1", "burns-1"} {
			pub, ok := store.Load(id)
			if !ok || pub.Triage != "" || !strings.HasPrefix(pub.URL(), dir) || !pub.IsSettled() {
				t.Errorf("%s: %+v", id, pub)
			}
		}
		for _, r := range server.Requests() {
			if r.IsWrite() {
				t.Errorf("there was a write at GitHub: %s %s", r.Method, r.Path)
			}
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
}
