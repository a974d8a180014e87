package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// readingPasts is how many pasts are read at a time. All lanes' ticks go first.
	readingPasts = 6
	// pastsAhead is how many readings of a lane and a source are under way or waiting. Each keeps copies of
	// the watches it will replace.
	pastsAhead = 6
	// pastTries is how often reading a past is tried before giving up until a restart.
	pastTries = 10
	// redoneFor is how many of the longest rule's windows are read again for late data.
	redoneFor = 2
)

// pastRead is a stretch of an objective's past being read, up to the tick folded when reading
// began. Samples go on meanwhile.
type pastRead struct {
	span slo.Span
	done chan folded
}

// pastsReader reads the pasts of new objectives, and again for late data.
type pastsReader struct {
	*sampler
	slots  *slots // one for each past
	logger *slog.Logger
}

// known returns since when an objective's past is known.
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

// wantedPast returns the stretch of an objective's past to read next: as much as the rule with the
// shortest windows needs, then as the next one, and at last all of the objective's window. So rules
// are armed one by one.
func (l *lane) wantedPast(d alert.Definition, r *reader) (span slo.Span, wanted bool) {
	cursor := l.CursorOf(d.Objective.Name)
	known := l.known(d, r)
	if r.Late != (fold.Late{}) {
		start := cursor.Add(-redoneFor * d.Warmup())
		for _, w := range l.WatchesOf(d.Objective.Name) {
			start = w.BeforeBurn(start)
		}
		return slo.Span{Start: start, End: cursor}, true
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
		return slo.Span{Start: cursor.Add(-length), End: cursor}, true
	}
	return span, false
}

// wholePast returns how much past an objective needs: its window, seen from the first tick that may
// be reported. That is recent, unless the objective could not be read since.
func (l *lane) wholePast(d alert.Definition) time.Duration {
	window := d.Objective.Window.Longest()
	if watches := l.WatchesOf(d.Objective.Name); len(watches) > 0 {
		return window + min(max(0, watches[0].Now().Sub(watches[0].Armed)), window)
	}
	return window
}

// isOpenUnderAnother reports whether a window is open that another definition than the present one
// opened.
func isOpenUnderAnother(w *fold.Watch) bool {
	return slices.ContainsFunc(w.OpenWindows(), func(v alert.Window) bool { return v.Definition != w.Def.Digest() })
}

// start starts to read a stretch of an objective's past, and a little more if histories can't be
// joined at its start.
func (p pastsReader) start(ctx context.Context, l *lane, d alert.Definition, span slo.Span) {
	span.Start = alignedPast(d, l.Interval(), span.Start)
	past := &pastRead{span: span, done: make(chan folded, 1)}
	r := l.readers[d.Objective.Name]
	r.past, r.meanwhile = past, map[slo.Labels][]slo.Sample{}
	of := l.pastOf(d, span)
	reader := pastFolder{source: p.source, interval: l.Interval()}
	l.beside(ctx, p.slots.of(d.Objective.Source), func() {
		past.done <- reader.fold(ctx, of)
		l.alarm.ring()
	})
}

// pastOf returns what to fold of a definition. Its rules are armed as their windows fill.
func (l *lane) pastOf(d alert.Definition, span slo.Span) pastOf {
	older, armed := map[slo.Labels]*fold.Watch{}, l.readers.of(d.Objective.Name).Armed
	var first *fold.Watch
	corrected := false
	for _, w := range l.WatchesOf(d.Objective.Name) {
		corrected = corrected || w.HasCorrections()
		clone := w.Clone() // the lane goes on with w meanwhile
		if first == nil {
			first = clone
		}
		older[w.Labels] = clone
	}
	return pastOf{def: d, span: span, corrected: corrected, prepare: func(w *fold.Watch) {
		w.Since, w.Armed = span.Start, armed
		if first != nil {
			w.Redo(first)
		}
		if old := older[w.Labels]; old != nil {
			w.Follow(old)
		}
	}}
}

// remember keeps samples to fold after the past that is being read.
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

// adopt replaces the lane's watches by those folded over an objective's past.
func (p pastsReader) adopt(l *lane, found folded, span slo.Span) {
	d, name := found.def, found.def.Objective.Name
	r := l.readers[name]
	meanwhile := r.meanwhile
	r.past, r.meanwhile = nil, nil
	if found.err != nil {
		p.giveUpPast(l, r, found, span)
		return
	}
	late := r.Late
	if late != (fold.Late{}) && isLost(l.WatchesOf(name), found, slo.Span{Start: span.Start, End: late.Start}) {
		r.Late = fold.Late{}
		p.logger.Warn("prometheus has lost some of the past; what came late is not judged anew", "slo", name, "from", span.Start)
		return
	}
	var watches []fold.Folded
	for _, set := range found.sets {
		if set.watch != nil {
			events := append(set.events, catchUp(set.watch, meanwhile[set.labels], l.CursorOf(name))...)
			watches = append(watches, fold.Folded{Watch: set.watch, Events: events})
		}
	}
	if late != (fold.Late{}) {
		late.End = l.CursorOf(name)
		late.Events = lateEvents(l.WatchesOf(name), watches, late.Span)
	}
	r.unproven = r.unproven || !slices.ContainsFunc(l.WatchesOf(name), hasHadEvents)
	before := len(l.Watches())
	l.Adopt(name, watches, late)
	l.journal.adopted += len(watches)
	l.journal.eventful = l.journal.eventful || late != (fold.Late{}) // after a crash, nobody would know that data came late
	l.journal.regrouped = l.journal.regrouped || len(l.Watches()) > before
	p.refuse(name, found.refused)
	r.tries, r.Late = 0, fold.Late{}
	if r.Since.After(span.Start) || r.Since.IsZero() && l.unread(d, r) > 0 {
		r.Since = span.Start
	}
}

// giveUpPast notes that a past could not be read. It is tried again, up to pastTries times.
func (p pastsReader) giveUpPast(l *lane, r *reader, found folded, span slo.Span) {
	r.tries++
	r.pastRetry = p.now().Add(min(time.Duration(r.tries)*l.Interval(), longestPause))
	if errors.Is(found.err, slo.ErrRefused) {
		r.tries = pastTries
	}
	if r.tries >= pastTries {
		r.Late = fold.Late{}
		p.logger.Warn("the past can't be read; going on without",
			"slo", found.def.Objective.Name, "from", span.Start, "err", found.err)
	}
}

// lostPart is the share of past events that may be missing when it is read again.
const lostPart = 0.01

// isLost reports whether a stretch of an objective's past has fewer events now than it had.
func isLost(known []*fold.Watch, found folded, span slo.Span) bool {
	var had, has float64
	for _, w := range known {
		had += w.History.Between(span.Start, span.End).Total
	}
	for _, set := range found.sets {
		if set.watch != nil {
			has += set.watch.History.Between(span.Start, span.End).Total
		}
	}
	return has < (1-lostPart)*had
}

// catchUp folds the samples taken while a watch's past was being read, up to the objective's
// cursor.
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

// lateEvents returns how many events a stretch of the past has gained.
func lateEvents(known []*fold.Watch, folded []fold.Folded, span slo.Span) (late float64) {
	for _, f := range folded {
		for _, w := range known {
			if w.Labels == f.Watch.Labels {
				late += missed(w.History.Between(span.Start, span.End), f.Watch.History.Between(span.Start, span.End), false)
			}
		}
	}
	return late
}

// alignedPast returns the last time not after `at` at which all levels of a history have a point,
// so that histories can be joined there.
func alignedPast(d alert.Definition, interval time.Duration, at time.Time) time.Time {
	step := slo.NewHistory(interval, at, d.Warmup(), d.Objective.Window.Longest()).Resolution()
	return slo.Floor(at, step)
}
