package engine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Recover makes the lane that a store holds: its newest checkpoint, and all samples since folded in. Nothing is to be committed for it.
// Its errors wrap slo.ErrCorrupt where what is stored does not fit together.
func Recover(name string, rec alert.Recovery) (*Lane, error) {
	l := &Lane{
		name: name, cursor: rec.HistoryTick, committed: rec.Cursor,
		stateWritten: rec.StateTick, histWritten: rec.HistoryTick, changed: map[int]bool{}, givenUp: map[string]bool{}, failing: map[string]time.Time{},
		past: past{filled: map[string]time.Time{}, until: map[string]time.Time{}, failed: map[string]int{}},
	}
	state, err := l.decode(rec)
	if err == nil {
		err = l.replay(rec, state)
	}
	if err != nil {
		return nil, fmt.Errorf("recovering lane %s: %w", name, err)
	}
	return l, nil
}

// decode makes the watches of a recovery, with their histories, and returns the state that they are to go on from.
func (l *Lane) decode(rec alert.Recovery) (laneState, error) {
	var roster Roster
	if err := json.Unmarshal(rec.Roster, &roster); err != nil {
		return laneState{}, fmt.Errorf("reading the roster: %w: %w", slo.ErrCorrupt, err)
	}
	var state laneState
	if err := json.Unmarshal(rec.State, &state); err != nil {
		return laneState{}, fmt.Errorf("reading the state: %w: %w", slo.ErrCorrupt, err)
	}
	if len(state.Watches) != len(roster.Members) || roster.Interval <= 0 {
		return laneState{}, fmt.Errorf("reading the state: %w: it is not the roster's", slo.ErrCorrupt)
	}
	l.interval, l.defs = roster.Interval, roster.Definitions
	histories := rec.History
	for i, m := range roster.Members {
		if m.Definition < 0 || m.Definition >= len(roster.Definitions) {
			return laneState{}, fmt.Errorf("reading the roster: %w", slo.ErrCorrupt)
		}
		size, n := binary.Uvarint(histories)
		if n <= 0 || size > uint64(len(histories)-n) {
			return laneState{}, fmt.Errorf("reading the histories: %w", slo.ErrCorrupt)
		}
		w := &fold.Watch{Labels: m.Labels, History: &slo.History{}}
		if err := w.History.UnmarshalBinary(histories[n : n+int(size)]); err != nil {
			return laneState{}, err
		}
		histories = histories[n+int(size):]
		w.Define(roster.Definitions[m.Definition])
		if len(state.Watches[i].Track) != len(w.Rules) {
			return laneState{}, fmt.Errorf("reading the state: %w: its rules are others", slo.ErrCorrupt)
		}
		l.watches = append(l.watches, w)
	}
	return state, nil
}

// replay brings the histories up to the state's tick, and folds in the samples that came after it.
func (l *Lane) replay(rec alert.Recovery, state laneState) error {
	for _, row := range rec.Rows {
		if l.cursor.Equal(rec.StateTick) {
			l.restore(state)
		}
		if !row.Tick.Equal(l.cursor.Add(l.interval)) {
			return fmt.Errorf("reading the samples of %s: %w: a tick is missing", row.Tick.Format(time.RFC3339), slo.ErrCorrupt)
		}
		samples, err := l.readRow(row)
		if err != nil {
			return fmt.Errorf("reading the samples of %s: %w", row.Tick.Format(time.RFC3339), err)
		}
		if row.Tick.After(rec.StateTick) {
			l.fold(samples)
			continue
		}
		for i, w := range l.watches {
			w.History.Add(samples[i].Unplanned())
			w.Last = samples[i].Unplanned()
		}
		l.cursor = row.Tick
	}
	if l.cursor.Equal(rec.StateTick) {
		l.restore(state)
	}
	if !l.cursor.Equal(rec.Cursor) {
		return fmt.Errorf("reading the samples: %w: they end at %s", slo.ErrCorrupt, l.cursor.Format(time.RFC3339))
	}
	return nil
}

func (l *Lane) restore(state laneState) {
	for i, w := range l.watches {
		w.WatchState = state.Watches[i]
	}
	l.incidents, l.late = state.Incidents, state.Late
}
