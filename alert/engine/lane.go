package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// lane is a fold.Lane with what keeps it, and what reads the samples of its objectives.
type lane struct {
	*fold.Lane
	name    string
	journal journal
	readers map[string]*reader // by objective
	checks  []*check           // what is being read a second time
	most    int                // ticks to be read at a time, after that many more could not be; 0: as many as there is room for

	asked, answered bool          // Prometheus was asked since the last step, and has answered, whatever it said
	unanswered      time.Time     // since when it does not answer, by the wall clock; zero: it does
	wake            chan struct{} // takes a value when something was read apart
	pasts           int           // readings of the past that are under way or wait for their turn
}

// reader is what the engine knows of the samples of one objective: whether its query fails, whether
// its data come late, and what of its past is still to be read.
type reader struct {
	readState
	failing time.Time // since when its query fails, by the wall clock; zero: it does not
	begun   time.Time // since when it is read, by the wall clock
	current bool      // it has caught up since
	apart   bool      // it is read by itself, as it can't keep up with its lane
	chase   *chase    // of an objective that is read apart: what is being read
	retry   time.Time // it is not read apart before
	pause   time.Duration
	most    int           // ticks to be read apart at a time; 0: as many as there is room for
	lag     time.Duration // how far its data were behind when it was read apart last

	past      *pastRead                   // being read
	meanwhile map[slo.Labels][]slo.Sample // taken since that began
	tries     int                         // how often in a row the past could not be read
	unproven  bool                        // its first events are of the past: the newest of that may not have come yet
	pastRetry time.Time                   // it is not tried before
}

// readState is what a checkpoint keeps of a reader.
type readState struct {
	lateness
	Since    time.Time `json:"since,omitzero"`      // its past is known from here on; zero: for as long as any rule looks back
	PastRead bool      `json:"past_read,omitempty"` // nothing more of its past is to be read
	Armed    time.Time `json:"armed,omitzero"`      // windows that ended by then are no incident
	Late     fold.Late `json:"late,omitzero"`       // its past is to be read again for this; zero: for nothing
}

func newLane(name string, l *fold.Lane) *lane {
	return &lane{Lane: l, name: name, journal: journal{lane: name}, readers: map[string]*reader{}, wake: make(chan struct{}, 1)}
}

// reader returns an objective's reader.
func (l *lane) reader(objective string) *reader {
	r := l.readers[objective]
	if r == nil {
		r = &reader{}
		l.readers[objective] = r
	}
	return r
}

func (l *lane) readStates() map[string]readState {
	states := map[string]readState{}
	for name, r := range l.readers {
		if !r.isZero() {
			states[name] = r.readState
		}
	}
	return states
}

func (r *reader) isZero() bool {
	return r.Since.IsZero() && !r.PastRead && r.Late == (fold.Late{}) && r.Extra == 0 && len(r.Closed) == 0 && r.Regrid.IsZero()
}

// restoreReading takes over what a checkpoint has of the readers. Delays of an older version were a
// lane's.
func (l *lane) restoreReading(state laneState) {
	for _, d := range l.Definitions() {
		l.reader(d.Objective.Name).lateness = state.Late
	}
	for name, s := range state.Reading {
		l.reader(name).readState = s
	}
}

// redefine makes the lane watch these definitions, see fold.Lane.Redefine.
func (l *lane) redefine(defs []alert.Definition, armed time.Time) {
	for _, name := range l.Redefine(defs, armed) {
		l.readers[name] = &reader{readState: readState{Since: l.Cursor(), Armed: armed}}
	}
	known := map[string]bool{}
	for _, d := range defs {
		known[d.Objective.Name] = true
		l.reader(d.Objective.Name)
	}
	maps.DeleteFunc(l.readers, func(name string, _ *reader) bool { return !known[name] })
	l.journal.regrouped = true
}

// step folds rows in, one a tick.
func (l *lane) step(rows []fold.Row) (batches []alert.Batch, events []alert.Event) {
	for i, row := range rows {
		l.remember(row)
		b, more := l.journal.step(l, row, i+1 < len(rows))
		batches, events = append(batches, b), append(events, more...)
	}
	return batches, events
}

// noteClosed has the ticks read again at which windows were closed.
func (l *lane) noteClosed(events []alert.Event) {
	for _, e := range events {
		if r := l.readers[e.Window.Objective.Name]; r != nil && e.Closed {
			r.Closed = append(r.Closed, e.Tick)
		}
	}
}

// arrival is what was read of an objective: a sample for each tick, in each series.
type arrival struct {
	reading slo.Reading
	ticks   slo.Ticks
}

// rows makes rows of what has arrived, for the lane's next n ticks. Label sets that are new get a
// watch. It returns how many there was no room for, by objective.
func (l *lane) rows(n int, arrived map[string]arrival) (rows []fold.Row, refused map[string]int) {
	joined, refused := l.joining(arrived)
	rows = make([]fold.Row, n)
	rows[0].Joined = joined
	ids := make([]slo.ID, 0, len(l.Watches())+len(joined))
	for _, w := range l.Watches() {
		ids = append(ids, w.ID())
	}
	for _, m := range joined {
		ids = append(ids, slo.ID{SLO: l.Definitions()[m.Definition].Objective.Name, Labels: m.Labels})
	}
	found := seriesByID(arrived)
	for i := range rows {
		rows[i].Samples = make([][]slo.Sample, len(ids))
	}
	for w, id := range ids {
		a, is := arrived[id.SLO]
		if !is {
			continue
		}
		samples := found[id]
		if samples == nil {
			samples = blindSamples(a.ticks)
		}
		for i := range samples {
			into := &rows[min(i, n-1)].Samples[w]
			if i >= n-1 { // the last tick takes all that are left
				*into = samples[i:]
				break
			}
			*into = samples[i : i+1]
		}
	}
	return rows, refused
}

func seriesByID(arrived map[string]arrival) map[slo.ID][]slo.Sample {
	found := map[slo.ID][]slo.Sample{}
	for name, a := range arrived {
		for _, s := range a.reading.Series {
			found[slo.ID{SLO: name, Labels: s.Labels}] = s.Samples
		}
	}
	return found
}

// joining returns the label sets of what arrived that have no watch yet, as far as there is room.
func (l *lane) joining(arrived map[string]arrival) (joined []fold.Member, refused map[string]int) {
	known, count := map[slo.ID]bool{}, map[string]int{}
	for _, w := range l.Watches() {
		known[w.ID()] = true
		count[w.Def.Objective.Name]++
	}
	refused = map[string]int{}
	for i, d := range l.Definitions() {
		name := d.Objective.Name
		a, is := arrived[name]
		if !is {
			continue
		}
		for _, s := range a.reading.Series {
			switch {
			case known[slo.ID{SLO: name, Labels: s.Labels}]:
			case count[name] >= fold.MaxLabelSets:
				refused[name]++
			default:
				count[name]++
				m := fold.Member{Definition: i, Labels: s.Labels, Start: a.ticks.First.Add(-l.Interval()), Since: l.reader(name).Since}
				if r := l.reader(name); !r.PastRead { // it may have been there before, and could not be read
					m.Armed = r.Armed
				}
				joined = append(joined, m)
			}
		}
	}
	return joined, refused
}

func blindSamples(ticks slo.Ticks, caveats ...slo.Caveat) []slo.Sample {
	samples := make([]slo.Sample, ticks.Len())
	for i := range samples {
		samples[i] = slo.Sample{Tick: ticks.At(i), Blind: true, Caveats: caveats}
	}
	return samples
}

// statuses are how the lane's objectives stand. One that has no label set yet is blind.
func (l *lane) statuses() []alert.Status {
	all := make([]alert.Status, 0, len(l.Watches()))
	seen := map[string]bool{}
	for _, w := range l.Watches() {
		s := w.Status()
		r := l.reader(w.Def.Objective.Name)
		s.Extra, s.Unread = r.Extra, l.unread(w.Def, r)
		all = append(all, s)
		seen[w.Def.Objective.Name] = true
	}
	for _, d := range l.Definitions() {
		if !seen[d.Objective.Name] {
			all = append(all, alert.Status{Objective: d.Objective, Tick: l.Cursor(), BudgetRemaining: 1, State: alert.Blind})
		}
	}
	return all
}

// regrid puts the lane on another grid. What its rules look at is read again, tick by tick.
func (l *lane) regrid(interval time.Duration) {
	was := l.Interval()
	l.Regrid(interval)
	for _, d := range l.Definitions() {
		r := l.reader(d.Objective.Name)
		r.lateness = lateness{Regrid: l.Cursor()}
		cursor := l.CursorOf(d.Objective.Name)
		r.Late = fold.Late{Span: slo.Span{Start: cursor.Add(-was), End: cursor}, Regrid: true}
	}
	l.journal.regrouped = true
}

// logChanges says what of a lane's definitions is about to change, from what to what.
func (e *Engine) logChanges(l *lane, defs []alert.Definition) {
	for _, old := range l.Definitions() {
		i := slices.IndexFunc(defs, func(d alert.Definition) bool { return d.Objective.Name == old.Objective.Name })
		if i < 0 {
			continue
		}
		if changes := alert.Changes(old, defs[i]); len(changes) > 0 {
			e.opts.Logger.Info("redefined; what was before opens nothing", "slo", old.Objective.Name, "changes", strings.Join(changes, "; "))
		}
	}
}
