package engine

import (
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// catchingUp is how many lanes at a time may have more than `fewest` ticks in memory. More would be
// no faster: each asks several queries at a time.
const catchingUp = 4

// runLane samples, folds and commits a lane's ticks in order as they become due, until ctx is done.
// Late ticks are caught up. It waits for no objective: one that can't be read while others can is
// read apart (see chaser). A new one is folded at once, while its past is being read (see
// pastsReader).
func (e *Engine) runLane(ctx context.Context, l *lane) {
	if len(l.Definitions()) == 0 {
		if l.HasSettled() { // only the windows of removed objectives are left to end
			batches, events := l.step([]fold.Row{{Samples: make([][]slo.Sample, len(l.Watches()))}})
			e.commitAndShow(l, batches, events)
		}
		return
	}
	for {
		l.answerInspections()
		e.exclude(l)
		next, delay := l.Cursor().Add(l.Interval()), e.clock.shortestDelay(l)
		if !e.await(ctx, l, next.Add(delay)) {
			return
		}
		ticks := slo.Ticks{First: next, Last: e.clock.due(delay), Interval: l.Interval()}
		if ticks.Len() == 0 {
			continue
		}
		if behind := ticks.Len() - 1; behind > 0 {
			e.metrics.lateTicks.Add(float64(min(behind, chunk)))
		}
		ticks = bounded(ticks, len(l.Watches()), l.most)
		advanced, ok := e.advance(ctx, l, ticks)
		l.most = stretched(l.most, ticks.Len(), advanced)
		if ok && !advanced {
			_, ok = l.alarm.sleep(ctx, min(l.Interval(), 30*time.Second))
		}
		if !ok {
			return
		}
	}
}

// await waits until the lane's next tick is due, while its pasts are read. It reports false if ctx
// ended first.
func (e *Engine) await(ctx context.Context, l *lane, due time.Time) bool {
	for wait := due.Sub(e.clock.now()); wait > 0; wait = due.Sub(e.clock.now()) {
		// The clock may be set meanwhile, so no wait is longer than an interval.
		rang, ok := l.alarm.sleep(ctx, min(wait, l.Interval()))
		if !ok {
			return false
		}
		l.answerInspections()
		e.exclude(l)
		if !rang {
			e.pasts.read(ctx, l)
		} else if e.pasts.resume(ctx, l) && !l.isReadingPast() {
			e.board.notePast(l)
		}
	}
	return true
}

// advance reads, folds and commits the lane's next ticks. advanced is false if no objective could
// be read: try the ticks again later. ok is false if ctx ended or the commit failed for good; the
// committer reports why.
func (e *Engine) advance(ctx context.Context, l *lane, ticks slo.Ticks) (advanced, ok bool) {
	if ticks.Len() > fewest {
		catchUps := e.catchUps.of(l.source())
		select {
		case catchUps <- struct{}{}:
			defer func() { <-catchUps }()
		case <-ctx.Done():
			return false, false
		}
	}
	arrived := e.together.read(ctx, l, ticks)
	if ctx.Err() != nil {
		return false, false
	}
	e.chaser.takeTurn(ctx, l, arrived)
	e.pasts.read(ctx, l)
	silent := e.silentSources(l)
	if len(silent) == len(l.sources()) && !l.HasSettled() {
		return false, true // Prometheus does not answer: the ticks can be read once it does
	}
	rows, refused := l.rows(ticks.Len(), arrived)
	e.explain(l, rows, silent)
	for name := range arrived {
		e.sampler.refuse(name, refused[name])
	}
	if ticks.Len() == 1 {
		e.verifier.verify(ctx, l, ticks.Last)
	}
	batches, events := l.step(rows)
	return true, e.commitAndShow(l, batches, events)
}

// explain marks watches without samples that are not blind for it: those with planned work, up to
// its end, those whose source answers nobody while another one does, and those whose objective is
// still catching up, unless that takes so long that it counts as blind.
func (e *Engine) explain(l *lane, rows []fold.Row, silent map[string]bool) {
	var defs []alert.Definition // by watch
	for _, w := range l.Watches() {
		defs = append(defs, w.Def)
	}
	for _, m := range rows[0].Joined {
		defs = append(defs, l.Definitions()[m.Definition])
	}
	for w, d := range defs {
		if len(rows[0].Samples[w]) == 0 && w < len(l.Watches()) {
			if to := l.readers.of(d.Objective.Name).plannedTo; to.After(l.Watches()[w].PlannedTo()) {
				rows[0].PlannedTo = append(rows[0].PlannedTo, fold.PlannedTo{Watch: w, Tick: to})
			}
		}
		if silent[d.Objective.Source] {
			l.readers.of(d.Objective.Name).restart(e.clock.now())
		} else if e.isTold(l, d) {
			continue
		}
		for i := range rows {
			if len(rows[i].Samples[w]) == 0 {
				rows[i].Untold = append(rows[i].Untold, w)
			}
		}
	}
}

// isTold reports whether an objective has caught up since reading began, or should have.
func (e *Engine) isTold(l *lane, d alert.Definition) bool {
	r, now := l.readers.of(d.Objective.Name), e.clock.now()
	if r.begun.IsZero() {
		r.begun = now
	}
	behind := e.clock.due(e.clock.delay(l, d)).Sub(l.CursorOf(d.Objective.Name))
	r.current = r.current || behind <= caughtUp*l.Interval()
	return r.current || now.Sub(r.begun) >= d.Policy.Blind.After
}

// commitAndShow commits batches, and only then shows the outside what they did. It reports false if
// the commit failed for good.
func (e *Engine) commitAndShow(l *lane, batches []alert.Batch, events []alert.Event) bool {
	err := e.committer.commit(batches)
	l.journal.done()
	if err != nil {
		return false
	}
	e.board.show(l)
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
