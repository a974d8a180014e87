package engine

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// lane is a fold.Lane with its journal, and the readers of its objectives.
type lane struct {
	*fold.Lane
	name    string
	fence   int64 // that it is committed under
	journal journal
	readers readers
	checks  []*check // under way
	most    int      // ticks to read at a time, after more could not be read; 0: as many as fit

	slow map[string]bool // by source: no objective answered in time: wait for the next answers without limit

	answering   map[string]answering // by source
	alarm       alarm                // rings when something was read apart, or asked
	inspections inspections
	pasts       map[string]*pastQueue // by source
	excluded    int                   // the state of exclusions that is applied

	stop    context.CancelFunc // ends what runs; nil before start
	running sync.WaitGroup     // the lane itself, and what it reads beside
}

func newLane(name string, l *fold.Lane) *lane {
	a := make(alarm, 1)
	return &lane{
		Lane: l, name: name, journal: journal{lane: name}, readers: readers{},
		slow: map[string]bool{}, answering: map[string]answering{}, pasts: map[string]*pastQueue{},
		alarm: a, inspections: inspections{make(chan inspection, maxInspections), a},
	}
}

// start runs the lane in the background, unless it runs already. stop and running end it: what is
// being committed is waited for.
func (l *lane) start(ctx context.Context, run func(context.Context, *lane)) {
	if l.stop != nil {
		return
	}
	ctx, l.stop = context.WithCancel(ctx)
	l.running.Go(func() { run(ctx, l) })
}

// beside runs f beside the lane once it gets a slot; not at all if ctx ends first.
func (l *lane) beside(ctx context.Context, slots chan struct{}, f func()) {
	l.running.Go(func() {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			f()
		case <-ctx.Done():
		}
	})
}

// redefine makes the lane watch these definitions, see fold.Lane.Redefine.
func (l *lane) redefine(defs []alert.Definition, armed time.Time) {
	before := l.Definitions()
	for _, name := range l.Redefine(defs, armed) {
		l.readers[name] = &reader{readState: readState{Since: l.Cursor(), Armed: armed}}
	}
	l.readers.keep(defs)
	same := func(a, b alert.Definition) bool { return reflect.DeepEqual(a, b) }
	l.journal.regrouped = l.journal.regrouped || !slices.EqualFunc(before, l.Definitions(), same)
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

// noteClosed marks ticks at which windows closed, to be read again.
func (l *lane) noteClosed(events []alert.Event) {
	for _, e := range events {
		if r := l.readers[e.Window.Objective.Name]; r != nil && e.Closed {
			r.Closed = append(r.Closed, e.Tick)
		}
	}
}

// rows makes rows of arrivals, for the lane's next n ticks. Each has its tick's samples, and the
// first also those of ticks before, of objectives that were behind: so what is found is in order of
// time. New label sets get a watch. refused is how many had no room, by objective.
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
		behind, from := int(l.Cursor().Add(l.Interval()).Sub(a.ticks.First)/l.Interval()), 0
		for i := range rows {
			to := min(max(from, behind+i+1), len(samples))
			if i == n-1 { // the last tick takes all that are left
				to = len(samples)
			}
			rows[i].Samples[w], from = samples[from:to], to
		}
	}
	return rows, refused
}

// joining returns the arrived label sets without a watch, as far as there is room.
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
				m := fold.Member{Definition: i, Labels: s.Labels, Start: a.ticks.First.Add(-l.Interval()), Since: l.readers.of(name).Since}
				if r := l.readers.of(name); !r.PastRead { // it may have been there before, unread
					m.Armed = r.Armed
				}
				joined = append(joined, m)
			}
		}
	}
	return joined, refused
}

// statuses returns how the lane's objectives stand. One without label sets yet is blind.
func (l *lane) statuses() []alert.Status {
	unread := map[string]time.Duration{}
	for _, d := range l.Definitions() {
		unread[d.Objective.Name] = l.unread(d, l.readers.of(d.Objective.Name))
	}
	all := make([]alert.Status, 0, len(l.Watches()))
	seen := map[string]bool{}
	for _, w := range l.Watches() {
		s := w.Status()
		s.Extra, s.Unread = l.readers.of(w.Def.Objective.Name).Extra, unread[w.Def.Objective.Name]
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

// regrid puts the lane on another grid. The time its rules look at is read again, tick by tick.
func (l *lane) regrid(interval time.Duration) {
	was := l.Interval()
	l.Regrid(interval)
	for _, d := range l.Definitions() {
		r := l.readers.of(d.Objective.Name)
		r.lateness = lateness{Regrid: l.Cursor()}
		cursor := l.CursorOf(d.Objective.Name)
		r.Late = fold.Late{Span: slo.Span{Start: cursor.Add(-was), End: cursor}, Regrid: true}
	}
	l.journal.regrouped = true
}

// logChanges logs how a lane's definitions are about to change.
func (e *Engine) logChanges(l *lane, defs []alert.Definition) {
	byName := map[string]alert.Definition{}
	for _, d := range defs {
		byName[d.Objective.Name] = d
	}
	for _, old := range l.Definitions() {
		d, there := byName[old.Objective.Name]
		if !there {
			continue
		}
		if changes := alert.Changes(old, d); len(changes) > 0 {
			e.opts.Logger.Info("redefined; what was before opens nothing", "slo", old.Objective.Name, "changes", strings.Join(changes, "; "))
		}
	}
}
