package alert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/sqlite"
	"github.com/postburn/postburn/slo"
)

// service is a source whose samples depend on nothing but the tick: every objective has 100 events a second, and all of them are bad
// during the fault.
type service struct {
	faultFrom, faultTo time.Time
	down               atomic.Bool // answers nothing
	refused            string      // the name of an objective whose query is refused
	reads              atomic.Int64
}

func (s *service) read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	s.reads.Add(1)
	readings := make([]slo.Reading, len(objectives))
	for i, o := range objectives {
		switch {
		case s.down.Load():
			readings[i].Err = fmt.Errorf("%w: connection refused", slo.ErrUnreachable)
			continue
		case o.Name == s.refused:
			readings[i].Err = fmt.Errorf("%w: many-to-many matching not allowed", slo.ErrRefused)
			continue
		}
		series := slo.Series{}
		for t := range ticks.Len() {
			at := ticks.At(t)
			sample := slo.Sample{Tick: at, Counts: slo.Counts{Total: 100 * ticks.Interval.Seconds()}}
			if at.After(s.faultFrom) && !at.After(s.faultTo) {
				sample.Bad = sample.Total
			}
			series.Samples = append(series.Samples, sample)
		}
		readings[i].Series = []slo.Series{series}
	}
	return readings
}

// process is a postburn that can be started and killed, on one database.
type process struct {
	t       *testing.T
	path    string
	service *service
	defs    []alert.Definition
	wrap    func(alert.Store) alert.Store
	log     bytes.Buffer

	engine *alert.Engine
	store  *sqlite.Store
	stop   context.CancelFunc
	ended  chan error
}

func (p *process) start() {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	store, err := sqlite.Open(ctx, p.path, sqlite.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	var wrapped alert.Store = store
	if p.wrap != nil {
		wrapped = p.wrap(store)
	}
	p.store, p.stop, p.ended = store, cancel, make(chan error, 1)
	p.engine = alert.NewEngine(alert.Options{
		Definitions: p.defs, Interval: 30 * time.Second, Delay: time.Minute, Source: p.service.read, Store: wrapped,
		Logger: slog.New(slog.NewTextHandler(&p.log, nil)), Registerer: prometheus.NewRegistry(),
	})
	if err := p.engine.Recover(ctx); err != nil {
		p.t.Fatal(err)
	}
	go func() { p.ended <- p.engine.Run(ctx) }()
}

func (p *process) kill() {
	p.t.Helper()
	p.stop()
	if err := <-p.ended; err != nil {
		p.t.Errorf("engine: %v", err)
	}
	if err := p.store.Close(); err != nil {
		p.t.Error(err)
	}
}

func (p *process) incidents() []alert.Incident {
	p.t.Helper()
	all, err := p.store.Incidents(p.t.Context(), time.Time{})
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

func (p *process) states() map[string]alert.State {
	states := map[string]alert.State{}
	for _, s := range p.engine.Statuses(time.Now()) {
		states[s.Objective.Name] = s.State
	}
	return states
}

func definition(name string) alert.Definition {
	o := objective("0.999")
	o.Name = name
	p := policy(alert.DefaultRules(30 * day)...)
	p.MinBadEvents, p.Budget = 10, true
	return alert.Definition{Objective: o, Policy: p}
}

// TestEngine runs the engine on a real database through faults of the service, of Prometheus and of itself, and compares what it
// recorded with what a replay finds afterwards.
func TestEngine(t *testing.T) {
	for _, tc := range []struct {
		name   string
		during func(p *process) // begins when the fault does
	}{
		{"without trouble", func(*process) { time.Sleep(3 * time.Hour) }},
		{"killed while the fault lasts", func(p *process) {
			time.Sleep(5 * time.Minute)
			p.kill()
			time.Sleep(2 * time.Minute)
			p.start()
			time.Sleep(3 * time.Hour)
		}},
		{"killed again and again", func(p *process) {
			for range 30 {
				time.Sleep(97 * time.Second)
				p.kill()
				p.start()
			}
			time.Sleep(3 * time.Hour)
		}},
		{"down during all of the fault", func(p *process) {
			p.kill()
			time.Sleep(5 * time.Hour)
			p.start()
			time.Sleep(time.Hour)
		}},
		{"prometheus unreachable meanwhile", func(p *process) {
			time.Sleep(4 * time.Minute)
			p.service.down.Store(true)
			time.Sleep(30 * time.Minute)
			if diff := cmp.Diff(map[string]alert.State{"api": alert.Blind, "checkout": alert.Blind}, p.states()); diff != "" {
				p.t.Errorf("states (-want +got):\n%s", diff)
			}
			p.service.down.Store(false)
			time.Sleep(3 * time.Hour)
			if n := strings.Count(p.log.String(), "no samples"); n != 1 {
				p.t.Errorf("%d lines about missing samples, want 1:\n%s", n, p.log.String())
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{faultFrom: time.Now().Add(time.Hour), faultTo: time.Now().Add(80 * time.Minute)}
				p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("api"), definition("checkout")}}
				started := time.Now().Truncate(30 * time.Second).Add(-time.Minute)
				p.start()
				time.Sleep(time.Hour)
				tc.during(p)
				synctest.Wait()
				got := p.incidents()
				end := time.Now().Add(-time.Minute).Truncate(30 * time.Second)
				p.kill()
				replayed, err := alert.Replay(t.Context(), s.read, p.defs, 30*time.Second, started, end, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != 1 || len(got[0].Windows) != 2 || got[0].IsOpen() {
					t.Fatalf("want one recovered incident of two windows, got %+v", got)
				}
				for _, w := range got[0].Windows {
					if !w.Onset.Equal(s.faultFrom) || !w.Ended.Equal(s.faultTo) || w.Bad != 120_000 || w.Total != 120_000 {
						t.Errorf("%s: %s to %s, %v of %v bad", w.ID(), w.Onset, w.Ended, w.Bad, w.Total)
					}
				}
				if diff := cmp.Diff(replayed.Incidents, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{})); diff != "" {
					t.Errorf("(-replay +daemon):\n%s", diff)
				}
			})
		})
	}
}

// TestEngineBlindObjective has one objective whose query is refused: it is blind, and holds up the other only for a while.
func TestEngineBlindObjective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{refused: "api"}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("api"), definition("checkout")}}
		p.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		// Both are of one group, so they advance together; what new objectives need of the past is filled one by one.
		if got := p.states()["api"]; got != alert.Blind {
			t.Errorf("api is %s, want blind", got)
		}
		if n := strings.Count(p.log.String(), "no samples"); n != 1 {
			t.Errorf("%d lines about missing samples, want 1:\n%s", n, p.log.String())
		}
		if got := p.states()["checkout"]; got != alert.OK {
			t.Errorf("checkout is %s, want ok", got)
		}
		p.kill()
	})
}

// fullDisk is a store whose commits fail for a while.
type fullDisk struct {
	alert.Store
	full atomic.Bool
}

func (f *fullDisk) Commit(ctx context.Context, b []alert.Batch) error {
	if f.full.Load() {
		return errors.New("database or disk is full")
	}
	return f.Store.Commit(ctx, b)
}

func TestEngineFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{faultFrom: time.Now().Add(time.Hour), faultTo: time.Now().Add(80 * time.Minute)}
		disk := &fullDisk{}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("checkout")}}
		p.wrap = func(store alert.Store) alert.Store { disk.Store = store; return disk }
		p.start()
		time.Sleep(time.Hour)
		disk.full.Store(true)
		time.Sleep(time.Hour)
		if got := p.incidents(); len(got) != 0 {
			t.Errorf("incidents on a full disk: %+v", got)
		}
		if got := p.states()["checkout"]; got != alert.Blind {
			t.Errorf("checkout is %s while nothing can be committed, want blind", got)
		}
		disk.full.Store(false)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		got := p.incidents()
		if len(got) != 1 || got[0].IsOpen() || got[0].Worst().Bad != 120_000 {
			t.Errorf("after the disk had room again: %+v", got)
		}
		if n := strings.Count(p.log.String(), "failing; nothing is lost"); n != 1 {
			t.Errorf("%d lines about the full disk, want 1:\n%s", n, p.log.String())
		}
		p.kill()
	})
}

func TestEngineFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: &service{}, defs: []alert.Definition{definition("checkout")}}
		p.start()
		time.Sleep(time.Hour)
		second := &process{t: t, path: p.path, service: p.service, defs: p.defs}
		second.start()
		if err := <-p.ended; !errors.Is(err, alert.ErrFenced) {
			t.Errorf("the first engine ended with %v, want ErrFenced", err)
		}
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
		second.kill()
	})
}
