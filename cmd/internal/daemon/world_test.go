package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue/local"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
	"github.com/postburn/postburn/store/sqlite"
)

// world is a postburn and the Prometheus that it is led to: the real engine, store, publisher,
// client and server. Postburn lives in a synctest bubble, where hours take seconds; the servers and
// all that talks to them are outside.
type world struct {
	t          *testing.T
	dir        string
	ask        func(question) []slo.Reading
	server     atomic.Int32 // the one that is asked
	ahead      atomic.Int64 // how far the wall clock is set ahead, as a time.Duration
	definition alert.Definition

	caveats map[slo.CaveatKind]int // how many of the samples that were read have each kind
	blind   int                    // how many have no data
	errs    map[string]int         // why there were none

	store  *sqlite.Store
	engine *engine.Engine
	stop   context.CancelFunc
	ended  chan error
	log    bytes.Buffer
}

// question is what a server is asked.
type question struct {
	now        time.Time
	server     int
	objectives []slo.Objective
	ticks      slo.Ticks
}

// outside starts one client for each server, and returns what asks them from inside a bubble:
// nothing of the bubble's gets out. Samples, ordered by time, arrive at the first server so much
// later than they are of, in their order.
func outside(t *testing.T, servers []*promtest.Server, arriving []promtest.Sample, late func(at time.Time) time.Duration) func(question) []slo.Reading {
	t.Helper()
	questions, answers := make(chan question), make(chan []slo.Reading)
	clients := make([]*prom.Client, len(servers))
	for i, s := range servers {
		client, err := prom.New(prom.Options{URL: s.URL()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		clients[i] = client
	}
	go func() {
		for q := range questions {
			n := 0
			for n < len(arriving) && !arriving[n].Time.Add(late(arriving[n].Time)).After(q.now) {
				n++
			}
			if err := servers[0].Append(arriving[:n]...); err != nil {
				t.Error(err)
			}
			arriving = arriving[n:]
			answers <- clients[q.server].Read(context.Background(), q.objectives, q.ticks)
		}
	}()
	t.Cleanup(func() { close(questions) })
	return func(q question) []slo.Reading {
		questions <- q
		return <-answers
	}
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// read is the engine's source. There is one objective, so there is one lane that asks.
func (w *world) read(_ context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	// as the client finds out by the server's clock, which is outside
	if ticks.Last.After(time.Now().Add(time.Minute)) {
		return []slo.Reading{{Err: fmt.Errorf("%w: set the clocks right", slo.ErrClock)}}
	}
	readings := w.ask(question{w.now(), int(w.server.Load()), objectives, ticks})
	for _, r := range readings {
		if r.Err != nil {
			w.errs[r.Err.Error()]++
		}
		for _, s := range r.Series {
			for _, sample := range s.Samples {
				if sample.Blind {
					w.blind++
				}
				for _, c := range sample.Caveats {
					w.caveats[c.Kind]++
				}
			}
		}
	}
	return readings
}

func (w *world) database() string { return filepath.Join(w.dir, "postburn.db") }
func (w *world) folder() string   { return filepath.Join(w.dir, "postmortems") }

// start runs a postburn, until kill.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	store, err := sqlite.Open(ctx, w.database(), sqlite.Options{NoSync: true})
	if err != nil {
		w.t.Fatal(err)
	}
	tracker, err := local.New(w.folder(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	registry, logger := prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&w.log, nil))
	publisher := publish.New(publish.Options{
		Store: store, Tracker: tracker, Render: postmortem.Render, Logger: logger, Registerer: registry, Settle: time.Second, LookEvery: time.Second,
	})
	engine := engine.NewEngine(engine.Options{
		Definitions: []alert.Definition{w.definition}, Interval: 30 * time.Second, Delay: time.Minute, Source: w.read, Store: store,
		Logger: logger, Registerer: registry, Committed: publisher.Notify, Now: w.now,
	})
	if err := engine.RecoverAll(ctx, store); err != nil {
		w.t.Fatal(err)
	}
	w.store, w.engine, w.stop, w.ended = store, engine, cancel, make(chan error, 2)
	go func() { w.ended <- engine.Run(ctx) }()
	go func() { w.ended <- publisher.Run(ctx) }()
}

func (w *world) kill() {
	w.t.Helper()
	w.stop()
	for range 2 {
		if err := <-w.ended; err != nil {
			w.t.Error(err)
		}
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// until lets the time pass up to ten seconds after a point of the world's clock: what a test changes
// at its minutes lies between two readings, not beside one.
func (w *world) until(d time.Duration) { time.Sleep(time.Until(epoch.Add(d + 10*time.Second))) }

func (w *world) state() alert.State {
	w.t.Helper()
	all := w.engine.Statuses(w.now())
	if len(all) != 1 {
		w.t.Fatalf("%d objectives, want 1", len(all))
	}
	return all[0].State
}

// incidents are those of the store, oldest first, as texts: from when to when, what they counted,
// and their caveats.
func (w *world) incidents() []string {
	w.t.Helper()
	all, err := w.store.Incidents(w.t.Context(), time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	texts := []string{}
	for _, i := range all {
		for _, v := range i.Windows {
			ended := "now"
			if !v.IsOpen() {
				ended = v.Ended.Sub(epoch).String()
			}
			text := fmt.Sprintf("%s to %s: %.0f of %.0f", v.Onset.Sub(epoch), ended, v.Bad, v.Total)
			for _, c := range v.Caveats {
				// the budgets of these young objectives all are, in part
				if c.Kind != slo.Estimated {
					text += ", " + c.String()
				}
			}
			texts = append([]string{text}, texts...)
		}
	}
	return texts
}

// postMortems are how many files there are.
func (w *world) postMortems() int {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.folder(), "*.md"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(files)
}

// restore goes on until a point of time, and from there again with the database of now.
func (w *world) restore(folder string, at time.Duration) {
	w.t.Helper()
	kept := filepath.Join(folder, "kept.db")
	w.kill()
	copyDatabase(w.t, w.database(), kept)
	w.start()
	w.until(at)
	w.kill()
	copyDatabase(w.t, kept, w.database())
	w.start()
}

// copyDatabase copies the files of a database that nobody has open.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(to + suffix) // it may not be there
		source, err := os.Open(from + suffix)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		target, err := os.Create(to + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(target, source); err != nil {
			t.Fatal(err)
		}
		if err := target.Close(); err != nil {
			t.Fatal(err)
		}
		_ = source.Close() // it was only read
	}
}
