package engine

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Data may reach Prometheus later than a tick is read though the tick has some: slow scrapes, or
// one of several sources that is late. So now and then ticks are read a second time. If they have
// other events by then, the objective's past is read again, and from then on it is sampled later.
const (
	checkEvery = 20 // ticks: one of so many is read again ...
	checkAfter = 10 // ... so many ticks later

	checksAtOnce = 4 // of a lane

	// Longer stretches are read again in one step, for data that are very late.
	stretchLength = time.Hour
)

// stretchAfter is how many stretches after its end one is read again.
var stretchAfter = [...]int{1, 6}

// lateness is what is known of an objective's data that come late.
type lateness struct {
	Extra  time.Duration `json:"extra,omitempty"`  // added to the delay, in whole intervals
	Regrid time.Time     `json:"regrid,omitzero"`  // when the interval was changed: counts before are not exact
	Closed []time.Time   `json:"closed,omitempty"` // ticks at which a window was closed, to be read again
}

// dueCheck returns the tick that is to be read again at the present one.
func (r *reader) dueCheck(tick time.Time, interval time.Duration) (check time.Time, due bool) {
	check = tick.Add(-checkAfter * interval)
	closed := slices.ContainsFunc(r.Closed, check.Equal)
	r.Closed = slices.DeleteFunc(r.Closed, func(t time.Time) bool { return !t.After(check) })
	return check, closed || check.UnixNano()/int64(interval)%checkEvery == 0
}

// check is a second reading of one tick, which may be a long one.
type check struct {
	defs  []alert.Definition
	ticks slo.Ticks
	done  chan []slo.Reading
}

// span is the stretch that is read again.
func (c *check) span() slo.Span {
	return slo.Span{Start: c.ticks.Last.Add(-c.ticks.Interval), End: c.ticks.Last}
}

// verify has earlier ticks of the lane's objectives read again, those that are due at this tick,
// and takes in what was read of others. It waits for nothing.
func (e *Engine) verify(ctx context.Context, l *lane, tick time.Time) {
	l.checks = slices.DeleteFunc(l.checks, func(c *check) bool {
		select {
		case readings := <-c.done:
			e.compare(l, c, readings)
			return true
		default:
			return false
		}
	})
	interval := l.Interval()
	var all, single []alert.Definition
	var again time.Time
	for _, d := range l.Definitions() {
		r := l.readers[d.Objective.Name]
		if !r.failing.IsZero() || r.past != nil || r.Late != (fold.Late{}) {
			continue
		}
		all = append(all, d)
		if r.apart || !l.CursorOf(d.Objective.Name).Equal(l.Cursor()) {
			continue
		}
		if at, due := r.dueCheck(tick, interval); due {
			single, again = append(single, d), at
		}
	}
	e.startCheck(ctx, l, single, slo.Ticks{First: again, Last: again, Interval: interval})
	length := max(interval, stretchLength/interval*interval)
	if tick.UnixNano()%int64(length) != 0 {
		return
	}
	for _, after := range stretchAfter {
		end := tick.Add(-time.Duration(after) * length)
		e.startCheck(ctx, l, all, slo.Ticks{First: end, Last: end, Interval: length, Each: interval})
	}
}

// startCheck has one tick read again of those of some objectives that have folded all of it.
func (e *Engine) startCheck(ctx context.Context, l *lane, defs []alert.Definition, ticks slo.Ticks) {
	c := &check{ticks: ticks, done: make(chan []slo.Reading, 1)}
	start := c.span().Start
	for _, d := range defs {
		known := func(w *fold.Watch) bool { return !w.History.Empty() && !w.History.Origin().After(start) }
		if start.Before(l.readers[d.Objective.Name].Regrid) {
			continue
		}
		if !l.CursorOf(d.Objective.Name).Before(ticks.Last) && slices.ContainsFunc(l.WatchesOf(d.Objective.Name), known) {
			c.defs = append(c.defs, d)
		}
	}
	if len(c.defs) == 0 || len(l.checks) >= checksAtOnce {
		return
	}
	l.checks = append(l.checks, c)
	e.spawn(func() {
		select {
		case e.chases <- struct{}{}:
			defer func() { <-e.chases }()
		case <-ctx.Done():
			return
		}
		c.done <- e.read(ctx, c.defs, ticks)
	})
}

// compare compares what was read again with the histories. The past of objectives that have other
// events there is to be read again.
func (e *Engine) compare(l *lane, c *check, readings []slo.Reading) {
	long := c.ticks.Each > 0
	for i, d := range c.defs {
		r := l.readers[d.Objective.Name]
		if readings[i].Err != nil || r.past != nil {
			continue
		}
		span, late := c.span(), 0.0
		for _, s := range readings[i].Series {
			for _, w := range l.WatchesOf(d.Objective.Name) {
				if w.Labels == s.Labels && !w.HasPlanned(span) && !w.History.Origin().After(span.Start) {
					late += missed(had(w.History, span), s.Samples[0].Counts, long)
				}
			}
		}
		if late == 0 {
			continue
		}
		if !long {
			span.Start = span.End.Add(-checkEvery * l.Interval())
		}
		r.Late = fold.Late{Span: span}
		l.journal.eventful = true // so that it is kept
		e.metrics.lateEvents.Add(late)
		if !long && r.Extra < checkAfter*l.Interval() {
			r.Extra = min(max(l.Interval(), 2*r.Extra), checkAfter*l.Interval())
		}
		e.opts.Logger.Warn("data came after its tick was read; reading it again, and sampling later from now on",
			"slo", d.Objective.Name, "events", late, "added_delay", r.Extra)
	}
}

// had returns the events that a history has of a stretch, and of all of the buckets that its ends
// cut: it does not know on which side of the cut they happened.
func had(h *slo.History, span slo.Span) slo.Counts {
	return h.Between(floor(span.Start, h.Grain(span.Start)), ceil(span.End, h.Grain(span.End)))
}

// missed returns how many events a stretch that is read again has that it did not have. Counters
// that are read in one long step are not always counted as in many: what is below a thousandth of
// the total is no sign.
func missed(had, has slo.Counts, long bool) float64 {
	late := fold.Missed(had, has)
	if long && late < has.Total/1000 {
		return 0
	}
	return late
}
