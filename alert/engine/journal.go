package engine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// How often a lane's state and histories are written if nothing happens.
const (
	stateEvery   = time.Hour
	historyEvery = 6 * time.Hour
)

const (
	// unwrittenPart is the part of a lane's watches, 1 in so many, whose pasts may be read before
	// the histories are written again. After a crash these are read again.
	unwrittenPart = 8
	// mostHistories is how many histories all lanes may write at a time if they need not: of 15 KiB
	// each, with the default rules, 30 MiB, which the store's client may copy.
	mostHistories = 2000
)

// journal makes a lane's batches for the store, and the lane from what is stored.
type journal struct {
	lane         string
	committed    time.Time // the last batch's cursor
	eventful     bool      // a window opened or closed since the last checkpoint
	regrouped    bool      // watches came or went since the last roster
	adopted      int       // watches whose past was read since the histories were written
	stateWritten time.Time
	histWritten  time.Time

	writing *semaphore.Weighted // of mostHistories, for all lanes; nil: no limit
	holds   int64               // of it, until the batch is committed
}

// roster lists the objectives and label sets of a lane's samples, in order.
type roster struct {
	Interval    time.Duration      `json:"interval"`
	Definitions []alert.Definition `json:"definitions"`
	Members     []fold.Member      `json:"members"`
}

// laneState is a checkpoint's state.
type laneState struct {
	Watches   []fold.WatchState    `json:"watches"`
	Incidents []alert.Incident     `json:"incidents"`
	Reading   map[string]readState `json:"reading,omitempty"`  // by objective
	Excluded  []string             `json:"excluded,omitempty"` // incidents that people took out of budgets
	Late      lateness             `json:"late,omitzero"`      // written by an older version, for all objectives
}

// step folds a row into a lane and returns the batch to commit, and the events that opened or
// closed a window. If more batches follow in the same commit, the last has roster and checkpoint
// for all.
func (j *journal) step(l *lane, row fold.Row, more bool) (alert.Batch, []alert.Event) {
	b := alert.Batch{Lane: j.lane, Fence: l.fence, Prev: j.committed, Tick: l.Cursor().Add(l.Interval()), Samples: appendRow(nil, row)}
	watches := len(l.Watches()) + len(row.Joined)
	var events []alert.Event
	b.Incidents, events = l.Step(row)
	l.noteClosed(events)
	j.regrouped = j.regrouped || len(row.Joined) > 0 || len(l.Watches()) < watches
	j.eventful = j.eventful || len(events) > 0 || j.adopted > 0 && len(b.Incidents) > 0
	if !more {
		j.finish(l, &b)
	}
	j.committed = b.Tick
	return b, events
}

// finish adds roster and checkpoint to a batch if due.
func (j *journal) finish(l *lane, b *alert.Batch) {
	histories := j.startHistories(l, b.Tick)
	if !histories && !j.needsState(b.Tick) {
		return
	}
	if j.regrouped {
		b.Roster = rosterOf(l)
	}
	b.Checkpoint = checkpointOf(l, histories)
	j.stateWritten = b.Tick
	if histories {
		j.histWritten, j.adopted = b.Tick, 0
	}
	j.eventful, j.regrouped = false, false
}

func (j *journal) needsState(tick time.Time) bool {
	return j.eventful || tick.Sub(j.stateWritten) >= stateEvery
}

// startHistories reports whether the histories are written with this tick. They have to be if the
// watches are others, or the state of watches whose past was read is written. Else they wait while
// too many lanes write theirs; done ends that.
func (j *journal) startHistories(l *lane, tick time.Time) bool {
	must := j.regrouped || j.adopted > 0 && j.needsState(tick)
	enough := j.adopted > 0 && (j.adopted*unwrittenPart >= len(l.Watches()) || !l.isReadingPast())
	if !must && !enough && tick.Sub(j.histWritten) < historyEvery {
		return false
	}
	if j.writing == nil || j.holds > 0 {
		return true
	}
	n := min(int64(len(l.Watches())), mostHistories)
	if j.writing.TryAcquire(n) {
		j.holds = n
	}
	return must || j.holds > 0
}

// done notes that batches are committed, or never will be.
func (j *journal) done() {
	if j.holds > 0 {
		j.writing.Release(j.holds)
		j.holds = 0
	}
}

func rosterOf(l *lane) []byte {
	r := roster{Interval: l.Interval(), Definitions: l.Definitions()}
	index := map[string]int{}
	for i, d := range l.Definitions() {
		index[d.Objective.Name] = i
	}
	for _, w := range l.Watches() {
		r.Members = append(r.Members, fold.Member{Definition: index[w.Def.Objective.Name], Labels: w.Labels})
	}
	return mustJSON(r)
}

func checkpointOf(l *lane, histories bool) *alert.Checkpoint {
	state := laneState{Incidents: l.Incidents(), Reading: l.readers.states(), Excluded: l.Excluded()}
	c := &alert.Checkpoint{}
	if histories {
		c.History = []byte{}
	}
	for _, w := range l.Watches() {
		state.Watches = append(state.Watches, w.State())
		if histories {
			encoded, _ := w.History.AppendBinary(nil) // never returns an error
			c.History = binary.AppendUvarint(c.History, uint64(len(encoded)))
			c.History = append(c.History, encoded...)
		}
	}
	c.State = mustJSON(state)
	return c
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return text
}

// rowHeader is what few rows need.
type rowHeader struct {
	Joined    []fold.Member    `json:"joined,omitempty"`
	Counts    map[string]int   `json:"counts,omitempty"` // by a watch's index: how many samples it has, if not one
	Untold    []int            `json:"untold,omitempty"`
	PlannedTo []fold.PlannedTo `json:"planned_to,omitempty"`
}

// appendRow encodes a row: a header, which most lack, and the samples of all watches in order.
func appendRow(b []byte, row fold.Row) []byte {
	header := rowHeader{Joined: row.Joined, Untold: row.Untold, PlannedTo: row.PlannedTo}
	for i, samples := range row.Samples {
		if len(samples) != 1 {
			if header.Counts == nil {
				header.Counts = map[string]int{}
			}
			header.Counts[strconv.Itoa(i)] = len(samples)
		}
	}
	var text []byte
	if len(header.Joined) > 0 || len(header.Counts) > 0 {
		text = mustJSON(header)
	}
	b = binary.AppendUvarint(b, uint64(len(text)))
	b = append(b, text...)
	for _, samples := range row.Samples {
		for _, s := range samples {
			b = slo.AppendSample(b, s)
		}
	}
	return b
}

// readRow decodes a row; the lane is at the tick before.
func readRow(l *fold.Lane, blob []byte) (row fold.Row, err error) {
	size, n := binary.Uvarint(blob)
	if n <= 0 || size > uint64(len(blob)-n) {
		return row, fmt.Errorf("reading a row's header: %w", slo.ErrCorrupt)
	}
	text, blob := blob[n:n+int(size)], blob[n+int(size):]
	var header rowHeader
	if size > 0 && text[0] == '[' { // by an older version
		err = json.Unmarshal(text, &header.Joined)
	} else if size > 0 {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		return row, fmt.Errorf("reading a row's header: %w: %w", slo.ErrCorrupt, err)
	}
	row.Joined, row.Untold, row.PlannedTo = header.Joined, header.Untold, header.PlannedTo
	var cursors []time.Time
	for _, w := range l.Watches() {
		cursors = append(cursors, w.Now())
	}
	for _, m := range row.Joined {
		if m.Definition < 0 || m.Definition >= len(l.Definitions()) {
			return row, fmt.Errorf("reading who joined: %w", slo.ErrCorrupt)
		}
		if m.Start.IsZero() {
			m.Start = l.Cursor()
		}
		cursors = append(cursors, m.Start)
	}
	for _, p := range row.PlannedTo {
		if p.Watch < 0 || p.Watch >= len(cursors) {
			return row, fmt.Errorf("reading what is planned: %w", slo.ErrCorrupt)
		}
	}
	row.Samples = make([][]slo.Sample, len(cursors))
	for i, cursor := range cursors {
		count, is := header.Counts[strconv.Itoa(i)]
		if !is {
			count = 1
		}
		for range count {
			var s slo.Sample
			cursor = cursor.Add(l.Interval())
			if s, blob, err = slo.ReadSample(blob, cursor); err != nil {
				return row, err
			}
			row.Samples[i] = append(row.Samples[i], s)
		}
	}
	return row, nil
}

// CheckRecovery returns an error that wraps slo.ErrCorrupt if no engine can go on from a lane's
// stored data.
func CheckRecovery(name string, rec alert.Recovery) error {
	if rec.Cursor.IsZero() {
		return nil
	}
	_, err := restoreLane(name, rec)
	return err
}

// recoverLane makes a lane from the store: its newest checkpoint, with all later samples folded in.
// There is nothing to commit. Errors wrap slo.ErrCorrupt if the stored data don't fit together.
func recoverLane(name string, rec alert.Recovery) (*lane, error) {
	l, err := restoreLane(name, rec)
	if err != nil {
		return nil, fmt.Errorf("recovering lane %s: %w", name, err)
	}
	return l, nil
}

func restoreLane(name string, rec alert.Recovery) (*lane, error) {
	watches, r, err := readWatches(rec)
	if err != nil {
		return nil, err
	}
	var state laneState
	if err := json.Unmarshal(rec.State, &state); err != nil {
		return nil, fmt.Errorf("reading the state: %w: %w", slo.ErrCorrupt, err)
	}
	if len(state.Watches) != len(watches) {
		return nil, fmt.Errorf("reading the state: %w: it is not the roster's", slo.ErrCorrupt)
	}
	for i, w := range watches {
		if len(state.Watches[i].Track) != len(w.Def.Policy.Rules) {
			return nil, fmt.Errorf("reading the state: %w: its rules are others", slo.ErrCorrupt)
		}
	}
	l := newLane(name, fold.RestoreLane(r.Interval, rec.HistoryTick, r.Definitions, watches))
	l.journal = journal{lane: name, committed: rec.Cursor, stateWritten: rec.StateTick, histWritten: rec.HistoryTick}
	l.readers.restore(l.Definitions(), state)
	if err := l.refold(rec, state); err != nil {
		return nil, err
	}
	l.journal.regrouped = len(l.Watches()) != len(watches)
	return l, nil
}

// readWatches makes the watches of a recovery with histories.
func readWatches(rec alert.Recovery) ([]*fold.Watch, roster, error) {
	var r roster
	if err := json.Unmarshal(rec.Roster, &r); err != nil {
		return nil, r, fmt.Errorf("reading the roster: %w: %w", slo.ErrCorrupt, err)
	}
	if r.Interval <= 0 {
		return nil, r, fmt.Errorf("reading the roster: %w: no interval", slo.ErrCorrupt)
	}
	var watches []*fold.Watch
	histories := rec.History
	for _, m := range r.Members {
		if m.Definition < 0 || m.Definition >= len(r.Definitions) {
			return nil, r, fmt.Errorf("reading the roster: %w", slo.ErrCorrupt)
		}
		size, n := binary.Uvarint(histories)
		if n <= 0 || size > uint64(len(histories)-n) {
			return nil, r, fmt.Errorf("reading the histories: %w", slo.ErrCorrupt)
		}
		h := &slo.History{}
		if err := h.UnmarshalBinary(histories[n : n+int(size)]); err != nil {
			return nil, r, err
		}
		histories = histories[n+int(size):]
		watches = append(watches, fold.RestoreWatch(r.Definitions[m.Definition], m.Labels, h))
	}
	return watches, r, nil
}

// refold brings the histories up to the state's tick, and folds in the samples after it.
func (l *lane) refold(rec alert.Recovery, state laneState) error {
	restore := func() {
		l.Restore(slices.Clone(state.Watches), state.Incidents)
		l.RestoreExcluded(state.Excluded)
	}
	l.Anticipate(state.Watches)
	for _, r := range rec.Rows {
		if l.Cursor().Equal(rec.StateTick) {
			restore()
		}
		if !r.Tick.Equal(l.Cursor().Add(l.Interval())) {
			return fmt.Errorf("reading the samples of %s: %w: a tick is missing", r.Tick.Format(time.RFC3339), slo.ErrCorrupt)
		}
		row, err := readRow(l.Lane, r.Samples)
		if err != nil {
			return fmt.Errorf("reading the samples of %s: %w", r.Tick.Format(time.RFC3339), err)
		}
		if r.Tick.After(rec.StateTick) {
			_, events := l.Step(row)
			l.noteClosed(events)
		} else {
			l.Remember(row)
		}
	}
	if l.Cursor().Equal(rec.StateTick) {
		restore()
	}
	if !l.Cursor().Equal(rec.Cursor) {
		return fmt.Errorf("reading the samples: %w: they end at %s", slo.ErrCorrupt, l.Cursor().Format(time.RFC3339))
	}
	return nil
}
