package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestEngineReload hands other definitions to a running engine: one objective is tightened, one
// goes, one is new.
func TestEngineReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{faultFrom: time.Now().Add(time.Hour), faultTo: time.Now().Add(80 * time.Minute)}
		loose := definition("checkout")
		loose.Objective.Target = slo.MustDecimal("0.5") // nothing fires
		loose.Policy.Budget = false
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{loose, definition("goes")}}
		p.start()
		time.Sleep(70 * time.Minute)
		synctest.Wait()
		if err := p.engine.Reload(t.Context(), []alert.Definition{definition("checkout"), definition("new")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		want := map[string]alert.State{"checkout": alert.OK, "new": alert.OK}
		if got := p.states(); len(got) != 2 || got["checkout"] != want["checkout"] || got["new"] != want["new"] {
			t.Errorf("states %v, want %v", got, want)
		}
		all := p.incidents()
		p.kill()
		if want := `slo=checkout changes="target 50 % → 99.9 %; budget false → true"`; !strings.Contains(p.log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, p.log.String())
		}
		if len(all) != 1 || all[0].IsOpen() {
			t.Fatalf("want one incident that is over, got %+v", all)
		}
		ended := map[string]time.Time{}
		for _, w := range all[0].Windows {
			want := s.faultFrom
			if w.Objective.Name == "checkout" {
				want = s.faultFrom.Add(9 * time.Minute) // the newest tick at the reload: earlier events open nothing
			}
			if !w.Onset.Equal(want) {
				t.Errorf("%s begins at %s, want %s", w.ID(), w.Onset, want)
			}
			ended[w.Objective.Name] = w.Ended
		}
		if len(ended) != 3 || !ended["checkout"].Equal(s.faultTo) || !ended["new"].Equal(s.faultTo) || !ended["goes"].Before(s.faultTo) {
			t.Errorf("ends %v, want that of the fault, %s, and an earlier one for what went", ended, s.faultTo)
		}
	})
}

// away is a database that can be neither written nor read for a while.
type away struct{ fullDisk }

func (f *away) Load(ctx context.Context, lane string) (alert.Recovery, error) {
	if f.full.Load() {
		return alert.Recovery{}, errors.New("database is away")
	}
	return f.Store.Load(ctx, lane)
}

// TestEngineReloadWithoutDatabase changes the SLO files while the database is away.
func TestEngineReloadWithoutDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{faultFrom: time.Now().Add(time.Hour), faultTo: time.Now().Add(80 * time.Minute)}
		disk := &away{}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s, defs: []alert.Definition{definition("checkout")}}
		p.wrap = func(store alert.Store) alert.Store { disk.Store = store; return disk }
		p.start()
		time.Sleep(70 * time.Minute)
		disk.full.Store(true)
		reloaded := make(chan error)
		go func() {
			reloaded <- p.engine.Reload(t.Context(), []alert.Definition{definition("checkout"), definition("new")})
		}()
		time.Sleep(time.Hour)
		select {
		case err := <-reloaded:
			t.Errorf("reloaded without a database: %v", err)
		default:
		}
		disk.full.Store(false)
		if err := <-reloaded; err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		got := p.incidents()
		if len(got) != 1 || got[0].IsOpen() || got[0].Worst().Bad != 120_000 {
			t.Errorf("after the database was there again: %+v", got)
		}
		if n := strings.Count(p.log.String(), `msg="failing; nothing is lost, trying again" what="reading the store"`); n != 1 {
			t.Errorf("%d lines about the store, want 1:\n%s", n, p.log.String())
		}
		p.kill()
	})
}
