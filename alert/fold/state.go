package fold

import (
	"encoding/json"
	"time"

	"github.com/postburn/postburn/alert"
)

// WatchState is a watch's checkpoint, without its history.
type WatchState struct {
	Armed   time.Time     `json:"armed"`
	Track   []tracker     `json:"track"`
	Burn    *OpenWindow   `json:"burn,omitempty"`
	Budget  *OpenWindow   `json:"budget,omitempty"`
	Excused closedWindows `json:"excused,omitempty"`
	Silent  int           `json:"silent,omitempty"`
	Blind   *alert.Window `json:"blind,omitempty"`
	Dark    *darkness     `json:"dark,omitempty"`
	Quiet   *alert.Window `json:"quiet,omitempty"`
	Low     *lull         `json:"low,omitempty"`
	Planned plannedWork   `json:"planned,omitempty"`
	Period  *period       `json:"period,omitempty"`
	Shifts  *shifts       `json:"shifts,omitempty"`

	Since     time.Time    `json:"since,omitzero"`
	Waited    time.Time    `json:"waited,omitzero"`
	PlannedTo time.Time    `json:"planned_to,omitzero"`
	Redefined redefinition `json:"redefined,omitzero"`

	Corrections corrections `json:"corrections,omitempty"`
}

// State returns a checkpoint. It shares memory that the watch goes on to change.
func (w *Watch) State() WatchState {
	s := WatchState{Armed: w.Armed, Since: w.Since, Planned: w.planned, Redefined: w.redefined, Shifts: w.shifts, Corrections: w.corrections}
	w.windowTrackers.state(&s)
	return s
}

// Restore sets a checkpoint's state.
func (w *Watch) Restore(s WatchState) {
	w.Armed, w.Since, w.planned, w.redefined, w.shifts = s.Armed, s.Since, s.Planned, s.Redefined, s.Shifts
	w.corrections = s.Corrections
	w.windowTrackers = restoreTrackers(s)
}

// Clone returns a copy that shares nothing mutable. It encodes and decodes a checkpoint.
func (w *Watch) Clone() *Watch {
	d := *w
	d.History = w.History.Clone()
	var s WatchState
	text, err := json.Marshal(w.State())
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		panic(err) // plain data always marshals
	}
	d.Restore(s)
	return &d
}
