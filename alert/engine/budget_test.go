package engine_test

import (
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestSpentBudget has a budget stay spent for weeks after an outage: the incident is over and stays
// unchanged until the budget is met again.
func TestSpentBudget(t *testing.T) {
	const interval = 5 * time.Minute
	def := definition("checkout")
	def.Objective.Window = slo.Window{Rolling: 30 * day}
	m := newMemory(t, "00", interval, epoch, def)
	add := func(length time.Duration, s slo.Sample) {
		t.Helper()
		for range length / interval {
			m.step(s)
		}
	}
	incident := func() alert.Incident {
		t.Helper()
		if len(m.incidents) != 1 {
			t.Fatalf("%d incidents, want 1", len(m.incidents))
		}
		return m.incidents[m.order[0]]
	}
	add(30*day, good(1000))
	begin := m.lane.Cursor()
	add(2*time.Hour, bad(1000, 1000))
	add(day, good(1000))
	over := incident()
	if !over.HasOpenWindow() || over.IsOpen() || !over.Ended().Equal(begin.Add(2*time.Hour)) || len(over.Windows) != 2 {
		t.Fatalf("want an incident of two windows that is over, and a budget that is spent: %+v", over)
	}
	add(27*day, good(1000))
	m.kill()
	if got := incident(); got.Revision != over.Revision {
		t.Errorf("%d changes of an incident that was over", got.Revision-over.Revision)
	}
	add(3*day, good(1000))
	got := incident()
	if got.HasOpenWindow() || got.Revision != over.Revision+1 || !got.Ended().Equal(over.Ended()) {
		t.Errorf("want one change, the end of the budget's window: %+v", got)
	}
}
