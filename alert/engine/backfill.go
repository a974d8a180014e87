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

// What an objective's whole window holds of the time before its rules' windows is read coarsely,
// newest first, a piece at a time.
const (
	backfillStep  = 5 * time.Minute
	backfillPiece = 24 * time.Hour
	backfillBatch = 20 // objectives that are read together
	backfillTries = 10 // after which an objective's past is given up until a restart, so that others' comes to its turn
)

// piece is a stretch of the past that some of a lane's objectives are to be read of.
type piece struct {
	defs  []alert.Definition
	ticks slo.Ticks
	found chan []slo.Reading // takes the answer, so that nobody waits for it to be taken
}

// past is how far the objectives of a lane have been read back.
type past struct {
	filled  map[string]time.Time     // by objective that is new: all after this was read to fill its rules' windows
	until   map[string]time.Time     // by objective: all after this is read
	failed  map[string]int           // by objective: how often in a row
	left    map[string]time.Duration // by objective: how much is still to be read
	pending *piece                   // being read; nil: none
}

// backfillStep is the length of a tick of a definition's past: a whole number of the steps that it
// was filled in, so that these begin with one.
func (l *Lane) backfillStep(d alert.Definition) time.Duration {
	_, step := l.granularity(d)
	return (backfillStep + step - 1) / step * step
}

// unread is the stretch of a definition's window that is still to be read. It is empty where there
// is no data to go back from.
func (l *Lane) unread(d alert.Definition) slo.Span {
	step := l.backfillStep(d)
	start := l.cursor.Add(-d.Objective.Window.Longest()).Truncate(step).UTC()
	end, begun := l.past.until[d.Objective.Name]
	for _, w := range l.watchesOf(d) {
		if origin := w.History.Origin(); !begun && !w.History.Empty() && (end.IsZero() || origin.Before(end)) {
			end = origin
		}
	}
	if filled, is := l.past.filled[d.Objective.Name]; is && !begun && filled.Before(end) {
		end = filled // what is between has no data
	}
	end = end.Truncate(step).UTC()
	if !end.After(start) {
		return slo.Span{}
	}
	return slo.Span{Start: start, End: end}
}

// nextPiece is what is to be read next: the newest piece of the first objective's past that is not
// read, and of others that are as far.
func (l *Lane) nextPiece() *piece {
	var p *piece
	var span slo.Span
	var step time.Duration
	watches := 0
	for _, d := range l.defs {
		todo := l.unread(d)
		switch n := len(l.watchesOf(d)); {
		case todo == (slo.Span{}):
		case p == nil:
			p, span, step, watches = &piece{defs: []alert.Definition{d}, found: make(chan []slo.Reading, 1)}, todo, l.backfillStep(d), n
		case todo == span && l.backfillStep(d) == step && len(p.defs) < backfillBatch:
			p.defs, watches = append(p.defs, d), watches+n
		}
	}
	if p == nil {
		return nil
	}
	length := min(backfillPiece.Truncate(step), time.Duration(max(1, atOnce/max(1, watches)))*step, span.End.Sub(span.Start))
	p.ticks = slo.Ticks{First: span.End.Add(step - length), Last: span.End, Interval: step, Each: l.interval}
	return p
}

// addPast puts what was found of a piece into the samples of the lane's next tick, as late events
// that reach back. It returns the definitions whose past is complete, and those whose past is given
// up.
func (l *Lane) addPast(p *piece, readings []slo.Reading, samples [][]slo.Sample) (done, lost []alert.Definition) {
	for i, d := range p.defs {
		name := d.Objective.Name
		if err := readings[i].Err; err != nil {
			if l.past.failed[name]++; errors.Is(err, slo.ErrRefused) || l.past.failed[name] == backfillTries {
				l.past.until[name] = time.Unix(0, 0)
				lost = append(lost, d)
			}
			continue
		}
		delete(l.past.failed, name)
		for n, w := range l.watches {
			if w.Def.Objective.Name != name || w.History.Empty() {
				continue
			}
			for _, s := range readings[i].Series {
				if s.Labels == w.Labels {
					into := &samples[n][0]
					into.Late = append(slices.Clone(into.Late), latesOf(s.Samples, p.ticks, w.History)...)
					into.Normalize()
				}
			}
		}
		l.past.until[name] = p.ticks.First.Add(-p.ticks.Interval)
		if l.unread(d) == (slo.Span{}) {
			done = append(done, d)
		}
	}
	return done, lost
}

// latesOf are samples of the past as late events, newest first: each of a stretch that has data, as
// long as a bucket of the history that it goes to. What is less than a tick of the past away from
// what the history has is taken as adjacent to it.
func latesOf(samples []slo.Sample, ticks slo.Ticks, h *slo.History) (lates []slo.Late) {
	next := h.Origin()
	for i := len(samples) - 1; i >= 0; i-- {
		s, end := samples[i], ticks.At(i)
		if s.Blind || end.After(next) {
			continue
		}
		counts := fold.Everything(s)
		n := len(lates)
		if n > 0 && lates[n-1].From.Equal(end) && lates[n-1].To.Sub(end) < h.Resolution() {
			lates[n-1].From, lates[n-1].Counts = end.Add(-ticks.Interval), lates[n-1].Add(counts)
			continue
		}
		if n == 0 && next.Sub(end) < ticks.Interval {
			end = next
		}
		lates = append(lates, slo.Late{From: ticks.At(i).Add(-ticks.Interval), To: end, Counts: counts, Backfill: true})
	}
	return lates
}

// runBackfill reads pieces of the past, one at a time, until ctx is done. It has no part in
// sampling, which never waits for it.
func (e *Engine) runBackfill(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-e.pieces:
			p.found <- e.opts.Source(ctx, objectivesOf(p.defs), p.ticks)
		}
	}
}

// backfill takes what has been read of a lane's past into the samples of its newest tick, and has
// more read. It never waits.
func (e *Engine) backfill(l *Lane, samples [][]slo.Sample) {
	if p := l.past.pending; p != nil {
		select {
		case readings := <-p.found:
			l.past.pending = nil
			done, lost := l.addPast(p, readings, samples)
			for _, d := range done {
				e.opts.Logger.Info("backfilled", "slo", d.Objective.Name, "window", d.Objective.Window.Length())
			}
			for _, d := range lost {
				e.opts.Logger.Warn("the past can't be read; the budget goes on with an estimate", "slo", d.Objective.Name)
			}
		default:
			return
		}
	}
	p := l.nextPiece()
	var left time.Duration
	l.past.left = make(map[string]time.Duration, len(l.defs))
	for _, d := range l.defs {
		todo := l.unread(d)
		l.past.left[d.Objective.Name] = todo.End.Sub(todo.Start)
		left += l.past.left[d.Objective.Name]
	}
	e.mu.Lock()
	e.pastLeft[l.name] = left
	e.mu.Unlock()
	if p == nil {
		return
	}
	for _, d := range p.defs {
		if _, begun := l.past.until[d.Objective.Name]; !begun {
			e.opts.Logger.Info("backfilling", "slo", d.Objective.Name, "from", l.unread(d).Start, "to", l.unread(d).End)
			l.past.until[d.Objective.Name] = p.ticks.Last
		}
	}
	select {
	case e.pieces <- p:
		l.past.pending = p
	default: // asked for again at the next tick
	}
}

// leftToRead is how much of the past is still to be read, summed over objectives.
func (e *Engine) leftToRead() (left time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.pastLeft {
		left += d
	}
	return left
}

func objectivesOf(defs []alert.Definition) []slo.Objective {
	objectives := make([]slo.Objective, len(defs))
	for i, d := range defs {
		objectives[i] = d.Objective
	}
	return objectives
}
