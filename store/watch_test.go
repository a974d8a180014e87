package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
)

// watched is a fake store with problems set by a test.
type watched struct {
	mu              sync.Mutex
	probed, scanned error
	restored, scans int
	log             bytes.Buffer

	scanTakes time.Duration
	registry  *prometheus.Registry
	*store.Watcher
}

// Write implements io.Writer for the log.
func (w *watched) Write(line []byte) (int, error) {
	defer w.lock()()
	return w.log.Write(line)
}

// lock locks what the watcher and the test both use, and returns what unlocks it.
func (w *watched) lock() (unlock func()) {
	w.mu.Lock()
	return w.mu.Unlock
}

// set sets what is wrong.
func (w *watched) set(probed, scanned error) {
	defer w.lock()()
	w.probed, w.scanned = probed, scanned
}

func newWatched() *watched {
	w := &watched{registry: prometheus.NewRegistry()}
	w.Watcher = store.NewWatcher(store.WatchOptions{
		Probe: func(context.Context) error {
			defer w.lock()()
			return w.probed
		},
		Scan: func(ctx context.Context) error {
			time.Sleep(w.scanTakes)
			defer w.lock()()
			w.scans++
			return w.scanned
		},
		Restored: func() int {
			defer w.lock()()
			return w.restored
		},
		Logger: slog.New(slog.NewTextHandler(w, nil)), Registerer: w.registry,
	})
	return w
}

// shows checks the metrics and the page's words.
func (w *watched) shows(t *testing.T, healthy int, problem string) {
	t.Helper()
	want := fmt.Sprintf("# HELP postburn_store_healthy Whether the store is where it was, can be written and is not damaged.\n"+
		"# TYPE postburn_store_healthy gauge\npostburn_store_healthy %d\n", healthy)
	if err := testutil.GatherAndCompare(w.registry, strings.NewReader(want), "postburn_store_healthy"); err != nil {
		t.Error(err)
	}
	got := ""
	if err := w.Problem(); err != nil {
		got = err.Error()
	}
	if got != problem {
		t.Errorf("the problem is %q, want %q", got, problem)
	}
}

func (w *watched) logged(t *testing.T, part string, want int) {
	t.Helper()
	defer w.lock()()
	if n := strings.Count(w.log.String(), part); n != want {
		t.Errorf("%q is logged %d times, want %d:\n%s", part, n, want, w.log.String())
	}
}

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched()
		ended := make(chan error)
		ctx, stop := context.WithCancel(t.Context())
		go func() { ended <- w.Run(ctx) }()
		minute := func() { time.Sleep(time.Minute); synctest.Wait() }
		minute()
		w.shows(t, 1, "")

		w.set(fmt.Errorf("probing: %w", &store.Error{Path: "/p", Problem: store.Full, Err: errors.New("no room"), Advice: "make room"}), nil)
		minute()
		w.shows(t, 0, "probing: store /p: no room; make room")
		minute()
		w.logged(t, `msg="something is wrong with the store" problem=full err="probing: store /p: no room; make room"`, 1)
		w.set(nil, &store.Error{Path: "/p", Problem: store.Damaged, Err: errors.New("page 7")})
		minute()
		w.shows(t, 0, "store /p: page 7")
		w.logged(t, "problem=damaged", 1)
		w.set(nil, nil)
		unlock := w.lock()
		w.restored = 2
		unlock()
		minute()
		w.shows(t, 1, "")
		w.logged(t, "nothing is wrong with the store any more", 2)
		w.logged(t, "was put back", 1)
		const restored = "# HELP postburn_store_restored_total Times that the store's file had been removed and was put back with all that was committed.\n" +
			"# TYPE postburn_store_restored_total counter\npostburn_store_restored_total 2\n"
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(restored), "postburn_store_restored_total"); err != nil {
			t.Error(err)
		}
		counted, err := testutil.GatherAndCount(w.registry, "postburn_store_errors_total")
		if err != nil || counted != 9 {
			t.Errorf("%d problems are counted, %v", counted, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWatcherScansSparingly has a scan take 10 s: it runs less often than for a small store.
func TestWatcherScansSparingly(t *testing.T) {
	for takes, want := range map[time.Duration]int{0: 120, 10 * time.Second: 18} {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched()
			w.scanTakes = takes
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
			if w.scans < want-1 || w.scans > want+1 {
				t.Errorf("%d scans of %s in an hour, want %d", w.scans, takes, want)
			}
		})
	}
}

func TestWatcherEndsAfterTakeover(t *testing.T) {
	w := newWatched()
	w.probed = fmt.Errorf("probing: %w", alert.ErrFenced)
	if err := w.Run(t.Context()); !errors.Is(err, alert.ErrFenced) {
		t.Errorf("got error %v, want that another process has taken over", err)
	}
}
