package engine

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// patience is how many ticks a query must have failed before giving up a past tick that can't
	// be answered though newer ones can.
	patience = 20
	// lateMost is how late data may be to be waited for.
	lateMost = 6 * time.Hour
	// longestPause is the longest pause after a failed query.
	longestPause = 5 * time.Minute
	// chasedTogether is the most objectives in a chase, and chasing the most chases at a time.
	chasedTogether = 20
	chasing        = 8
	// caughtUp is how many ticks an objective may be behind to be read with its lane again, which
	// reads them at once. Some have become due since the chase began.
	caughtUp = 10
)

// chaser reads objectives that can't keep up with their lane: their query fails, their data have
// not come yet, or they have fallen behind.
//
// Late data are not missed: an empty tick is not folded while Prometheus may still get samples of
// it. It is final as soon as there are later samples. The objective is blind meanwhile.
type chaser struct {
	*sampler
	slots *slots // one for each reading
}

// chase is an ongoing reading of some objectives.
type chase struct {
	defs []alert.Definition
	done chan []chased
}

// chased is what a chase found of one objective.
type chased struct {
	arrival
	err     error
	ticks   slo.Ticks // the ticks asked for, if there is an error
	most    int       // ticks that could be read at a time
	newest  time.Time // the newest tick that was missing
	current bool      // the newest tick has data, or is known to have none
	prompt  bool      // it was answered within a lane's time limit
	silent  bool      // its source answered nobody since the chase began
	planned bool      // work is planned at that tick
}

// takeTurn adds finished readings of the objectives read apart to arrived, and starts more. It
// waits for nothing.
func (h chaser) takeTurn(ctx context.Context, l *lane, arrived map[string]arrival) {
	for _, d := range l.Definitions() {
		r := l.readers[d.Objective.Name]
		if r.chase == nil {
			continue
		}
		select {
		case found := <-r.chase.done:
			for i, d := range r.chase.defs {
				l.readers[d.Objective.Name].chase = nil
				h.takeIn(l, d, found[i], arrived)
			}
		default:
		}
	}
	groups := map[batch][]alert.Definition{}
	for _, d := range l.Definitions() {
		name := d.Objective.Name
		r := l.readers[name]
		if _, has := arrived[name]; has || !r.apart || r.chase != nil || h.isPausing(d.Objective.Source, r) {
			continue
		}
		missing := h.missing(l, d, h.due(0))
		switch {
		case missing.Len() == 0:
		case !r.failing.IsZero() || r.most > 0:
			h.start(ctx, l, []alert.Definition{d}, missing)
		default:
			of := batch{d.Objective.Source, missing}
			groups[of] = append(groups[of], d)
		}
	}
	for of, defs := range groups {
		for some := range slices.Chunk(defs, chasedTogether) {
			h.start(ctx, l, some, of.ticks)
		}
	}
}

// batch is what objectives that are read together have in common.
type batch struct {
	source string
	ticks  slo.Ticks
}

// isPausing reports whether it is too early to read an objective again. If its source answered
// nobody then, and does now, it is not.
func (h chaser) isPausing(source string, r *reader) bool {
	return h.now().Before(r.retry) && (r.silent.IsZero() || !h.answeredSince(source, r.silent))
}

// start starts to read the first ticks that some objectives of one source miss.
func (h chaser) start(ctx context.Context, l *lane, defs []alert.Definition, missing slo.Ticks) {
	c := &chase{defs: defs, done: make(chan []chased, 1)}
	watches, most, awaited := 0, 0, 0
	had := make([]bool, len(defs))
	for i, d := range defs {
		r := l.readers[d.Objective.Name]
		r.chase = c
		if r.most > 0 && (most == 0 || r.most < most) {
			most = r.most
		}
		awaited = max(awaited, slo.Ticks{First: missing.First, Last: missing.Last.Add(-r.lag), Interval: missing.Interval}.Len())
		for _, w := range l.WatchesOf(d.Objective.Name) {
			watches++
			had[i] = had[i] || !w.History.Empty()
		}
	}
	piece := bounded(bounded(missing, watches, most), 1, awaited+caughtUp/2)
	l.beside(ctx, h.slots.of(defs[0].Objective.Source), func() {
		c.done <- h.readApart(ctx, defs, missing, piece, had)
		l.alarm.ring()
	})
}

// readApart reads the newest missing tick, to see whether the objectives' data reach that far, and
// then a piece of the oldest ones.
func (h chaser) readApart(ctx context.Context, defs []alert.Definition, missing, piece slo.Ticks, had []bool) []chased {
	newest := slo.Ticks{First: missing.Last, Last: missing.Last, Interval: missing.Interval}
	begun := h.now()
	probes := h.read(ctx, defs, newest)
	prompt := h.now().Sub(begun) < h.longestAnswer()
	readings := probes
	if missing.Len() > 1 {
		readings = h.read(ctx, defs, piece)
	} else {
		piece = newest
	}
	found := make([]chased, len(defs))
	for i, d := range defs {
		c := &found[i]
		*c = chased{arrival: arrival{readings[i], piece}, err: readings[i].Err, ticks: piece, most: piece.Len(), newest: missing.Last, prompt: prompt}
		probe := arrival{probes[i], newest}
		c.planned = probe.isPlanned()
		c.silent = !h.answeredSince(d.Objective.Source, begun)
		c.current = probes[i].Err == nil && (!had[i] || h.isFinal(ctx, d, probe))
		if c.err == nil && !c.current {
			c.arrival = c.until(c.arrival.lastWithEvents(), missing.Last.Add(-lateMost))
		}
	}
	if len(defs) == 1 && found[0].err == nil && found[0].current {
		h.readOn(ctx, defs, missing, &found[0])
	}
	return found
}

// readOn reads more pieces of the ticks that an objective misses, as long as it can. Each piece is
// twice as long as the one before, as far as there is room.
func (h chaser) readOn(ctx context.Context, defs []alert.Definition, missing slo.Ticks, c *chased) {
	series := len(c.arrival.reading.Series)
	for c.arrival.ticks.Last.Before(missing.Last) && c.arrival.ticks.Len() < chunk {
		next := missing
		next.First = c.arrival.ticks.Last.Add(missing.Interval)
		next = bounded(next, series, min(2*c.most, chunk-c.arrival.ticks.Len()))
		r := h.read(ctx, defs, next)[0]
		if r.Err != nil {
			return
		}
		c.arrival = c.arrival.joined(arrival{r, next})
		c.ticks, c.most = c.arrival.ticks, max(c.most, next.Len())
	}
}

// takeIn takes in a chase's result for an objective.
func (h chaser) takeIn(l *lane, d alert.Definition, c chased, arrived map[string]arrival) {
	name := d.Objective.Name
	r := l.readers[name]
	now := h.now()
	if c.planned {
		r.plannedTo = c.newest
	}
	l.noteAnswer(d.Objective.Source, c.err)
	if r.silent = (time.Time{}); c.silent {
		r.silent = now
	}
	if c.err != nil {
		r.fails(now)
		r.most = stretched(r.most, c.ticks.Len(), false)
		if c.ticks.Len() > 1 && c.current { // fewer ticks may do
			r.retry = now
			return
		}
		r.pause = min(max(2*r.pause, l.Interval()), max(longestPause, l.Interval()))
		r.retry = now.Add(r.pause)
		if c.current && now.Sub(r.failing) >= patience*l.Interval() {
			// This tick can't be answered; others can.
			arrived[name] = arrival{slo.Reading{Series: l.blindSeries(name, c.ticks)}, c.ticks}
			r.retry = now
		}
		return
	}
	if !r.failing.IsZero() {
		r.failing, r.tries = time.Time{}, 0 // so its past may be there, too
	}
	if r.most > 0 {
		r.most = stretched(max(r.most, c.most), c.ticks.Len(), true)
	}
	if c.arrival.ticks.Len() > 0 {
		arrived[name] = c.arrival
		r.prove(c.arrival)
		r.pause, r.retry = 0, now
	}
	if !c.current {
		if c.arrival.ticks.Len() > 0 {
			r.lag = c.newest.Sub(c.arrival.ticks.Last)
		}
		r.pause = min(max(r.pause+l.Interval()/4, l.Interval()), max(time.Minute, l.Interval()))
		r.retry = now.Add(r.pause)
		return
	}
	r.lag = 0
	if c.prompt && h.due(h.delay(l, d)).Sub(c.ticks.Last) <= caughtUp*l.Interval() {
		r.apart = false
	}
}

// blindSeries returns blind samples for an objective whose query can't be answered at some ticks.
func (l *lane) blindSeries(objective string, ticks slo.Ticks) (series []slo.Series) {
	for _, w := range l.WatchesOf(objective) {
		series = append(series, slo.Series{Labels: w.Labels, Samples: blindSamples(ticks, slo.Caveat{Kind: slo.QueryFailed, Count: 1})})
	}
	return series
}

// prove checks whether the first ticks after an objective's past was read came late. Then so did
// the newest of that past, and it is read again.
func (r *reader) prove(a arrival) {
	if !r.unproven || a.ticks.Len() == 0 {
		return
	}
	end := a.ticks.First.Add(-a.ticks.Interval)
	r.unproven, r.Late = false, fold.Late{Span: slo.Span{Start: end.Add(-fold.CheckEvery * a.ticks.Interval), End: end}}
}

// hasHadEvents reports whether a watch had events in the last hour of its data, so that none would
// be news.
func hasHadEvents(w *fold.Watch) bool {
	return !w.History.Empty() && (w.Last.Blind || w.History.Last(time.Hour).Total > 0)
}
