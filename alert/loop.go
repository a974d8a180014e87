package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/slo"
)

const (
	// chunk is how many ticks are read and committed at a time while catching up.
	chunk = 500
	// patience is how many intervals a tick waits for an objective whose query fails while others' queries in its lane do not. Then
	// it is blind there, so that one bad query does not hold up the rest for ever.
	patience = 20
)

// runLane samples, folds and commits a lane's ticks as they become due, in order, until ctx is done. What is late is caught up.
func (e *Engine) runLane(ctx context.Context, l *Lane) error {
	if len(l.watches) == 0 { // all that is left is to end the windows of what is gone
		batch, events := l.Step(nil)
		e.commitAndShow(ctx, l, []Batch{batch}, events)
		return nil
	}
	if !e.fill(ctx, l) {
		return nil
	}
	var defs []Definition
	for _, w := range l.watches {
		defs = append(defs, w.def)
	}
	delay := e.delay(defs)
	for {
		next := l.cursor.Add(l.interval)
		if wait := time.Until(next.Add(delay)); wait > 0 && !sleep(ctx, wait) {
			return nil
		}
		ticks := slo.Ticks{First: next, Last: e.due(time.Now(), defs), Interval: l.interval}
		if ticks.Last.Before(ticks.First) {
			continue // the clock was set back
		}
		if behind := ticks.Len() - 1; behind > 0 {
			e.metrics.lateTicks.Add(float64(min(behind, chunk)))
		}
		if ticks.Len() > chunk {
			ticks.Last = ticks.At(chunk - 1)
		}
		samples, failing := e.read(ctx, l, l.watches, ticks)
		if ctx.Err() != nil {
			return nil
		}
		if len(failing) > 0 && e.settle(l, samples, failing, ticks) == 0 {
			if !sleep(ctx, min(l.interval, 30*time.Second)) {
				return nil
			}
			continue
		}
		batches, events := stepAll(l, samples)
		if !e.commitAndShow(ctx, l, batches, events) {
			return nil // the committer says why
		}
	}
}

// stepAll folds the ticks of all watches, samples[i] being those of the i-th.
func stepAll(l *Lane, samples [][]slo.Sample) (batches []Batch, events []Event) {
	batches = make([]Batch, len(samples[0]))
	row := make([]slo.Sample, len(samples))
	for t := range batches {
		for i := range samples {
			row[i] = samples[i][t]
		}
		var more []Event
		batches[t], more = l.Step(row)
		events = append(events, more...)
	}
	return batches, events
}

// commitAndShow commits batches, and only then shows what they did to the outside. It reports false where they can't be committed.
func (e *Engine) commitAndShow(ctx context.Context, l *Lane, batches []Batch, events []Event) bool {
	if err := e.commit(ctx, batches); err != nil {
		return false
	}
	statuses := make([]Status, 0, len(l.watches))
	for _, w := range l.watches {
		statuses = append(statuses, w.Status())
	}
	e.mu.Lock()
	e.statuses[l.name] = statuses
	e.mu.Unlock()
	e.metrics.ticks.Add(float64(len(batches)))
	for _, ev := range events {
		e.logEvent(ev)
	}
	changed := slices.ContainsFunc(batches, func(b Batch) bool { return len(b.Incidents) > 0 })
	if changed && e.opts.Committed != nil {
		e.opts.Committed()
	}
	return true
}

func (e *Engine) logEvent(ev Event) {
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

// fill gives new watches the samples up to the lane's cursor. One whose query is refused starts without a past, if others wait for it.
// It reports false where ctx was done first.
func (e *Engine) fill(ctx context.Context, l *Lane) bool {
	for _, w := range l.Unfilled() {
		for w.history.Now().Before(l.cursor) {
			ticks := slo.Ticks{First: w.history.Now().Add(l.interval), Last: l.cursor, Interval: l.interval}
			if ticks.Len() > chunk {
				ticks.Last = ticks.At(chunk - 1)
			}
			samples, failing := e.read(ctx, l, []*Watch{w}, ticks)
			if ctx.Err() != nil {
				return false
			}
			if errors.Is(failing[w.ID()], slo.ErrRefused) && len(l.watches) > 1 {
				l.givenUp[w.ID()] = true
				samples[0] = blindSamples(ticks)
			}
			if samples[0] == nil {
				if !sleep(ctx, min(l.interval, 30*time.Second)) {
					return false
				}
				continue
			}
			for _, s := range samples[0] {
				w.Step(s)
			}
		}
	}
	return true
}

// read samples the watches' objectives: samples[i][t] is that of the i-th watch at the t-th tick. Those of a watch that can't be sampled
// are nil, and its error is returned. It notes and logs what fails.
func (e *Engine) read(ctx context.Context, l *Lane, watches []*Watch, ticks slo.Ticks) (samples [][]slo.Sample, failing map[slo.ID]error) {
	objectives := make([]slo.Objective, len(watches))
	for i, w := range watches {
		objectives[i] = w.def.Objective
	}
	readings := e.opts.Source(ctx, objectives, ticks)
	samples, failing = make([][]slo.Sample, len(watches)), map[slo.ID]error{}
	if ctx.Err() != nil {
		return samples, failing
	}
	for i, r := range readings {
		id := watches[i].ID()
		err := r.Err
		if err == nil {
			samples[i], err = seriesOf(r, watches[i].labels, ticks)
		}
		if err != nil {
			failing[id] = err
			e.metrics.readFailures.Inc()
		} else {
			delete(l.givenUp, id)
		}
		e.health.reading(id, err)
	}
	e.mu.Lock()
	e.failing[l.name] = failing
	e.mu.Unlock()
	return samples, failing
}

// settle decides what becomes of ticks that some watches could not be sampled for: those that have waited long enough are blind for
// these. It returns how many ticks are to be folded; 0 where all are to be read again.
func (e *Engine) settle(l *Lane, samples [][]slo.Sample, failing map[slo.ID]error, ticks slo.Ticks) int {
	n := ticks.Len()
	if len(failing) == len(l.watches) {
		return 0 // it is Prometheus, not a query: the ticks will be there when it is back
	}
	for id := range failing {
		if l.givenUp[id] {
			continue
		}
		waited := time.Since(ticks.First) - e.opts.Delay - patience*ticks.Interval
		n = min(n, 1+int(waited/ticks.Interval))
		if waited < 0 {
			return 0
		}
	}
	for i, w := range l.watches {
		if samples[i] == nil {
			l.givenUp[w.ID()] = true
			samples[i] = blindSamples(ticks, slo.Caveat{Kind: slo.QueryFailed, Count: 1})
		}
		samples[i] = samples[i][:n]
	}
	return n
}

// seriesOf is the reading's series of a label set; blind where it has none.
func seriesOf(r slo.Reading, labels slo.Labels, ticks slo.Ticks) ([]slo.Sample, error) {
	for _, s := range r.Series {
		if s.Labels != labels {
			continue
		}
		if len(s.Samples) != ticks.Len() {
			return nil, fmt.Errorf("%w: %d samples for %d ticks", slo.ErrBadAnswer, len(s.Samples), ticks.Len())
		}
		return s.Samples, nil
	}
	return blindSamples(ticks), nil
}

func blindSamples(ticks slo.Ticks, caveats ...slo.Caveat) []slo.Sample {
	samples := make([]slo.Sample, ticks.Len())
	for i := range samples {
		samples[i] = slo.Sample{Tick: ticks.At(i), Blind: true, Caveats: caveats}
	}
	return samples
}
