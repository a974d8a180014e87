package engine_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// historyCounter counts commits that write the histories of lanes, and how many lanes do at a tick.
type historyCounter struct {
	alert.Store
	commits int
	lanes   map[time.Time]int // by tick
	takes   time.Duration     // a commit
}

func (c *historyCounter) Commit(ctx context.Context, batches []alert.Batch) error {
	some := false
	for _, b := range batches {
		if b.Checkpoint != nil && b.Checkpoint.History != nil {
			c.lanes[b.Tick]++
			some = true
		}
	}
	if some {
		c.commits++
	}
	time.Sleep(c.takes)
	return c.Store.Commit(ctx, batches)
}

// filled is what came of a lane of many objectives whose pasts take long to read.
type filled struct {
	Statuses  []alert.Status
	Incidents []alert.Incident
	writes    int // of the histories
}

const (
	filledObjectives = 96
	fillTicks        = 50
)

// fill fills the pasts of objectives of one lane. Each past takes a while, and some are read at a
// time, so that all take many ticks. After each of some ticks the process is killed.
func fill(t *testing.T, outage slo.Span, killedAt map[int]bool) (f filled) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &service{faultFrom: begin.Add(outage.Start.Sub(time.Time{})), faultTo: begin.Add(outage.End.Sub(time.Time{}))}
		counter := &historyCounter{lanes: map[time.Time]int{}}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
		for i := range filledObjectives {
			def := definition(fmt.Sprintf("objective-%03d", i))
			def.Policy.Rules, def.Objective.Window.Rolling = def.Policy.Rules[:1], 6*time.Hour
			p.defs = append(p.defs, def)
		}
		p.wrap = func(store alert.Store) alert.Store { counter.Store = store; return counter }
		p.source = func(ctx context.Context, all []slo.Objective, ticks slo.Ticks) []slo.Reading {
			if ticks.Len() > 10 {
				time.Sleep(25 * time.Second)
			}
			return s.read(ctx, all, ticks)
		}
		p.start()
		for n := range fillTicks {
			time.Sleep(interval)
			if killedAt[n] {
				p.kill()
				p.start()
			}
		}
		synctest.Wait()
		f = filled{p.engine.Statuses(time.Now()), p.incidents(), counter.commits}
		p.kill()
	})
	return f
}

// TestHistoriesWhileFilling bounds how often all histories of a lane are written while its pasts are
// read.
func TestHistoriesWhileFilling(t *testing.T) {
	t.Parallel()
	f := fill(t, slo.Span{}, nil)
	for _, s := range f.Statuses {
		if s.Unread > 0 {
			t.Fatalf("%s of %s is still to be read", s.Unread, s.Objective.Name)
		}
	}
	const stretches = 2 // of each past
	if most := stretches*(8+1) + 1; f.writes > most || f.writes < stretches {
		t.Errorf("the histories were written %d times, want %d to %d", f.writes, stretches, most)
	}
}

// TestHistoriesInTurn has three lanes of a thousand objectives. When their histories are written
// again, of two lanes at a time, the third waits for the next tick.
func TestHistoriesInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lanes, objectives, every = 3, 1000, 5 * time.Minute
		counter := &historyCounter{lanes: map[time.Time]int{}, takes: time.Second}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: &service{}, every: every}
		p.wrap = func(store alert.Store) alert.Store { counter.Store = store; return counter }
		for i := range lanes * objectives {
			def := definition(fmt.Sprintf("objective-%04d", i))
			def.Policy.Group = fmt.Sprint(i % lanes)
			def.Policy.Rules, def.Objective.Window.Rolling = def.Policy.Rules[:1], time.Hour
			p.defs = append(p.defs, def)
		}
		begin := time.Now()
		p.start()
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		p.kill()
		var again []int
		for _, tick := range slices.SortedFunc(maps.Keys(counter.lanes), time.Time.Compare) {
			if tick.Sub(begin) > 5*time.Hour {
				again = append(again, counter.lanes[tick])
			}
		}
		if !slices.Equal(again, []int{2, 1}) {
			t.Errorf("%v lanes write their histories, tick by tick, want 2 and 1", again)
		}
	})
}

// TestKilledWhileFilling kills a process while pasts are read, of which some are not written yet,
// in an outage and in between. In the end all is as without.
func TestKilledWhileFilling(t *testing.T) {
	t.Parallel()
	zero := time.Time{}
	for _, tc := range []struct {
		name   string
		outage slo.Span // from the start on
	}{
		{"nothing happens", slo.Span{}},
		{"in an outage that began before", slo.Span{Start: zero.Add(-20 * time.Minute), End: zero.Add(10 * time.Minute)}},
		{"an outage begins meanwhile", slo.Span{Start: zero.Add(3 * time.Minute), End: zero.Add(12 * time.Minute)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := fill(t, tc.outage, nil)
			got := fill(t, tc.outage, map[int]bool{1: true, 4: true, 5: true, 9: true, 14: true, 15: true, 27: true})
			if diff := cmp.Diff(want.breaches(), got.breaches()); diff != "" {
				t.Errorf("breaches (-without, +killed):\n%s", diff)
			}
			if diff := cmp.Diff(want.budgets(), got.budgets()); diff != "" {
				t.Errorf("budgets (-without, +killed):\n%s", diff)
			}
		})
	}
}

func (f filled) budgets() map[string]slo.Counts {
	all := map[string]slo.Counts{}
	for _, s := range f.Statuses {
		all[s.Objective.Name] = s.Window
	}
	return all
}

// breachFound is what of a breach does not depend on when a rule was armed: that is once enough of the past is read.
type breachFound struct {
	Incident, Objective string
	Kind                alert.Kind
	Onset, Ended        time.Time
	Bad                 float64
}

func (f filled) breaches() (all []breachFound) {
	for _, i := range f.Incidents {
		for _, w := range i.Windows {
			all = append(all, breachFound{i.ID, w.Objective.Name, w.Kind, w.Onset, w.Ended, w.Bad})
		}
	}
	slices.SortFunc(all, func(a, b breachFound) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// TestHistoriesAfterRestart writes no histories again when a process starts with the definitions
// that it had, and does with others.
func TestHistoriesAfterRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counter := &historyCounter{lanes: map[time.Time]int{}}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: &service{}, defs: []alert.Definition{definition("checkout"), definition("cart")}}
		p.wrap = func(store alert.Store) alert.Store { counter.Store = store; return counter }
		p.start()
		time.Sleep(10 * time.Minute)
		p.kill()
		for _, change := range []string{"", "another description"} {
			before := counter.commits
			p.defs[0].Objective.Description = change
			p.start()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			p.kill()
			if wrote := counter.commits > before; wrote != (change != "") {
				t.Errorf("with the description %q: histories were written: %v", change, wrote)
			}
		}
	})
}

// TestLateWhileFilling has data of one objective come late while the past of another one is being
// read, for ever: what came late is written with the next tick, as nobody would look for it again.
func TestLateWhileFilling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counter := &historyCounter{lanes: map[time.Time]int{}}
		s := &service{}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
		for i := range 20 {
			p.defs = append(p.defs, definition(fmt.Sprintf("objective-%02d", i)))
		}
		p.wrap = func(store alert.Store) alert.Store { counter.Store = store; return counter }
		late := time.Now().Add(40 * time.Minute)
		p.source = func(ctx context.Context, all []slo.Objective, ticks slo.Ticks) []slo.Reading {
			if all[0].Name == "objective-19" && ticks.Len() > 10 {
				<-ctx.Done()
			}
			readings := s.read(ctx, all, ticks)
			for i, o := range all {
				isLate := o.Name == "objective-00" && ticks.Len() == 1 && ticks.Last.After(late) && time.Since(ticks.Last) < 2*time.Minute
				if isLate {
					readings[i].Series[0].Samples[0].Total /= 2
				}
			}
			return readings
		}
		p.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		p.kill()
		var at time.Time // when it was noticed
		for line := range strings.Lines(p.log.String()) {
			if strings.Contains(line, "data came after its tick was read") {
				stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
				at, _ = time.Parse(time.RFC3339Nano, stamp)
				break
			}
		}
		if at.IsZero() {
			t.Fatal("nobody noticed that data came late")
		}
		written := false
		for tick := range counter.lanes {
			written = written || tick.After(at.Add(-time.Minute)) && tick.Before(at.Add(3*time.Minute))
		}
		if !written {
			t.Errorf("noticed at %s, but the histories were written at %v", at, slices.SortedFunc(maps.Keys(counter.lanes), time.Time.Compare))
		}
	})
}
