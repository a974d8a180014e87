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

// Replayed is what a replay found.
type Replayed struct {
	Incidents []alert.Incident // newest onset first
	Statuses  []alert.Status   // at the end of the stretch
}

// Replay folds (start, end] of what the source holds, as the daemon would have done if it had been
// started with these definitions at `start`: what had begun before and went on then is part of it,
// what was over is not. It reads the objectives' windows before `start` for that. Both are aligned
// to the grid.
//
// progress, which may be nil, is told the share that is done. An error of the source ends the
// replay, if it is one of fewer ticks, too.
func Replay(
	ctx context.Context, source Source, defs []alert.Definition, interval time.Duration, start, end time.Time, progress func(float64),
) (Replayed, error) {
	start, end = slo.Floor(start, interval), slo.Floor(end, interval)
	p := &pastFolder{source: source, interval: interval}
	var pasts []pastOf
	var length time.Duration
	for _, d := range defs {
		span := slo.Span{Start: alignedPast(d, interval, start.Add(-max(d.Warmup(), d.Objective.Window.Longest()))), End: end}
		arm := func(w *fold.Watch) { w.Since = span.Start } // as the daemon does with the past of a new objective
		pasts = append(pasts, pastOf{def: d, span: span, prepare: arm})
		length += end.Sub(span.Start)
	}
	if progress != nil {
		p.progress = shareOf(length, progress)
	}
	found, err := p.fold(ctx, pasts, true)
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

// eventsAt are the events, with those that say how the windows stand that are still open at the
// end. A burn that has not got worse since the start was over then, as far as is known.
func (s foldedSet) eventsAt(def alert.Definition, start, end time.Time) []alert.Event {
	events := slices.Clone(s.events)
	if s.watch == nil {
		return events
	}
	for _, v := range s.watch.OpenWindows() {
		events = append(events, alert.Event{Tick: end, Window: v, Policy: def.Policy})
	}
	return slices.DeleteFunc(events, func(e alert.Event) bool {
		b := s.watch.Burn
		return b != nil && !b.Run.End.After(start) && keyOf(e.Window) == windowKey{alert.Burn, b.Window.Detected}
	})
}

// statuses are how the label sets stand. A definition that has none is blind.
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

// shareOf makes of reports of how much more is done those of which share is.
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

// windowKey tells the windows of a label set apart.
type windowKey struct {
	kind     alert.Kind
	detected time.Time
}

func keyOf(w alert.Window) windowKey { return windowKey{w.Kind, w.Detected} }

// eventsSince are the events of a label set that somebody sees who looks from a time on: windows
// that had ended by then are left out, and one that was open is opened at the first tick after it.
func eventsSince(events []alert.Event, from time.Time, interval time.Duration) (seen []alert.Event) {
	over := map[windowKey]bool{}
	last := map[windowKey]alert.Event{} // of the windows that were open by then
	for _, e := range events {
		key := keyOf(e.Window)
		over[key] = over[key] || !e.Window.IsOpen() && !e.Window.Ended.After(from)
		if !e.Tick.After(from) {
			last[key] = e
		}
	}
	for _, e := range last {
		if !over[keyOf(e.Window)] {
			e.Tick, e.Opened = from.Add(interval), true
			seen = append(seen, e)
		}
	}
	slices.SortFunc(seen, fold.ByObjective)
	for _, e := range events {
		if e.Tick.After(from) && !over[keyOf(e.Window)] {
			seen = append(seen, e)
		}
	}
	return seen
}

// correlator groups the events of a replay as a lane does.
type correlator struct {
	start     time.Time // nothing changes before
	interval  time.Duration
	keep      time.Duration // for how long an incident that is over is one that a breach may belong to
	incidents []alert.Incident
	changed   map[string][]slo.Span // by incident: the ticks at which it changed
	newest    map[string]alert.Incident
}

// correlate returns the incidents that events make, newest onset first.
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
		if c.incidents, n = alert.Correlate(c.incidents, e, e.Policy); n < 0 {
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

// removed is 1 for a window that was ended because its label set is not watched any more: that
// comes after what else happened at a tick.
func removed(e alert.Event) int {
	if slices.ContainsFunc(e.Window.Caveats, func(v slo.Caveat) bool { return v.Kind == slo.Removed }) {
		return 1
	}
	return 0
}

// revisions is at how many ticks an incident changed: at all at which one of its windows was open.
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
