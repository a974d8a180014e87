package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// leased is a store with a fence a lane, as several processes share it.
type leased struct {
	*sqlite.Store
	whole int64 // the fence under which SQLite takes everything

	mu     sync.Mutex
	fences alert.Fences
	holder map[string]int // by lane
}

// take has a process take over a lane, whoever has it.
func (l *leased) take(lane string, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fences[lane]++
	l.holder[lane] = by
}

// of returns the lanes of a process.
func (l *leased) of(process int) alert.Fences {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := alert.Fences{}
	for lane, by := range l.holder {
		if by == process {
			own[lane] = l.fences[lane]
		}
	}
	return own
}

func (l *leased) Commit(ctx context.Context, batches []alert.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := alert.FencedError{Err: alert.ErrFenced}
	batches = slices.Clone(batches)
	for i, b := range batches {
		if b.Fence != l.fences[b.Lane] && !slices.Contains(old.Lanes, b.Lane) {
			old.Lanes = append(old.Lanes, b.Lane)
		}
		batches[i].Fence = l.whole
	}
	if len(old.Lanes) > 0 {
		return &old
	}
	return l.Store.Commit(ctx, batches)
}

// TestLanesMove moves lanes between three processes at random, with and without their knowing,
// while services fail: incidents and numbers are those of a replay.
func TestLanesMove(t *testing.T) {
	t.Parallel()
	s := seed.Of(t)
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(s, 0))
		start := theNow()
		failing := &scene{roles: map[string]*role{}}
		var defs []alert.Definition
		for n := range 12 {
			name := fmt.Sprint("objective-", n)
			d := definition(name)
			d.Policy.Group, d.Policy.Budget = name, false
			d.Objective.Window.Rolling = 2 * day
			defs = append(defs, d)
			from := start.Add(minutes(float64(30 + random.IntN(200))))
			failing.roles[name] = &role{faults: []slo.Span{{Start: from, End: from.Add(minutes(float64(3 + random.IntN(40))))}}}
		}
		whole, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postburn.db"), sqlite.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer whole.Close()
		fence, err := whole.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		store := &leased{Store: whole, whole: fence, fences: alert.Fences{}, holder: map[string]int{}}
		for _, lane := range engine.Lanes() {
			store.take(lane, 0)
		}
		ctx, stop := context.WithCancel(t.Context())
		var engines []*engine.Engine
		ended := make(chan error, 3)
		var lost atomic.Int64
		for process := range 3 {
			e := engine.NewEngine(engine.Options{
				Definitions: defs, Interval: interval, Delay: time.Minute, Source: failing.read, Store: store, Excluded: whole.ExcludedIncidents,
				Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
				Lost: func(string, int64) { lost.Add(1) },
			})
			if err := e.Recover(ctx, store.of(process)); err != nil {
				t.Fatal(err)
			}
			engines = append(engines, e)
			go func() { ended <- e.Run(ctx) }()
		}
		for theNow().Sub(start) < 5*time.Hour {
			time.Sleep(time.Duration(random.Int64N(int64(minutes(4)))))
			for range random.IntN(20) {
				store.take(engine.Lanes()[random.IntN(len(engine.Lanes()))], random.IntN(3))
			}
			for process, e := range engines {
				if random.IntN(3) > 0 { // else it hears of it later, when it is refused
					if err := e.Own(t.Context(), store.of(process)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for process, e := range engines {
			if err := e.Own(t.Context(), store.of(process)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(minutes(5))
		synctest.Wait()
		seen := map[string]int{}
		for process, e := range engines {
			for _, s := range e.OwnStatuses(time.Now()) {
				if s.State != alert.OK {
					t.Errorf("%s is %s in process %d", s.Objective.Name, s.State, process)
				}
				seen[s.Objective.Name]++
			}
			if n := len(e.Statuses(time.Now())); n != len(defs) {
				t.Errorf("process %d shows %d objectives", process, n)
			}
		}
		for _, d := range defs {
			if n := seen[d.Objective.Name]; n != 1 {
				t.Errorf("%d processes run %s", n, d.Objective.Name)
			}
		}
		stop()
		for range engines {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if lost.Load() == 0 {
			t.Error("no lane was lost without its process's knowing")
		}
		all, err := whole.Incidents(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		replayed, err := engine.Replay(t.Context(), failing.read, defs, interval, start, theNow(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != len(defs) {
			t.Errorf("%d incidents", len(all))
		}
		if d := cmp.Diff(replayed.Incidents, all, cmpopts.EquateEmpty(), cmpopts.EquateComparable(slo.Decimal{})); d != "" {
			t.Errorf("(-replay +processes):\n%s", d)
		}
	})
}
