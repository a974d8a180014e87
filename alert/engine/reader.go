package engine

import (
	"maps"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// reader is what the engine knows of reading one objective: whether its query fails, whether its
// data come late, and how much of its past is still to be read.
type reader struct {
	readState
	failing time.Time // since when its query fails, by the wall clock; zero: it does not
	begun   time.Time // since when it is read, by the wall clock
	current bool      // it has caught up since
	apart   bool      // it is read alone, as it can't keep up with its lane
	chase   *chase    // if read apart: the reading under way
	retry   time.Time // not to be read apart before
	silent  time.Time // when its source had answered nobody while it was read apart; zero: it had
	pause   time.Duration
	most    int           // ticks to read apart at a time; 0: as many as fit
	lag     time.Duration // how far its data were behind when last read apart

	plannedTo time.Time // the newest tick without data in planned work

	past      *pastRead                   // being read
	meanwhile map[slo.Labels][]slo.Sample // taken since that began
	tries     int                         // failed readings of the past in a row
	unproven  bool                        // its first events are in the past, and the newest may not have come yet
	pastRetry time.Time                   // no next try before
}

// restart notes that reading begins now: the objective may have to catch up.
func (r *reader) restart(now time.Time) { r.begun, r.current = now, false }

// fails notes that an objective's query fails now.
func (r *reader) fails(now time.Time) {
	if r.failing.IsZero() {
		r.failing, r.pause = now, 0
	}
}

// readState is what a checkpoint keeps of a reader.
type readState struct {
	lateness
	Since    time.Time `json:"since,omitzero"`      // its past is known from here on; zero: as far as any rule looks back
	PastRead bool      `json:"past_read,omitempty"` // nothing more of its past is to be read
	Armed    time.Time `json:"armed,omitzero"`      // windows that ended by then are no incident
	Late     fold.Late `json:"late,omitzero"`       // its past is to be read again for this; zero: no need
}

func (r *reader) isZero() bool {
	return r.Since.IsZero() && !r.PastRead && r.Late == (fold.Late{}) && r.Extra == 0 && len(r.Closed) == 0 && r.Regrid.IsZero()
}

// readers are the readers of a lane's objectives, by name.
type readers map[string]*reader

// of returns an objective's reader.
func (all readers) of(objective string) *reader {
	r := all[objective]
	if r == nil {
		r = &reader{}
		all[objective] = r
	}
	return r
}

// keep makes readers for these definitions, and drops all others.
func (all readers) keep(defs []alert.Definition) {
	known := map[string]bool{}
	for _, d := range defs {
		known[d.Objective.Name] = true
		all.of(d.Objective.Name)
	}
	maps.DeleteFunc(all, func(name string, _ *reader) bool { return !known[name] })
}

// states returns what a checkpoint keeps.
func (all readers) states() map[string]readState {
	states := map[string]readState{}
	for name, r := range all {
		if !r.isZero() {
			states[name] = r.readState
		}
	}
	return states
}

// restore restores the readers of definitions from a checkpoint. An older version kept one delay
// per lane.
func (all readers) restore(defs []alert.Definition, state laneState) {
	for _, d := range defs {
		all.of(d.Objective.Name).lateness = state.Late
	}
	for name, s := range state.Reading {
		all.of(name).readState = s
	}
}
