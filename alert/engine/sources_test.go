package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// frozen is a scene with two sources, asked at the same time. One of them hangs for some time: each
// query of it is given up after 30 s, as in package prom.
type frozen struct {
	*scene
	during slo.Span
}

func (f *frozen) read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	var wg sync.WaitGroup
	for i, o := range objectives {
		wg.Go(func() {
			if o.Source != "" && within(f.during) {
				select {
				case <-time.After(30 * time.Second):
				case <-ctx.Done():
				}
				readings[i].Err = fmt.Errorf("%w: no answer within 30s", slo.ErrUnreachable)
				return
			}
			readings[i] = f.scene.read(ctx, []slo.Objective{o}, ticks)[0]
		})
	}
	wg.Wait()
	return readings
}

// newFrozen makes a process with objectives of both sources: beside each other in one group, alone,
// and enough of the one that hangs to take all that is shared.
func newFrozen(t *testing.T, begin time.Time) (*frozen, *process) {
	f := &frozen{scene: &scene{roles: map[string]*role{}}}
	p := newScene(t, f.scene)
	p.source = f.read
	add := func(name, source, group string) {
		d := definition(name)
		d.Objective.Source, d.Objective.Window, d.Policy.Group = source, slo.Window{Rolling: 2 * day}, group
		d.Policy.Rules, d.Policy.Budget = alert.DefaultRules(2*day), false
		d.Policy.Blind = alert.BlindPolicy{After: 5 * time.Minute, Issue: true}
		f.roles[name] = &role{faults: []slo.Span{span(begin, 40, 50)}}
		p.defs = append(p.defs, d)
	}
	for i := range 3 {
		add(fmt.Sprintf("live-%d", i), "", "shop")
		add(fmt.Sprintf("mixed-%d", i), "other", "shop")
		add(fmt.Sprintf("alone-%d", i), "", fmt.Sprintf("alone-%d", i))
	}
	for i := range 24 {
		add(fmt.Sprintf("dead-%d", i), "other", fmt.Sprintf("dead-%d", i))
	}
	return f, p
}

// goesOn reports whether an objective has the source that goes on.
func goesOn(s alert.Status) bool { return s.Objective.Source == "" }

// TestASourceThatHangs has all objectives of one source not answered: the ticks of the others, the
// pasts that they still lack, and what they missed while the process was down go on as without it.
// Once it answers, all is as if it always had.
func TestASourceThatHangs(t *testing.T) {
	for name, from := range map[string]float64{"from the start": 0, "while running": 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				f, p := newFrozen(t, begin)
				f.during = span(begin, from, 130)
				started := theNow()
				p.start()
				time.Sleep(17 * time.Second) // looks more than half an interval after each tick is due
				for time.Since(begin) < minutes(60) {
					if d := time.Since(begin); d >= minutes(30) && d < minutes(30)+interval {
						p.reloadBesideSilence()
					}
					time.Sleep(interval)
					synctest.Wait()
					for _, s := range p.engine.Statuses(time.Now()) {
						if behind := theNow().Sub(s.Tick); goesOn(s) && behind > 0 {
							t.Errorf("%s: %s is behind by %s", time.Since(begin), s.Objective.Name, behind)
						}
						if from == 0 && goesOn(s) && time.Since(begin) > minutes(10) && s.Unread > 0 {
							t.Fatalf("%s: the past of %s is not read yet: %s", time.Since(begin), s.Objective.Name, s.Unread)
						}
					}
				}
				p.kill()
				time.Sleep(minutes(60)) // more ticks than are read without catching up
				p.start()
				time.Sleep(minutes(2))
				synctest.Wait()
				for _, s := range p.engine.Statuses(time.Now()) {
					if behind := theNow().Sub(s.Tick); goesOn(s) == (behind > 2*interval) {
						t.Errorf("after the restart %s is behind by %s", s.Objective.Name, behind)
					}
				}
				time.Sleep(minutes(30)) // it answers again
				synctest.Wait()
				for _, s := range p.engine.Statuses(time.Now()) {
					if behind := theNow().Sub(s.Tick); behind > 2*interval || s.State != alert.OK {
						t.Errorf("in the end %s is %s, behind by %s", s.Objective.Name, s.State, behind)
					}
				}
				got := p.incidents()
				p.kill()
				f.during = slo.Span{}
				want := p.replayed(started)
				for _, d := range p.defs {
					if from == 0 && strings.HasPrefix(d.Objective.Name, "dead") {
						continue // nothing of it was committed before the restart, so it begins there
					}
					sameWindows(t, windowsOf(want, d.Objective.Name), windowsOf(got, d.Objective.Name), false)
				}
				if n := strings.Count(p.log.String(), "no samples; the objective is blind"); n > 6 {
					t.Errorf("the fault of a source is logged %d times", n)
				}
			})
		})
	}
}

// reloadBesideSilence reloads while one source is known to hang: the other one's next tick waits for
// it no more.
func (p *process) reloadBesideSilence() {
	p.t.Helper()
	if err := p.engine.Reload(p.t.Context(), p.defs); err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(time.Until(time.Now().Truncate(interval).Add(interval + 3*time.Second)))
	synctest.Wait()
	for _, s := range p.engine.Statuses(time.Now()) {
		if behind := theNow().Sub(s.Tick); goesOn(s) && behind > 0 {
			p.t.Errorf("after a reload %s is behind by %s", s.Objective.Name, behind)
		}
	}
	time.Sleep(15 * time.Second)
}

// TestAnotherSource has an objective begin anew when its source changes.
func TestAnotherSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFrozen(t, time.Now())
		p.defs = p.defs[:1]
		p.start()
		p.live(minutes(20), false)
		defs := slices.Clone(p.defs)
		defs[0].Objective.Source = "other"
		if err := p.engine.Reload(t.Context(), defs); err != nil {
			t.Fatal(err)
		}
		f.forget()
		p.live(minutes(5), false)
		if _, ticks := f.counted("live-0"); ticks < 100 {
			t.Errorf("only %d ticks were read: its past was not", ticks)
		}
		if text := p.log.String(); !strings.Contains(text, "source default → other") {
			t.Errorf("the log does not say it:\n%s", text)
		}
		p.kill()
	})
}
