package engine

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// How often a lane's state and its histories are written though nothing happened.
const (
	stateEvery   = time.Hour
	historyEvery = 6 * time.Hour
)

// Lane is a set of whole incident groups whose objectives advance together, tick by tick. It is used by one goroutine at a time.
type Lane struct {
	name      string
	interval  time.Duration
	cursor    time.Time          // the last tick folded
	defs      []alert.Definition // ordered by name
	watches   []*fold.Watch      // of the definitions: one each, or one for each of its label sets
	armed     time.Time          // definitions that are new open no window up to this tick
	fresh     []*fresh           // definitions whose watches are to be filled first
	incidents []alert.Incident

	givenUp map[string]bool      // objectives whose query keeps failing, which the others do not wait for
	failing map[string]time.Time // objectives whose query fails, and since when
	most    int                  // ticks to be read at a time, after that many more could not be; 0: as many as there is room for

	past         past
	late         lateness
	committed    time.Time // the cursor of the last batch that was made
	eventful     bool      // a window was opened or closed since the last checkpoint
	roster       []byte    // to be written with the next batch, or nil
	stateWritten time.Time
	histWritten  time.Time
	changed      map[int]bool  // indices of the incidents that the next batch has to hold
	joined       []Member      // label sets that the next batch has to name
	regrouped    bool          // label sets have joined or left since the last roster
	retired      []alert.Event // what became of the windows of objectives that went away, since the last batch
}

// Roster says which objectives a lane's samples are of, in their order.
type Roster struct {
	Interval    time.Duration      `json:"interval"`
	Definitions []alert.Definition `json:"definitions"`
	Members     []Member           `json:"members"`
}

// laneState is a checkpoint's state.
type laneState struct {
	Watches   []fold.WatchState `json:"watches"`
	Incidents []alert.Incident  `json:"incidents"`
	Late      lateness          `json:"late,omitzero"`
}

// NewLane starts a lane at a tick. It watches nothing before Redefine.
func NewLane(name string, interval time.Duration, cursor time.Time) *Lane {
	return &Lane{
		name: name, interval: interval, cursor: cursor, changed: map[int]bool{}, givenUp: map[string]bool{}, failing: map[string]time.Time{},
		past: past{filled: map[string]time.Time{}, until: map[string]time.Time{}, failed: map[string]int{}},
	}
}

// Cursor is the last tick folded.
func (l *Lane) Cursor() time.Time { return l.cursor }

// Watches are the lane's objectives and label sets.
func (l *Lane) Watches() []*fold.Watch { return l.watches }

// Incidents are those that are open or that a new breach may still belong to, in the order in which they began.
func (l *Lane) Incidents() []alert.Incident { return l.incidents }

// Step folds in the samples of the next tick, one for each watch in their order. It returns what is to be committed, and which windows
// were opened and closed.
func (l *Lane) Step(samples []slo.Sample) (alert.Batch, []alert.Event) { return l.step(samples, false) }

// step is Step. If more batches are committed together with this one, the last of them has roster and checkpoint for all.
func (l *Lane) step(samples []slo.Sample, more bool) (alert.Batch, []alert.Event) {
	b := alert.Batch{Lane: l.name, Prev: l.committed, Tick: l.cursor.Add(l.interval)}
	for i, w := range l.watches {
		samples[i] = w.Plan(samples[i])
	}
	b.Samples = appendRow(nil, l.joined, samples)
	l.regrouped = l.regrouped || len(l.joined) > 0
	l.joined = nil
	var events []alert.Event
	b.Incidents, events = l.fold(samples)
	l.eventful = l.eventful || len(events) > 0
	if !more {
		l.finish(&b)
	}
	l.committed = b.Tick
	return b, events
}

// fold steps all watches and returns the incidents that changed, with the events that opened or closed a window.
func (l *Lane) fold(samples []slo.Sample) (changed []alert.Incident, events []alert.Event) {
	l.cursor = l.cursor.Add(l.interval)
	var stepped []alert.Event
	for i, w := range l.watches {
		stepped = append(stepped, w.Step(samples[i])...)
	}
	slices.SortStableFunc(stepped, byObjective)
	for _, e := range stepped {
		l.correlate(e, e.Policy)
	}
	l.dismiss()
	for _, e := range append(l.retired, stepped...) {
		if e.Opened || e.Closed {
			events = append(events, e)
		}
	}
	l.retired = nil
	for i := range l.incidents {
		if l.changed[i] {
			l.incidents[i].Revision++
			changed = append(changed, l.incidents[i])
		}
	}
	clear(l.changed)
	l.forget()
	return changed, events
}

func (l *Lane) correlate(e alert.Event, p alert.Policy) {
	var i int
	l.incidents, i = alert.Correlate(l.incidents, e, p)
	l.changed[i] = true
}

// finish adds roster and checkpoint to a batch and readies the lane for the next.
func (l *Lane) finish(b *alert.Batch) {
	histories := l.roster != nil || b.Tick.Sub(l.histWritten) >= historyEvery
	due := l.eventful || histories || b.Tick.Sub(l.stateWritten) >= stateEvery
	if due && l.regrouped {
		l.enroll() // a checkpoint is of those that are there
		histories = true
	}
	b.Roster, l.roster = l.roster, nil
	if due {
		b.Checkpoint = l.checkpoint(histories)
		l.stateWritten = b.Tick
		if histories {
			l.histWritten = b.Tick
		}
	}
	l.eventful = false
}

// forget drops incidents that no breach can belong to any more.
func (l *Lane) forget() {
	keep := alert.MaxSpread
	for _, w := range l.watches {
		keep = max(keep, alert.MaxSpread+w.Def.Warmup()+w.Def.Policy.MergeGap)
	}
	l.incidents = slices.DeleteFunc(l.incidents, func(i alert.Incident) bool {
		return !i.IsOpen() && l.cursor.Sub(i.Ended()) > keep
	})
}

func (l *Lane) checkpoint(histories bool) *alert.Checkpoint {
	state := laneState{Incidents: l.incidents, Late: l.late}
	c := &alert.Checkpoint{}
	for _, w := range l.watches {
		state.Watches = append(state.Watches, w.WatchState)
		if histories {
			encoded, _ := w.History.AppendBinary(nil) // has no error to return
			c.History = binary.AppendUvarint(c.History, uint64(len(encoded)))
			c.History = append(c.History, encoded...)
		}
	}
	if histories && c.History == nil {
		c.History = []byte{}
	}
	c.State = mustJSON(state)
	return c
}

// enroll makes the roster that the next batch carries.
func (l *Lane) enroll() {
	r := Roster{Interval: l.interval, Definitions: l.defs}
	index := map[string]int{}
	for i, d := range l.defs {
		index[d.Objective.Name] = i
	}
	for _, w := range l.watches {
		r.Members = append(r.Members, Member{index[w.Def.Objective.Name], w.Labels})
	}
	l.roster, l.regrouped = mustJSON(r), false
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return text
}
