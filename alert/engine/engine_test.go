package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// service is a source whose samples depend only on the tick: every objective has 100 events a
// second, all bad during the fault.
type service struct {
	faultFrom, faultTo time.Time
	down               atomic.Bool         // answers nothing
	lag                atomic.Int64        // how late events reach Prometheus, as a time.Duration
	refused            string              // name of the objective with a refused query
	regions            map[string]slo.Span // of group_by: when a region has data; the fault is in all of them
	reads              atomic.Int64
	asked              atomic.Int64 // samples of all answers
	largest            atomic.Int64 // samples of one answer
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
		if len(o.GroupBy) > 0 {
			readings[i].Series = s.byRegion(ticks)
			continue
		}
		series := slo.Series{}
		for t := range ticks.Len() {
			series.Samples = append(series.Samples, s.step(ticks.At(t), ticks))
		}
		readings[i].Series = []slo.Series{series}
	}
	size := 0
	for _, r := range readings {
		size += len(r.Series) * ticks.Len()
	}
	s.asked.Add(int64(size))
	s.largest.Store(max(s.largest.Load(), int64(size)))
	return readings
}

// step returns a sample of one step, which may be several ticks.
func (s *service) step(at time.Time, ticks slo.Ticks) slo.Sample {
	if ticks.Each == 0 {
		return s.sample(at, ticks.Interval)
	}
	whole := slo.Sample{Tick: at}
	for tick := at.Add(ticks.Each - ticks.Interval); !tick.After(at); tick = tick.Add(ticks.Each) {
		whole.Counts = whole.Add(s.sample(tick, ticks.Each).Counts)
	}
	return whole
}

func (s *service) sample(at time.Time, interval time.Duration) slo.Sample {
	if seen := time.Now().Add(-time.Duration(s.lag.Load())); seen.Before(at) {
		// A counter that has not come in yet keeps its old value.
		interval = max(0, interval-at.Sub(seen))
	}
	sample := slo.Sample{Tick: at, Counts: slo.Counts{Total: 100 * interval.Seconds()}}
	if at.After(s.faultFrom) && !at.After(s.faultTo) {
		sample.Bad = sample.Total
	}
	return sample
}

// byRegion has a series for each region with data at any tick, as in Prometheus.
func (s *service) byRegion(ticks slo.Ticks) []slo.Series {
	var all []slo.Series
	for _, name := range slices.Sorted(maps.Keys(s.regions)) {
		series, seen := slo.Series{Labels: slo.NewLabels(map[string]string{"region": name})}, false
		for t := range ticks.Len() {
			at, has := ticks.At(t), s.regions[name]
			sample := slo.Sample{Tick: at, Blind: true}
			if at.After(has.Start) && !at.After(has.End) {
				sample, seen = s.step(at, ticks), true
			}
			series.Samples = append(series.Samples, sample)
		}
		if seen {
			all = append(all, series)
		}
	}
	return all
}

// process is a postburn that can be started and killed, on one database.
type process struct {
	t       *testing.T
	path    string
	service *service
	source  engine.Source // nil: the service
	reach   engine.Reach
	every   time.Duration // the interval; 0: 30 s
	defs    []alert.Definition
	wrap    func(alert.Store) alert.Store
	log     bytes.Buffer

	engine *engine.Engine
	store  *sqlite.Store
	stop   context.CancelFunc
	ended  chan error
}

func (p *process) start() {
	p.t.Helper()
	if p.store == nil {
		// Off the grid: what a test changes at its minutes lies between two readings, not beside one.
		time.Sleep(time.Second)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	store, err := sqlite.Open(ctx, p.path, sqlite.Options{NoSync: true})
	if err != nil {
		p.t.Fatal(err)
	}
	var wrapped alert.Store = store
	if p.wrap != nil {
		wrapped = p.wrap(store)
	}
	p.store, p.stop, p.ended = store, cancel, make(chan error, 1)
	if p.source == nil {
		p.source = p.service.read
	}
	if p.every == 0 {
		p.every = 30 * time.Second
	}
	p.engine = engine.NewEngine(engine.Options{
		Definitions: p.defs, Interval: p.every, Delay: time.Minute, Source: p.source, Reach: p.reach, Store: wrapped, Excluded: store.ExcludedIncidents,
		Logger: slog.New(slog.NewTextHandler(&p.log, nil)), Registerer: prometheus.NewRegistry(),
	})
	if err := p.engine.RecoverAll(ctx, store); err != nil {
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
	o.Name, o.Indicator = name, slo.Indicator{Ratio: &slo.Ratio{Bad: `errors_total`, Total: `requests_total`}}
	p := policy(alert.DefaultRules(30 * day)...)
	p.MinBadEvents, p.Budget = 10, true
	return alert.Definition{Objective: o, Policy: p}
}

// TestEngine runs the engine on a real database through faults of the service, of Prometheus and of
// itself, and compares its records with a later replay.
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
			t.Parallel()
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
				replayed, err := engine.Replay(t.Context(), s.read, p.defs, 30*time.Second, started, end, nil)
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

// TestEngineBlindObjective has one objective's query refused: it is blind, and holds up the other
// only for a while.
func TestEngineBlindObjective(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{refused: "api"}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("api"), definition("checkout")}}
		p.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		// Both are of one group, so they advance together. The pasts of new objectives are filled
		// one by one.
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
	t.Parallel()
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
	t.Parallel()
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

// TestEngineGroupBy watches an objective of several regions: one from the beginning, one that
// appears with nothing but errors, and one that goes for good in the middle of the fault. The
// process is killed now and then.
func TestEngineGroupBy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Truncate(30 * time.Second)
		at := func(d time.Duration) time.Time { return begin.Add(d) }
		s := &service{faultFrom: at(time.Hour), faultTo: at(80 * time.Minute)}
		s.regions = map[string]slo.Span{
			"ap": {Start: at(-4 * day), End: at(70 * time.Minute)},
			"eu": {Start: at(-4 * day), End: at(30 * day)},
			"us": {Start: at(75 * time.Minute), End: at(30 * day)},
		}
		def := definition("checkout")
		def.Objective.GroupBy = []string{"region"}
		def.Policy.Budget = false
		def.Policy.Rules = def.Policy.Rules[:2] // the longest looks back for 6 hours
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{def}}
		p.start()
		for range 20 { // 5 hours
			time.Sleep(15*time.Minute + time.Second)
			p.kill()
			p.start()
		}
		if got := len(p.engine.Statuses(time.Now())); got != 3 {
			t.Errorf("%d label sets are watched, want 3", got)
		}
		time.Sleep(30 * time.Hour) // longer than a label set without data is kept
		synctest.Wait()
		if got := len(p.engine.Statuses(time.Now())); got != 2 {
			t.Errorf("%d label sets are watched after one has gone, want 2", got)
		}
		got := p.incidents()
		p.kill()
		if len(got) != 1 || len(got[0].Windows) != 3 || got[0].IsOpen() {
			t.Fatalf("want one recovered incident of three windows, got %+v", got)
		}
		for _, w := range got[0].Windows {
			want := map[slo.Labels]slo.Span{
				`{region="ap"}`: {Start: at(time.Hour), End: at(70 * time.Minute)},
				`{region="eu"}`: {Start: at(time.Hour), End: at(80 * time.Minute)},
				`{region="us"}`: {Start: at(75 * time.Minute), End: at(80 * time.Minute)},
			}[w.Labels]
			if events := 100 * want.End.Sub(want.Start).Seconds(); !w.Onset.Equal(want.Start) || !w.Ended.Equal(want.End) || w.Bad != events {
				t.Errorf("%s: %s to %s, %v bad, want %s to %s, %v", w.ID(), w.Onset, w.Ended, w.Bad, want.Start, want.End, events)
			}
			if removed := slices.ContainsFunc(w.Caveats, func(c slo.Caveat) bool { return c.Kind == slo.Removed }); removed != (w.Labels == `{region="ap"}`) {
				t.Errorf("%s: caveats %v", w.ID(), w.Caveats)
			}
		}
		replayed, err := engine.Replay(t.Context(), s.read, p.defs, 30*time.Second, begin.Add(-time.Minute), begin.Add(34*time.Hour), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(replayed.Incidents, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{})); diff != "" {
			t.Errorf("(-replay +daemon):\n%s", diff)
		}
	})
}

func TestEngineLimitsLabelSets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{regions: map[string]slo.Span{}}
		for i := range 1005 {
			s.regions[fmt.Sprintf("r%04d", i)] = slo.Span{Start: time.Now().Add(-time.Hour), End: time.Now().Add(day)}
		}
		def := definition("checkout")
		def.Objective.GroupBy = []string{"region"}
		def.Policy.Rules = def.Policy.Rules[:1] // an hour of the past is enough
		def.Objective.Window.Rolling = day
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{def}}
		p.start()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := len(p.engine.Statuses(time.Now())); got != 1000 {
			t.Errorf("%d label sets are watched, want 1000", got)
		}
		if n := strings.Count(p.log.String(), "5 label sets more than the 1000"); n != 1 {
			t.Errorf("%d lines about the label sets that are left out, want 1:\n%s", n, p.log.String())
		}
		p.kill()
	})
}

// TestEngineLateData has events reach Prometheus later than they are asked for. None is lost, and
// after a while they are waited for.
func TestEngineLateData(t *testing.T) {
	for _, lag := range []time.Duration{0, 80 * time.Second, 100 * time.Second, 3 * time.Minute} {
		t.Run(lag.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{faultFrom: time.Now().Add(2 * time.Hour), faultTo: time.Now().Add(140 * time.Minute)}
				p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("checkout")}}
				p.start()
				time.Sleep(119 * time.Minute)
				s.lag.Store(int64(lag)) // a minute before the fault begins
				time.Sleep(10 * time.Minute)
				p.kill()
				p.start()
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				got := p.incidents()
				if len(got) != 1 || got[0].IsOpen() {
					t.Fatalf("want one recovered incident, got %+v", got)
				}
				w := got[0].Windows[0]
				if !w.Onset.Equal(s.faultFrom) || !w.Ended.Equal(s.faultTo) || w.Bad != 120_000 || w.Total != 120_000 {
					t.Errorf("%s to %s, %v of %v bad, want %s to %s, all of 120000", w.Onset, w.Ended, w.Bad, w.Total, s.faultFrom, s.faultTo)
				}
				late := slices.ContainsFunc(w.Caveats, func(c slo.Caveat) bool { return c.Kind == slo.DataLate })
				if late != (lag > 0) {
					t.Errorf("caveats %v", w.Caveats)
				}
				if n := strings.Count(p.log.String(), "sampling later"); (n > 0) != (lag > 0) || n > 4 {
					t.Errorf("%d lines about late data:\n%s", n, p.log.String())
				}
				if got := p.states()["checkout"]; got != alert.OK {
					t.Errorf("checkout is %s, want ok", got)
				}
				p.kill()
			})
		})
	}
}
