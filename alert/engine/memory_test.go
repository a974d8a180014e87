package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// memory is a lane with its stored data, so that it can be killed and recovered.
type memory struct {
	t         *testing.T
	name      string
	lane      *engine.Lane
	rec       alert.Recovery
	rows      []alert.Row
	incidents map[string]alert.Incident
	order     []string
}

func newMemory(t *testing.T, name string, interval time.Duration, start time.Time, defs ...alert.Definition) *memory {
	m := &memory{t: t, name: name, lane: engine.NewLane(name, interval, start), incidents: map[string]alert.Incident{}}
	m.lane.Redefine(defs, start)
	m.lane.FillBlind()
	return m
}

func (m *memory) step(samples ...slo.Sample) []alert.Event {
	m.t.Helper()
	row := fold.Row{Samples: make([][]slo.Sample, len(samples))}
	for i := range samples {
		row.Samples[i] = samples[i : i+1]
	}
	return m.stepRow(row)
}

// stepRow folds in a row and keeps its batch.
func (m *memory) stepRow(row fold.Row) []alert.Event {
	m.t.Helper()
	b, events := m.lane.StepRow(row)
	if !b.Prev.Equal(m.rec.Cursor) {
		m.t.Fatalf("batch follows %s, the cursor is %s", b.Prev, m.rec.Cursor)
	}
	m.rec.Cursor = b.Tick
	if b.Roster != nil {
		m.rec.Roster = b.Roster
	}
	m.rows = append(m.rows, alert.Row{Tick: b.Tick, Samples: b.Samples})
	if c := b.Checkpoint; c != nil {
		m.rec.State, m.rec.StateTick = c.State, b.Tick
		if c.History != nil {
			m.rec.History, m.rec.HistoryTick, m.rows = c.History, b.Tick, nil
		}
	}
	for _, i := range b.Incidents {
		have, ok := m.incidents[i.ID]
		if !ok {
			m.order = append(m.order, i.ID)
		}
		if i.Revision != have.Revision+1 {
			m.t.Fatalf("%s: revision %d follows %d", i.ID, i.Revision, have.Revision)
		}
		m.incidents[i.ID] = i
	}
	return events
}

// kill forgets all uncommitted data, and recovers. The recovered lane makes the same checkpoint as
// the killed one would.
func (m *memory) kill() {
	m.t.Helper()
	m.rec.Rows = m.rows
	var rec alert.Recovery // as it comes back from a store
	text, _ := json.Marshal(m.rec)
	if err := json.Unmarshal(text, &rec); err != nil {
		m.t.Fatal(err)
	}
	lane, err := engine.Recover(m.name, rec)
	if err != nil {
		m.t.Fatal(err)
	}
	if before, after := m.lane.Fingerprint(), lane.Fingerprint(); before != after {
		m.t.Fatalf("recovered another lane:\n%s\nwas\n%s", after, before)
	}
	m.lane = lane
}

// windows returns all incidents' windows, in the order found.
func (m *memory) windows() []alert.Window {
	var all []alert.Window
	for _, id := range m.order {
		all = append(all, m.incidents[id].Windows...)
	}
	return all
}
