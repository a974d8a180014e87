package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// hanging is a scene in which one objective's query gets no answer for some time. It is asked along
// with others read at once, and given up after 30 s, as in package prom.
type hanging struct {
	*scene
	name   string
	during slo.Span
}

func (h *hanging) read(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
	for half := objectives; within(h.during) && ctx.Err() == nil; half = half[:len(half)/2] {
		if !hasObjective(half, h.name) {
			break
		}
		select {
		case <-time.After(30 * time.Second):
		case <-ctx.Done():
			return failedReadings(objectives, ctx.Err())
		}
		if len(half) == 1 {
			readings := h.scene.read(ctx, objectives, ticks)
			for i, o := range objectives {
				if o.Name == h.name {
					readings[i] = slo.Reading{Err: fmt.Errorf("%w: no answer within 30s", slo.ErrUnreachable)}
				}
			}
			return readings
		}
	}
	return h.scene.read(ctx, objectives, ticks)
}

func hasObjective(objectives []slo.Objective, name string) bool {
	for _, o := range objectives {
		if o.Name == name {
			return true
		}
	}
	return false
}

func failedReadings(objectives []slo.Objective, err error) []slo.Reading {
	readings := make([]slo.Reading, len(objectives))
	for i := range readings {
		readings[i].Err = fmt.Errorf("%w: %w", slo.ErrUnreachable, err)
	}
	return readings
}

// TestAQueryThatHangs has one of a lane's three objectives never answered. The others' outages are
// found at most an interval later than without it.
func TestAQueryThatHangs(t *testing.T) {
	for name, tc := range map[string]struct {
		from, minutes float64 // after the start of the process
		killed        bool
	}{
		"from the start":         {0, 1e6, false},
		"from the start, killed": {0, 1e6, true},
		"while running":          {40, 1e6, false},
		"while running, killed":  {40, 1e6, true},
		"in the outage":          {63, 1e6, false},
		"for a while":            {40, 45, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				fault := []slo.Span{span(begin, 60, 80)}
				s := &scene{roles: map[string]*role{"a": {}, "b": {faults: fault}, "c": {faults: fault}}}
				p := newScene(t, s, "a", "b", "c")
				h := &hanging{s, "a", span(begin, tc.from, tc.from+tc.minutes)}
				p.source = h.read
				started := theNow()
				p.start()
				for range 200 {
					time.Sleep(interval)
					synctest.Wait()
					for _, status := range p.engine.Statuses(time.Now()) {
						behind := theNow().Sub(status.Tick)
						if status.Objective.Name != "a" && behind > interval {
							t.Errorf("%s: %s is behind by %s", time.Since(begin), status.Objective.Name, behind)
						}
					}
					if tc.killed && int(time.Since(begin)/interval)%14 == 0 {
						p.kill()
						p.start()
					}
				}
				if got, want := p.states(), stateOf(within(h.during)); got["a"] != want || got["b"] != alert.OK {
					t.Errorf("states %v; a should be %s, b ok", got, want)
				}
				got := p.incidents()
				p.kill()
				h.during = slo.Span{}
				want := p.replayed(started)
				for _, name := range []string{"b", "c"} {
					sameWindows(t, windowsOf(want, name), windowsOf(got, name), false)
				}
			})
		})
	}
}

// TestPrometheusHangs has no query answered for a while, and then each only after 20 s, longer than
// a lane waits for one objective: no tick is lost.
func TestPrometheusHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		fault := []slo.Span{span(begin, 60, 80)}
		s := &scene{roles: map[string]*role{"a": {faults: fault}, "b": {faults: fault}}}
		p := newScene(t, s, "a", "b")
		slow := span(begin, 30, 100)
		p.source = func(ctx context.Context, objectives []slo.Objective, ticks slo.Ticks) []slo.Reading {
			wait := time.Duration(0)
			switch {
			case within(span(begin, 20, 30)):
				wait = time.Hour
			case within(slow):
				wait = 20 * time.Second
			}
			select {
			case <-time.After(min(wait, 30*time.Second)):
			case <-ctx.Done():
				return failedReadings(objectives, ctx.Err())
			}
			if wait > 30*time.Second {
				return failedReadings(objectives, context.DeadlineExceeded)
			}
			return s.read(ctx, objectives, ticks)
		}
		started := theNow()
		p.start()
		p.live(minutes(75), false)
		for _, status := range p.engine.Statuses(time.Now()) {
			if behind := theNow().Sub(status.Tick); behind > 4*interval {
				t.Errorf("%s is behind by %s", status.Objective.Name, behind)
			}
		}
		p.live(minutes(45), false)
		slow = slo.Span{}
		got := p.incidents()
		p.kill()
		sameWindows(t, windowsOf(p.replayed(started), "b"), windowsOf(got, "b"), true)
	})
}
