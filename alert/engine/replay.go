package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Replayed is the result of a replay.
type Replayed struct {
	Incidents []alert.Incident // newest onset first
	Statuses  []alert.Status   // at the end of the stretch
}

// Replay folds (start, end] of the source's data, as a daemon started with these definitions at
// `start` would: breaches still going on at `start` are included, earlier ones are not. So it also
// reads the objectives' windows before `start`. Both times are aligned to the grid.
//
// progress, which may be nil, is told the share done, from 0 to 1. An error of the source ends the
// replay, unless fewer ticks can be read.
func Replay(
	ctx context.Context, source Source, defs []alert.Definition, interval time.Duration, start, end time.Time, progress func(float64),
) (Replayed, error) {
	return ReplayCorrected(ctx, source, defs, nil, interval, start, end, progress)
}

// ReplayCorrected is Replay, and takes the corrections out of the budgets, as a daemon does that
// knows them from the start.
func ReplayCorrected(
	ctx context.Context, source Source, defs []alert.Definition, corrections []alert.Correction, interval time.Duration, start, end time.Time,
	progress func(float64),
) (Replayed, error) {
	start, end = slo.Floor(start, interval), slo.Floor(end, interval)
	p := &pastFolder{source: source, interval: interval}
	var pasts []pastOf
	var length time.Duration
	for _, d := range defs {
		span := slo.Span{Start: alignedPast(d, interval, start.Add(-max(d.Warmup(), d.Objective.Window.Longest()))), End: end}
		arm := func(w *fold.Watch) {
			w.Since = span.Start // as the daemon does for a new objective
			w.Expect(corrections)
		}
		corrected := slices.ContainsFunc(corrections, func(c alert.Correction) bool { return c.SLO == d.Objective.Name })
		pasts = append(pasts, pastOf{def: d, span: span, prepare: arm, corrected: corrected})
		length += end.Sub(span.Start)
	}
	if progress != nil {
		p.progress = shareOf(length, progress)
	}
	found, err := p.foldAll(ctx, pasts)
	if err != nil {
		return Replayed{}, err
	}
	c := correlator{start: start, interval: interval, keep: alert.MaxSpread, changed: map[string][]slo.Span{}, newest: map[string]alert.Incident{}}
	var events []alert.Event
	var r Replayed
	for _, f := range found {
		c.keep = max(c.keep, alert.MaxSpread+f.def.Warmup()+f.def.Policy.MergeGap)
		for _, s := range f.sets {
			events = append(events, eventsSince(s.eventsAt(f.def, start, end), start, interval)...)
		}
		r.Statuses = append(r.Statuses, f.statuses(end)...)
	}
	r.Incidents = c.correlate(events)
	slices.SortFunc(r.Statuses, func(a, b alert.Status) int { return idOf(a).Compare(idOf(b)) })
	return r, nil
}

// eventsAt returns the events, plus updates of the windows still open at the end. A burn that has
// not got worse since the start was over then, as far as known.
func (s foldedSet) eventsAt(def alert.Definition, start, end time.Time) []alert.Event {
	events := slices.Clone(s.events)
	if s.watch == nil {
		return events
	}
	for _, v := range s.watch.OpenWindows() {
		events = append(events, alert.Event{Tick: end, Window: v, Policy: def.Policy})
	}
	return slices.DeleteFunc(events, func(e alert.Event) bool {
		return s.watch.StoppedBy(start, e.Window)
	})
}

// statuses returns how the label sets stand. A definition without any is blind.
func (f folded) statuses(end time.Time) (all []alert.Status) {
	for _, s := range f.sets {
		if s.watch != nil {
			all = append(all, s.watch.Status())
		}
	}
	if len(all) == 0 {
		all = append(all, alert.Status{Objective: f.def.Objective, Tick: end, BudgetRemaining: 1, State: alert.Blind})
	}
	return all
}

func idOf(s alert.Status) slo.ID { return slo.ID{SLO: s.Objective.Name, Labels: s.Labels} }

// shareOf turns reports of how much more is done into the share done.
func shareOf(all time.Duration, report func(float64)) func(time.Duration) {
	var mu sync.Mutex
	var done time.Duration
	return func(more time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		done = min(done+more, all)
		report(float64(done) / float64(all))
	}
}

// eventsSince returns the events seen from a time on: windows that had ended by then are left out,
// and an open one opens at the first tick after it.
func eventsSince(events []alert.Event, from time.Time, interval time.Duration) (seen []alert.Event) {
	over := map[alert.WindowKey]bool{}
	last := map[alert.WindowKey]alert.Event{} // of windows open by then
	for _, e := range events {
		key := e.Window.Key()
		over[key] = over[key] || !e.Window.IsOpen() && !e.Window.Ended.After(from)
		if !e.Tick.After(from) {
			last[key] = e
		}
	}
	for _, e := range last {
		if !over[e.Window.Key()] {
			e.Tick, e.Opened = from.Add(interval), true
			seen = append(seen, e)
		}
	}
	slices.SortFunc(seen, fold.ByObjective)
	for _, e := range events {
		if e.Tick.After(from) && !over[e.Window.Key()] {
			seen = append(seen, e)
		}
	}
	return seen
}

// correlator groups the events of a replay as a lane does.
type correlator struct {
	start     time.Time // nothing changes before
	interval  time.Duration
	keep      time.Duration // how long after its end a breach may join an incident
	incidents []alert.Incident
	changed   map[string][]slo.Span // by incident: the ticks at which it changed
	newest    map[string]alert.Incident
}

// correlate returns the incidents of events, newest onset first.
func (c *correlator) correlate(events []alert.Event) []alert.Incident {
	slices.SortStableFunc(events, func(a, b alert.Event) int {
		return cmp.Or(a.Tick.Compare(b.Tick), cmp.Compare(removed(a), removed(b)), fold.ByObjective(a, b))
	})
	for _, e := range events {
		before := e.Tick.Add(-c.interval)
		c.incidents = slices.DeleteFunc(c.incidents, func(i alert.Incident) bool {
			return !i.HasOpenWindow() && before.Sub(i.Ended()) > c.keep
		})
		var n int
		if c.incidents, n = alert.Correlate(c.incidents, e); n < 0 {
			continue
		}
		i := c.incidents[n]
		span := slo.Span{Start: before, End: e.Tick}
		if e.Window.Kind != alert.Blindness && !e.Opened && (e.Closed || e.Window.IsOpen()) {
			span.Start = e.Window.Detected // at each tick since then
		}
		c.changed[i.ID] = append(c.changed[i.ID], span)
		c.newest[i.ID] = i
	}
	all := slices.Collect(maps.Values(c.newest))
	for i := range all {
		all[i].Revision = c.revisions(all[i])
	}
	slices.SortFunc(all, alert.NewestFirst)
	return all
}

// removed returns 1 for a window that ended because its label set was dropped: that comes after all
// else at a tick.
func removed(e alert.Event) int {
	if slices.ContainsFunc(e.Window.Caveats, func(v slo.Caveat) bool { return v.Kind == slo.Removed }) {
		return 1
	}
	return 0
}

// revisions returns at how many ticks an incident changed: whenever one of its windows was open.
func (c *correlator) revisions(i alert.Incident) (n int) {
	spans := c.changed[i.ID]
	slices.SortFunc(spans, func(a, b slo.Span) int { return a.Start.Compare(b.Start) })
	end := c.start
	for _, s := range spans {
		if s.Start.Before(end) {
			s.Start = end
		}
		if s.End.After(s.Start) {
			n += int(s.End.Sub(s.Start) / c.interval)
			end = s.End
		}
	}
	return n
}
