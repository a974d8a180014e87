package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// readingPasts is how many pasts are read at a time. The ticks of all lanes go first.
	readingPasts = 2
	// pastsAhead is how many readings of a lane are under way or wait for their turn. Each keeps
	// copies of the watches that it is to replace.
	pastsAhead = 2
	// pastTries is how often a past is tried to be read before it is given up until a restart.
	pastTries = 10
	// redoneFor is how many of the longest rule's windows are read again if data came late.
	redoneFor = 2
)

// pastRead is a stretch of the past that some objectives are being read of, up to the tick that
// they had folded when that began. Samples go on meanwhile.
type pastRead struct {
	defs []alert.Definition
	span slo.Span
	done chan []folded
}

// known returns the time from which on an objective's past is known.
func (l *lane) known(d alert.Definition, r *reader) time.Time {
	if !r.Since.IsZero() {
		return r.Since
	}
	known := l.CursorOf(d.Objective.Name)
	for _, w := range l.WatchesOf(d.Objective.Name) {
		if !w.History.Empty() && w.History.Origin().Before(known) {
			known = w.History.Origin()
		}
	}
	return known
}

// unread returns how much of an objective's window is still to be read.
func (l *lane) unread(d alert.Definition, r *reader) time.Duration {
	if r.PastRead || r.tries >= pastTries {
		return 0
	}
	start := l.CursorOf(d.Objective.Name).Add(-l.wholePast(d))
	return max(0, l.known(d, r).Sub(start))
}

// wantedPast returns the stretch of an objective's past that is to be read next: as much as the
// rule with the shortest windows needs, then as much as the next one, and in the end all of the
// objective's window. So rules are armed one by one.
func (l *lane) wantedPast(d alert.Definition, r *reader) (span slo.Span, wanted bool) {
	cursor := l.CursorOf(d.Objective.Name)
	known := l.known(d, r)
	if r.Late != (fold.Late{}) {
		start := cursor.Add(-redoneFor * d.Warmup())
		for _, w := range l.WatchesOf(d.Objective.Name) {
			start = w.BeforeBurn(start)
		}
		return slo.Span{Start: alignedPast(d, l.Interval(), start), End: cursor}, true
	}
	if r.PastRead {
		return span, false
	}
	var lengths []time.Duration
	for _, rule := range d.Policy.Rules {
		lengths = append(lengths, rule.Long)
	}
	lengths = append(lengths, l.wholePast(d))
	slices.Sort(lengths)
	for i, length := range lengths {
		if !known.After(cursor.Add(-length)) {
			continue
		}
		for _, longer := range lengths[i+1:] {
			if longer <= length+length/4 { // hardly worth a reading of its own
				length = longer
			}
		}
		return slo.Span{Start: alignedPast(d, l.Interval(), cursor.Add(-length)), End: cursor}, true
	}
	return span, false
}

// wholePast returns how much of its past an objective needs: its window, as it is seen from the
// first tick that may be reported of it. That is not long ago, unless it could not be read since.
func (l *lane) wholePast(d alert.Definition) time.Duration {
	window := d.Objective.Window.Longest()
	if watches := l.WatchesOf(d.Objective.Name); len(watches) > 0 {
		return window + min(max(0, watches[0].Now().Sub(watches[0].Armed)), window)
	}
	return window
}

// readPasts takes what was read of the past into the lane, and has more read.
func (e *Engine) readPasts(ctx context.Context, l *lane) {
	groups := map[slo.Span][]alert.Definition{}
	for _, d := range l.Definitions() {
		name := d.Objective.Name
		r := l.readers[name]
		if r.past != nil {
			select {
			case found := <-r.past.done:
				e.adopt(l, r.past, found)
			default:
				continue
			}
		}
		if r.tries >= pastTries || !r.failing.IsZero() || e.opts.Now().Before(r.pastRetry) {
			continue
		}
		if r.Late != (fold.Late{}) && e.due(e.delay(l, d)).Before(l.CursorOf(name)) {
			continue // the newest ticks may lack data still
		}
		if slices.ContainsFunc(l.WatchesOf(name), (*fold.Watch).IsOpenUnderAnother) {
			continue // the past would be folded under the definition of now
		}
		span, wanted := l.wantedPast(d, r)
		switch {
		case wanted:
			groups[span] = append(groups[span], d)
		case !r.PastRead:
			r.PastRead = true
			e.opts.Logger.Info("all of the past is read", "slo", name, "from", l.known(d, r))
		}
	}
	for span, defs := range groups {
		for some := range slices.Chunk(defs, pastTogether) {
			if l.pasts < pastsAhead {
				e.startPast(ctx, l, some, span)
			}
		}
	}
}

func (e *Engine) startPast(ctx context.Context, l *lane, defs []alert.Definition, span slo.Span) {
	p := &pastRead{defs: defs, span: span, done: make(chan []folded, 1)}
	l.pasts++
	for _, d := range defs {
		r := l.readers[d.Objective.Name]
		r.past, r.meanwhile = p, map[slo.Labels][]slo.Sample{}
	}
	interval := l.Interval()
	pasts := l.pastsOf(defs, span)
	e.spawn(func() {
		select {
		case e.pasts <- struct{}{}:
			defer func() { <-e.pasts }()
		case <-ctx.Done():
			return
		}
		reader := pastFolder{source: e.opts.Source, interval: interval}
		found, _ := reader.fold(ctx, pasts, false)
		p.done <- found
		select {
		case l.wake <- struct{}{}:
		default:
		}
	})
}

// pastsOf is what is to be folded of definitions. Their rules are armed as their windows fill.
func (l *lane) pastsOf(defs []alert.Definition, span slo.Span) []pastOf {
	all := make([]pastOf, len(defs))
	for i, d := range defs {
		older, armed := map[slo.Labels]*fold.Watch{}, l.reader(d.Objective.Name).Armed
		var first *fold.Watch
		for _, w := range l.WatchesOf(d.Objective.Name) {
			clone := w.Clone() // the lane goes on with w meanwhile
			if first == nil {
				first = clone
			}
			older[w.Labels] = clone
		}
		all[i] = pastOf{def: d, span: span, prepare: func(w *fold.Watch) {
			w.Since, w.Armed = span.Start, armed
			if first != nil {
				w.Redo(first)
			}
			if old := older[w.Labels]; old != nil {
				w.Follow(old)
			}
		}}
	}
	return all
}

// remember keeps the samples of objectives whose past is being read, to be folded after it.
func (l *lane) remember(row fold.Row) {
	keep := func(i int, objective string, labels slo.Labels) {
		if r := l.readers[objective]; r != nil && r.past != nil {
			r.meanwhile[labels] = append(r.meanwhile[labels], row.Samples[i]...)
		}
	}
	for i, w := range l.Watches() {
		keep(i, w.Def.Objective.Name, w.Labels)
	}
	for i, m := range row.Joined {
		keep(len(l.Watches())+i, l.Definitions()[m.Definition].Objective.Name, m.Labels)
	}
}

// adopt puts what was folded of the past in the place of the lane's watches.
func (e *Engine) adopt(l *lane, p *pastRead, found []folded) {
	l.pasts--
	for i, d := range p.defs {
		name := d.Objective.Name
		r := l.readers[name]
		meanwhile := r.meanwhile
		r.past, r.meanwhile = nil, nil
		if err := found[i].err; err != nil {
			r.tries++
			r.pastRetry = e.opts.Now().Add(min(time.Duration(r.tries)*l.Interval(), longestPause))
			if errors.Is(err, slo.ErrRefused) {
				r.tries = pastTries
			}
			if r.tries >= pastTries {
				r.Late = fold.Late{}
				e.opts.Logger.Warn("the past can't be read; going on without", "slo", name, "from", p.span.Start, "err", err)
			}
			continue
		}
		late := r.Late
		if late != (fold.Late{}) && l.isLost(name, found[i], slo.Span{Start: p.span.Start, End: late.Start}) {
			r.Late = fold.Late{}
			e.opts.Logger.Warn("prometheus has lost some of the past; what came late is not judged anew", "slo", name, "from", p.span.Start)
			continue
		}
		var watches []fold.Folded
		for _, set := range found[i].sets {
			if set.watch == nil {
				continue
			}
			events := append(set.events, catchUp(set.watch, meanwhile[set.labels], l.CursorOf(name))...)
			watches = append(watches, fold.Folded{Watch: set.watch, Events: events})
		}
		if late != (fold.Late{}) {
			late.End = l.CursorOf(name)
			late.Events = l.lateEvents(name, watches, late.Span)
		}
		r.unproven = r.unproven || !slices.ContainsFunc(l.WatchesOf(name), hasHadEvents)
		l.Adopt(name, watches, late)
		e.refuse(name, found[i].refused)
		r.tries, r.Late = 0, fold.Late{}
		if r.Since.After(p.span.Start) || r.Since.IsZero() && l.unread(d, r) > 0 {
			r.Since = p.span.Start
		}
		l.journal.regrouped = true
	}
}

// lostPart is which part of the events of the past may be missing when it is read again.
const lostPart = 0.01

// isLost reports whether a stretch of an objective's past has fewer events now than it had.
func (l *lane) isLost(objective string, found folded, span slo.Span) bool {
	var had, has float64
	for _, w := range l.WatchesOf(objective) {
		had += w.History.Between(span.Start, span.End).Total
	}
	for _, set := range found.sets {
		if set.watch != nil {
			has += set.watch.History.Between(span.Start, span.End).Total
		}
	}
	return has < (1-lostPart)*had
}

// catchUp folds the samples that were taken while a watch's past was being read, up to the
// objective's cursor.
func catchUp(w *fold.Watch, samples []slo.Sample, cursor time.Time) (events []alert.Event) {
	for tick := w.Now().Add(w.History.Interval()); !tick.After(cursor); tick = tick.Add(w.History.Interval()) {
		s := slo.Sample{Tick: tick, Blind: true}
		if i := slices.IndexFunc(samples, func(s slo.Sample) bool { return s.Tick.Equal(tick) }); i >= 0 {
			s, samples = samples[i], samples[i+1:]
		}
		events = append(events, w.Step(w.Plan(s))...)
	}
	return events
}

// lateEvents returns how many events a stretch of the past has that it did not have before.
func (l *lane) lateEvents(objective string, folded []fold.Folded, span slo.Span) (late float64) {
	for _, f := range folded {
		for _, w := range l.WatchesOf(objective) {
			if w.Labels == f.Watch.Labels {
				late += missed(w.History.Between(span.Start, span.End), f.Watch.History.Between(span.Start, span.End), false)
			}
		}
	}
	return late
}

// alignedPast returns the start of the step of the past that a time falls in: one at which all
// levels of a history have a point, so that histories can be joined there.
func alignedPast(d alert.Definition, interval time.Duration, at time.Time) time.Time {
	step := slo.NewHistory(interval, at, d.Warmup(), d.Objective.Window.Longest()).Resolution()
	return slo.Floor(at, step)
}
