package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// patience is for how many ticks an objective's query must have failed before a tick of the
	// past at which it can't be answered, though it can now, is given up.
	patience = 20
	// lateMost is how late data may be and still be waited for.
	lateMost = 6 * time.Hour
	// longestPause is how long a query that fails is left alone, at most.
	longestPause = 5 * time.Minute
	// chasedTogether is how many objectives are chased at a time, at most, and chasing how many
	// chases there are at a time.
	chasedTogether = 20
	chasing        = 8
	// reaching is how many objectives of a lane are asked at a time how far their data reach.
	reaching = 4
	// caughtUp is how many ticks an objective may be behind to be read together with its lane
	// again, which reads them at once. Some have become due since the chase began.
	caughtUp = 10
)

// chase reads objectives that can't keep up with their lane: those whose query fails, those whose
// data have not come yet, and those that have fallen behind.
//
// Data that come late are not missed: a tick is not folded while it is empty, and it is not known
// whether Prometheus will still get samples of it. It is final as soon as there are later ones. The
// objective is blind meanwhile.
type chase struct {
	defs []alert.Definition
	done chan []chased
}

// chased is what a chase found of one objective.
type chased struct {
	arrival
	err     error
	ticks   slo.Ticks // that were asked for, where there is an error
	most    int       // of the ticks that could be read at a time
	newest  time.Time // the newest tick that was missing
	current bool      // the newest tick has data, or was said to have none for good
}

// chaseOthers takes what has been read of the objectives that are read apart into what has arrived,
// and has more read. It waits for nothing.
func (e *Engine) chaseOthers(ctx context.Context, l *lane, arrived map[string]arrival) {
	for _, d := range l.Definitions() {
		r := l.readers[d.Objective.Name]
		if r.chase == nil {
			continue
		}
		select {
		case found := <-r.chase.done:
			for i, d := range r.chase.defs {
				l.readers[d.Objective.Name].chase = nil
				e.caught(l, d, found[i], arrived)
			}
		default:
		}
	}
	groups := map[slo.Ticks][]alert.Definition{}
	for _, d := range l.Definitions() {
		name := d.Objective.Name
		r := l.readers[name]
		if _, has := arrived[name]; has || !r.apart || r.chase != nil || e.opts.Now().Before(r.retry) {
			continue
		}
		missing := e.missing(l, d, e.due(0))
		switch {
		case missing.Len() == 0:
		case !r.failing.IsZero() || r.most > 0:
			e.chase(ctx, l, []alert.Definition{d}, missing)
		default:
			groups[missing] = append(groups[missing], d)
		}
	}
	for missing, defs := range groups {
		for some := range slices.Chunk(defs, chasedTogether) {
			e.chase(ctx, l, some, missing)
		}
	}
}

// chase starts to read the first of the ticks that some objectives miss.
func (e *Engine) chase(ctx context.Context, l *lane, defs []alert.Definition, missing slo.Ticks) {
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
	e.spawn(func() {
		c.done <- e.readApart(ctx, defs, missing, piece, had)
		select {
		case l.wake <- struct{}{}:
		default:
		}
	})
}

// readApart reads the newest of the missing ticks, to see whether the objectives' data reach that
// far, and then a piece of the oldest.
func (e *Engine) readApart(ctx context.Context, defs []alert.Definition, missing, piece slo.Ticks, had []bool) []chased {
	select {
	case e.chases <- struct{}{}:
		defer func() { <-e.chases }()
	case <-ctx.Done():
		return make([]chased, len(defs))
	}
	newest := slo.Ticks{First: missing.Last, Last: missing.Last, Interval: missing.Interval}
	probes := e.read(ctx, defs, newest)
	readings := probes
	if missing.Len() > 1 {
		readings = e.read(ctx, defs, piece)
	} else {
		piece = newest
	}
	found := make([]chased, len(defs))
	for i, d := range defs {
		c := &found[i]
		*c = chased{arrival: arrival{readings[i], piece}, err: readings[i].Err, ticks: piece, most: piece.Len(), newest: missing.Last}
		c.current = probes[i].Err == nil && (!had[i] || e.isFinal(ctx, d, arrival{probes[i], newest}))
		if c.err == nil && !c.current {
			c.arrival = c.until(lastWithEvents(c.arrival), missing.Last.Add(-lateMost))
		}
	}
	if len(defs) == 1 && found[0].err == nil && found[0].current {
		e.readOn(ctx, defs, missing, &found[0])
	}
	return found
}

// readOn reads more pieces of the ticks that an objective misses, as long as it can. Each has twice
// as many ticks as the one before, as far as there is room.
func (e *Engine) readOn(ctx context.Context, defs []alert.Definition, missing slo.Ticks, c *chased) {
	series := len(c.arrival.reading.Series)
	for c.arrival.ticks.Last.Before(missing.Last) && c.arrival.ticks.Len() < chunk {
		next := missing
		next.First = c.arrival.ticks.Last.Add(missing.Interval)
		next = bounded(next, series, min(2*c.most, chunk-c.arrival.ticks.Len()))
		r := e.read(ctx, defs, next)[0]
		if r.Err != nil {
			return
		}
		c.arrival = c.arrival.joined(arrival{r, next})
		c.ticks, c.most = c.arrival.ticks, max(c.most, next.Len())
	}
}

// joined returns what arrived with what arrived of the ticks after it.
func (a arrival) joined(b arrival) arrival {
	samples := map[slo.Labels][]slo.Sample{}
	for _, s := range a.reading.Series {
		samples[s.Labels] = slices.Clone(s.Samples)
	}
	for _, s := range b.reading.Series {
		if samples[s.Labels] == nil {
			samples[s.Labels] = blindSamples(a.ticks)
		}
		samples[s.Labels] = append(samples[s.Labels], s.Samples...)
	}
	both := arrival{ticks: slo.Ticks{First: a.ticks.First, Last: b.ticks.Last, Interval: a.ticks.Interval}}
	for _, labels := range slices.Sorted(maps.Keys(samples)) {
		all := samples[labels]
		if len(all) < both.ticks.Len() {
			all = append(all, blindSamples(b.ticks)...)
		}
		both.reading.Series = append(both.reading.Series, slo.Series{Labels: labels, Samples: all})
	}
	return both
}

// caught takes in what a chase found of an objective.
func (e *Engine) caught(l *lane, d alert.Definition, c chased, arrived map[string]arrival) {
	name := d.Objective.Name
	r := l.readers[name]
	now := e.opts.Now()
	l.noteAnswer(c.err)
	if c.err != nil {
		if r.failing.IsZero() {
			r.failing, r.pause = now, 0
		}
		r.most = stretched(r.most, c.ticks.Len(), false)
		if c.ticks.Len() > 1 && c.current { // fewer ticks may do
			r.retry = now
			return
		}
		r.pause = min(max(2*r.pause, l.Interval()), max(longestPause, l.Interval()))
		r.retry = now.Add(r.pause)
		if c.current && now.Sub(r.failing) >= patience*l.Interval() {
			// This tick can't be answered, and others can.
			arrived[name] = arrival{slo.Reading{Series: e.blindSeries(l, name, c.ticks)}, c.ticks}
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
	if e.due(e.delay(l, d)).Sub(c.ticks.Last) <= caughtUp*l.Interval() {
		r.apart = false
	}
}

// blindSeries are samples of an objective whose query can't be answered at some ticks.
func (e *Engine) blindSeries(l *lane, objective string, ticks slo.Ticks) (series []slo.Series) {
	for _, w := range l.WatchesOf(objective) {
		series = append(series, slo.Series{Labels: w.Labels, Samples: blindSamples(ticks, slo.Caveat{Kind: slo.QueryFailed, Count: 1})})
	}
	return series
}

// holdBack takes ticks back from what has arrived that are not final. Their objectives are read
// apart from then on.
func (e *Engine) holdBack(ctx context.Context, l *lane, arrived map[string]arrival) {
	var mu sync.Mutex
	var asking errgroup.Group
	asking.SetLimit(reaching)
	for _, d := range l.Definitions() {
		name := d.Objective.Name
		mu.Lock()
		a, is := arrived[name]
		mu.Unlock()
		if !is {
			continue
		}
		l.noteAnswer(nil)
		watches := l.WatchesOf(name)
		if !slices.ContainsFunc(watches, hasHadEvents) {
			continue
		}
		asking.Go(func() error {
			isFinal := e.isFinal(ctx, d, a)
			mu.Lock()
			defer mu.Unlock()
			r := l.readers[name]
			if isFinal {
				r.unproven = false
				return nil
			}
			final := a.until(lastWithEvents(a), a.ticks.Last.Add(-lateMost))
			r.prove(final)
			r.apart = true
			if arrived[name] = final; final.ticks.Len() == 0 {
				delete(arrived, name)
			}
			return nil
		})
	}
	_ = asking.Wait() // nobody returns an error
}

// prove takes note of the first ticks that arrived after an objective's past was read, where they
// came late: so did the newest of that past, which is to be read again.
func (r *reader) prove(a arrival) {
	if !r.unproven || a.ticks.Len() == 0 {
		return
	}
	end := a.ticks.First.Add(-a.ticks.Interval)
	r.unproven, r.Late = false, fold.Late{Span: slo.Span{Start: end.Add(-checkEvery * a.ticks.Interval), End: end}}
}

// hasHadEvents reports whether a watch has had events in the last hour of its data, so that none
// are news.
func hasHadEvents(w *fold.Watch) bool {
	return !w.History.Empty() && (w.Last.Blind || w.History.Last(time.Hour).Total > 0)
}

// isFinal reports whether the newest tick of what arrived is final: it has events, or its series
// have samples that are not before its end.
func (e *Engine) isFinal(ctx context.Context, d alert.Definition, a arrival) bool {
	last := a.ticks.Len() - 1
	blind := true
	for _, s := range a.reading.Series {
		if hasEvents(s.Samples[last]) {
			return true
		}
		blind = blind && s.Samples[last].Blind
	}
	if blind {
		return false
	}
	if e.opts.Reach == nil {
		return true
	}
	newest, err := e.opts.Reach(ctx, d.Objective)
	return err != nil || !newest.Before(a.ticks.Last)
}

func hasEvents(s slo.Sample) bool {
	return !s.Blind && (s.Total != 0 || s.Bad != 0 || len(s.Late) > 0)
}

// lastWithEvents returns the newest tick at which one of the series has events; zero if there is
// none. What is before it is final.
func lastWithEvents(a arrival) (last time.Time) {
	for _, s := range a.reading.Series {
		for i := len(s.Samples) - 1; i >= 0; i-- {
			if hasEvents(s.Samples[i]) {
				if a.ticks.At(i).After(last) {
					last = a.ticks.At(i)
				}
				break
			}
		}
	}
	return last
}

// until cuts what arrived to the ticks before one time, or up to another one if that is later.
func (a arrival) until(before, upTo time.Time) arrival {
	last := before.Add(-a.ticks.Interval)
	if upTo.After(last) {
		last = slo.Floor(upTo, a.ticks.Interval)
	}
	if !last.Before(a.ticks.Last) {
		return a
	}
	a.ticks.Last = last
	series := make([]slo.Series, len(a.reading.Series))
	for i, s := range a.reading.Series {
		series[i] = slo.Series{Labels: s.Labels, Samples: s.Samples[:a.ticks.Len()]}
	}
	a.reading.Series = series
	return a
}
