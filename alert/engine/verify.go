package engine

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// Data may reach Prometheus after a tick is read, though the tick has some already: scrapes are
// slow, or one of several sources is late. So now and then ticks are read a second time. If their
// events differ, the objective's past is read again, and it is sampled later from then on.
const (
	checksAtOnce = 4 // of a lane and a source

	// Stretches of this length are read again in one step, for data that are very late.
	stretchLength = time.Hour
)

// stretchAfter is how many stretches after its end one is read again.
var stretchAfter = [...]int{1, 6}

// lateness is what is known of an objective's late data.
type lateness struct {
	Extra  time.Duration `json:"extra,omitempty"`  // added to the delay, in whole intervals
	Regrid time.Time     `json:"regrid,omitzero"`  // when the interval changed: earlier counts are not exact
	Closed []time.Time   `json:"closed,omitempty"` // ticks at which a window closed, to be read again
}

// dueCheck returns the tick to read again at a tick, if one is due.
func (r *reader) dueCheck(tick time.Time, interval time.Duration) (check time.Time, due bool) {
	check = tick.Add(-fold.CheckAfter * interval)
	closed := slices.ContainsFunc(r.Closed, check.Equal)
	r.Closed = slices.DeleteFunc(r.Closed, func(t time.Time) bool { return !t.After(check) })
	return check, closed || check.UnixNano()/int64(interval)%fold.CheckEvery == 0
}

// verifier reads ticks a second time.
type verifier struct {
	*sampler
	slots  *slots // one for each reading
	logger *slog.Logger
}

// check is a second reading of one tick, maybe a long one.
type check struct {
	defs  []alert.Definition
	ticks slo.Ticks
	done  chan []slo.Reading
}

// span returns the stretch read again.
func (c *check) span() slo.Span {
	return slo.Span{Start: c.ticks.Last.Add(-c.ticks.Interval), End: c.ticks.Last}
}

// verify starts to read again the earlier ticks that are due for it at this tick, and takes in
// finished readings. It waits for nothing.
func (v verifier) verify(ctx context.Context, l *lane, tick time.Time) {
	l.checks = slices.DeleteFunc(l.checks, func(c *check) bool {
		select {
		case readings := <-c.done:
			v.compare(l, c, readings)
			return true
		default:
			return false
		}
	})
	for _, source := range l.sources() {
		v.verifySource(ctx, l, source, tick)
	}
}

// verifySource starts to read again what is due of a source's objectives.
func (v verifier) verifySource(ctx context.Context, l *lane, source string, tick time.Time) {
	interval := l.Interval()
	var all, single []alert.Definition
	var again time.Time
	for _, d := range l.Definitions() {
		r := l.readers[d.Objective.Name]
		if d.Objective.Source != source || !r.failing.IsZero() || r.past != nil || r.Late != (fold.Late{}) {
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
	v.startCheck(ctx, l, single, slo.Ticks{First: again, Last: again, Interval: interval})
	length := max(interval, stretchLength/interval*interval)
	if tick.UnixNano()%int64(length) != 0 {
		return
	}
	for _, after := range stretchAfter {
		end := tick.Add(-time.Duration(after) * length)
		v.startCheck(ctx, l, all, slo.Ticks{First: end, Last: end, Interval: length, Each: interval})
	}
}

// startCheck starts to read one tick again for those of a source's objectives that have folded all
// of it.
func (v verifier) startCheck(ctx context.Context, l *lane, defs []alert.Definition, ticks slo.Ticks) {
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
	if len(c.defs) == 0 {
		return
	}
	source, underWay := c.defs[0].Objective.Source, 0
	for _, other := range l.checks {
		if other.defs[0].Objective.Source == source {
			underWay++
		}
	}
	if underWay >= checksAtOnce {
		return
	}
	l.checks = append(l.checks, c)
	l.beside(ctx, v.slots.of(source), func() { c.done <- v.read(ctx, c.defs, ticks) })
}

// compare compares readings with the histories. If an objective's events differ, its past is to be
// read again.
func (v verifier) compare(l *lane, c *check, readings []slo.Reading) {
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
			span.Start = span.End.Add(-fold.CheckEvery * l.Interval())
		}
		r.Late = fold.Late{Span: span}
		l.journal.eventful = true // so that it is saved
		v.metrics.lateEvents.Add(late)
		if !long && r.Extra < fold.CheckAfter*l.Interval() {
			r.Extra = min(max(l.Interval(), 2*r.Extra), fold.CheckAfter*l.Interval())
		}
		v.logger.Warn("data came after its tick was read; reading it again, and sampling later from now on",
			"slo", d.Objective.Name, "events", late, "added_delay", r.Extra)
	}
}

// had returns a history's events in a stretch, with all of the buckets that its ends cut: on which
// side of a cut events happened is unknown.
func had(h *slo.History, span slo.Span) slo.Counts {
	return h.Between(floor(span.Start, h.Grain(span.Start)), ceil(span.End, h.Grain(span.End)))
}

// missed returns how many events a stretch has gained when it is read again. One long step may
// count counters a bit differently than many: less than a thousandth of the total is no sign.
func missed(had, has slo.Counts, long bool) float64 {
	late := fold.Missed(had, has)
	if long && late < has.Total/1000 {
		return 0
	}
	return late
}
