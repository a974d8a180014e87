package engine_test

import (
	"slices"
	"testing"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func TestRedefine(t *testing.T) {
	loose, tight := definition("checkout"), definition("checkout")
	loose.Objective.Target, tight.Objective.Target = slo.MustDecimal("0.9"), slo.MustDecimal("0.9999")
	loose.Policy.Budget, tight.Policy.Budget = false, false

	t.Run("a tighter target opens what goes on, from the change on", func(t *testing.T) {
		m := newMemory(t, "00", interval, epoch, loose)
		for range 300 {
			m.step(good(1000))
		}
		for range 20 {
			m.step(bad(1000, 50))
		}
		if len(m.incidents) > 0 {
			t.Fatal("the loose target is missed")
		}
		m.kill()
		m.lane.Redefine([]alert.Definition{tight}, m.lane.Cursor())
		changed := m.lane.Cursor()
		for range 3 { // 150 of 120,000 in an hour: a rule of rate 14.4 would fire with 173
			m.step(bad(1000, 50))
		}
		m.kill()
		if len(m.order) > 0 {
			t.Fatalf("bad events of the past opened %+v", m.windows())
		}
		m.step(bad(1000, 50))
		if len(m.order) != 1 {
			t.Fatalf("%d incidents", len(m.order))
		}
		if w := m.windows()[0]; !w.Onset.Equal(changed) || w.Bad != 4*50 {
			t.Errorf("onset %s with %v bad, want %s with %v", w.Onset, w.Bad, changed, 4*50)
		}
	})
	t.Run("a closed window stays closed", func(t *testing.T) {
		before := tight
		before.Objective.Target = slo.MustDecimal("0.99")
		m := newMemory(t, "00", interval, epoch, before)
		steps := func(n int, s slo.Sample) {
			for range n {
				m.step(s)
			}
		}
		steps(300, good(1000))
		steps(60, bad(1000, 1000))
		steps(300, good(1000))
		m.kill()
		m.lane.Redefine([]alert.Definition{tight}, m.lane.Cursor())
		steps(300, good(1000))
		second := m.lane.Cursor()
		steps(60, bad(1000, 1000))
		all := m.windows()
		if len(all) != 2 || !all[1].Onset.Equal(second) {
			t.Errorf("the second of %d windows begins at %s, want %s", len(all), all[len(all)-1].Onset, second)
		}
	})
	t.Run("an open window keeps its definition", func(t *testing.T) {
		m := newMemory(t, "00", interval, epoch, tight)
		for range 300 {
			m.step(good(1000))
		}
		for range 20 {
			m.step(bad(1000, 50))
		}
		m.kill()
		m.lane.Redefine([]alert.Definition{loose}, m.lane.Cursor())
		for range 20 {
			m.step(bad(1000, 50))
		}
		for range 200 {
			m.step(good(1000))
		}
		w := m.windows()[0]
		if len(m.windows()) != 1 || w.Bad != 40*50 || w.Objective.Target != tight.Objective.Target || w.IsOpen() {
			t.Errorf("got %+v", m.windows())
		}
	})
	t.Run("what is gone ends, with a caveat", func(t *testing.T) {
		m := newMemory(t, "00", interval, epoch, tight)
		for range 300 {
			m.step(good(1000))
		}
		for range 20 {
			m.step(bad(1000, 50))
		}
		end := m.lane.Cursor()
		m.kill()
		m.lane.Redefine(nil, m.lane.Cursor())
		m.step()
		w := m.windows()[0]
		if !w.Ended.Equal(end) || !slices.ContainsFunc(w.Caveats, func(c slo.Caveat) bool { return c.Kind == slo.Removed }) {
			t.Errorf("ended %s with %v, want %s with a caveat", w.Ended, w.Caveats, end)
		}
	})
}
