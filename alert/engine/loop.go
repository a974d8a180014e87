package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// chunk is how many ticks are read and committed at a time while catching up, at most. Where they can't be read it is half as many, and
	// half of that: there are objectives that Prometheus takes longer over than it is waited for.
	chunk = 1000
	// atOnce is how many samples a lane reads at a time while catching up, which bounds the memory that takes; but no fewer than
	// fewest ticks, since a query has a price of its own: at each of 50 ticks it is nearly twice that at each of 500.
	atOnce = 40_000
	fewest = 50
	// catchingUp is how many lanes have more than the fewest ticks in memory at the same time. More would not be faster: each asks several
	// queries at a time.
	catchingUp = 4
	// patience is how many intervals a tick waits for an objective whose query fails while others' queries in its lane do not. Then
	// it is blind there, so that one bad query does not hold up the rest for ever.
	patience = 20
)

// runLane samples, folds and commits a lane's ticks as they become due, in order, until ctx is done. What is late is caught up.
func (e *Engine) runLane(ctx context.Context, l *Lane) error {
	if len(l.defs) == 0 { // all that is left is to end the windows of what is gone
		batch, events := l.Step(nil)
		e.commitAndShow(ctx, l, []alert.Batch{batch}, events)
		return nil
	}
	if !e.fill(ctx, l) {
		return nil
	}
	delay := e.delay(l.defs)
	for {
		next := l.cursor.Add(l.interval)
		// The clock may be set meanwhile, so no wait is longer than an interval.
		if wait := next.Add(delay + l.late.Extra).Sub(e.opts.Now()); wait > 0 && !sleep(ctx, min(wait, l.interval)) {
			return nil
		}
		ticks := slo.Ticks{First: next, Last: e.due(e.opts.Now(), l.defs, l.late.Extra), Interval: l.interval}
		if ticks.Last.Before(ticks.First) {
			continue
		}
		if behind := ticks.Len() - 1; behind > 0 {
			e.metrics.lateTicks.Add(float64(min(behind, chunk)))
		}
		ticks = l.bounded(ticks, len(l.watches))
		n, ok := e.advance(ctx, l, ticks)
		l.stretch(ticks.Len(), n > 0)
		if !ok || n == 0 && !sleep(ctx, min(l.interval, 30*time.Second)) {
			return nil
		}
	}
}

// advance reads, folds and commits ticks. It returns how many that were, which is 0 where they are to be read again after a while. It
// reports false where ctx was done first, or where they can't be committed, of which the committer says why.
func (e *Engine) advance(ctx context.Context, l *Lane, ticks slo.Ticks) (n int, ok bool) {
	if ticks.Len() > fewest {
		select {
		case e.catchUps <- struct{}{}:
			defer func() { <-e.catchUps }()
		case <-ctx.Done():
			return 0, false
		}
	}
	readings, failing := e.read(ctx, l, l.defs, ticks)
	if ctx.Err() != nil {
		return 0, false
	}
	n = ticks.Len()
	if len(failing) > 0 {
		n = e.settle(l, failing, ticks)
	}
	if n == 0 {
		return 0, true
	}
	samples, refused := l.samplesOf(readings, ticks)
	for _, d := range l.defs {
		e.refuse(d.Objective.Name, refused[d.Objective.Name])
	}
	if ticks.Len() == 1 {
		e.recheck(ctx, l, ticks.First, samples)
		e.backfill(l, samples)
	}
	batches, events := stepAll(l, samples, n)
	for _, ev := range events {
		if ev.Closed {
			l.late.Closed = append(l.late.Closed, ev.Tick)
		}
	}
	return n, e.commitAndShow(ctx, l, batches, events)
}

// bounded cuts ticks to as many as are read at a time of some objectives and label sets.
func (l *Lane) bounded(ticks slo.Ticks, watches int) slo.Ticks {
	most := max(fewest, min(chunk, atOnce/max(1, watches)))
	if l.most > 0 {
		most = min(most, l.most)
	}
	if ticks.Len() > most {
		ticks.Last = ticks.At(most - 1)
	}
	return ticks
}

// stretch notes whether so many ticks could be read together, and has more or fewer be read next time.
func (l *Lane) stretch(ticks int, read bool) {
	switch {
	case !read:
		l.most = max(1, ticks/2)
	case l.most > 0:
		l.most = min(2*l.most, chunk)
	}
}

// stepAll folds the first n ticks of all watches, samples[i] being those of the i-th.
func stepAll(l *Lane, samples [][]slo.Sample, n int) (batches []alert.Batch, events []alert.Event) {
	byWatch := map[*fold.Watch][]slo.Sample{}
	for i, w := range l.watches {
		byWatch[w] = samples[i]
	}
	batches = make([]alert.Batch, n)
	for t := range batches {
		row := make([]slo.Sample, 0, len(samples))
		for _, w := range l.watches { // fewer than before where one has retired
			row = append(row, byWatch[w][t])
		}
		var more []alert.Event
		batches[t], more = l.step(row, t+1 < n)
		events = append(events, more...)
	}
	return batches, events
}

// commitAndShow commits batches, and only then shows what they did to the outside. It reports false where they can't be committed.
func (e *Engine) commitAndShow(ctx context.Context, l *Lane, batches []alert.Batch, events []alert.Event) bool {
	if err := e.commit(ctx, batches); err != nil {
		return false
	}
	e.show(l)
	e.metrics.ticks.Add(float64(len(batches)))
	for _, ev := range events {
		e.logEvent(ev)
	}
	changed := slices.ContainsFunc(batches, func(b alert.Batch) bool { return len(b.Incidents) > 0 })
	if changed && e.opts.Committed != nil {
		e.opts.Committed()
	}
	return true
}

// show makes a lane's committed state visible.
func (e *Engine) show(l *Lane) {
	statuses := l.statuses()
	e.mu.Lock()
	e.statuses[l.name] = statuses
	e.mu.Unlock()
}

func (e *Engine) logEvent(ev alert.Event) {
	w := ev.Window
	log := e.opts.Logger.With("slo", w.ID().String(), "kind", string(w.Kind), "onset", w.Onset)
	if ev.Opened {
		e.metrics.windows.WithLabelValues(string(w.Kind)).Inc()
		log.Warn("breach window opened", "detected", w.Detected, "peak_burn_rate", w.PeakBurnRate)
	}
	if ev.Closed {
		log.Info("breach window closed", "ended", w.Ended, "bad_events", w.Bad, "total_events", w.Total)
	}
}

// read samples definitions, and notes and logs what fails. A reading that has no error has a sample for each tick in all of its series.
func (e *Engine) read(ctx context.Context, l *Lane, defs []alert.Definition, ticks slo.Ticks) ([]slo.Reading, map[string]error) {
	objectives := make([]slo.Objective, len(defs))
	for i, d := range defs {
		objectives[i] = d.Objective
	}
	readings := e.opts.Source(ctx, objectives, ticks)
	failing := map[string]error{}
	if ctx.Err() != nil {
		return nil, failing
	}
	for i := range readings {
		r, name := &readings[i], objectives[i].Name
		for _, s := range r.Series {
			if len(s.Samples) != ticks.Len() && r.Err == nil {
				r.Err = fmt.Errorf("%w: %d samples for %d ticks", slo.ErrBadAnswer, len(s.Samples), ticks.Len())
			}
		}
		if r.Err != nil {
			failing[name] = r.Err
			if l.failing[name].IsZero() {
				l.failing[name] = time.Now()
			}
			e.metrics.readFailures.Inc()
		} else {
			delete(l.givenUp, name)
			delete(l.failing, name)
		}
		e.health.reading(name, r.Err)
		e.mu.Lock()
		if r.Err != nil {
			e.failing[name] = r.Err
		} else {
			delete(e.failing, name)
		}
		e.mu.Unlock()
	}
	return readings, failing
}

// settle decides what becomes of ticks that some objectives could not be sampled for: those that have waited long enough are blind for
// these. It returns how many ticks are to be folded; 0 where all are to be read again.
func (e *Engine) settle(l *Lane, failing map[string]error, ticks slo.Ticks) int {
	n := ticks.Len()
	if len(failing) == len(l.defs) {
		return 0 // it is Prometheus, not a query: the ticks will be there when it is back
	}
	for name, err := range failing {
		if l.givenUp[name] {
			continue
		}
		since := ticks.First.Add(e.opts.Delay)
		if began := l.failing[name]; began.After(since) && !errors.Is(err, slo.ErrRefused) {
			since = began // while catching up, too, it may be a moment's trouble
		}
		waited := time.Since(since) - patience*ticks.Interval
		if waited < 0 {
			return 0
		}
		n = min(n, 1+int(waited/ticks.Interval))
	}
	for name := range failing {
		l.givenUp[name] = true
	}
	return n
}

// refuse notes that there is no room for an objective's label sets.
func (e *Engine) refuse(name string, labelSets int) {
	if labelSets == 0 {
		e.health.ok("watching all label sets of " + name)
		return
	}
	e.metrics.refused.Add(float64(labelSets))
	e.health.failing("watching all label sets of "+name, fmt.Errorf("%d label sets more than the %d that are watched", labelSets, maxLabelSets))
}
