package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// chunk is how many ticks are read and committed at a time while catching up, at most. Where
	// they can't be read it is half as many, and half of that: there are objectives that Prometheus
	// takes longer over than it is waited for.
	chunk = 1000
	// atOnce is how many samples a lane reads at a time while catching up, which bounds the memory
	// that takes; but no fewer than fewest ticks, since a query has a price of its own: at each of
	// 50 ticks it is nearly twice that at each of 500.
	atOnce = 40_000
	fewest = 50
	// catchingUp is how many lanes have more than the fewest ticks in memory at the same time. More
	// would not be faster: each asks several queries at a time.
	catchingUp = 4
)

// runLane samples, folds and commits a lane's ticks as they become due, in order, until ctx is
// done. What is late is caught up. It waits for no objective: one whose samples can't be had while
// others' can is read apart (see chase), and one that is new is folded at once, while its past is
// being read (see pastRead).
func (e *Engine) runLane(ctx context.Context, l *lane) error {
	if len(l.Definitions()) == 0 { // all that is left is to end the windows of what is gone
		batches, events := l.step([]fold.Row{{Samples: make([][]slo.Sample, len(l.Watches()))}})
		e.commitAndShow(ctx, l, batches, events)
		return nil
	}
	for {
		next := l.Cursor().Add(l.Interval())
		// The clock may be set meanwhile, so no wait is longer than an interval.
		if wait := next.Add(e.shortestDelay(l)).Sub(e.opts.Now()); wait > 0 {
			if !l.sleep(ctx, min(wait, l.Interval())) {
				return nil
			}
			e.readPasts(ctx, l)
			e.notePast(l)
		}
		ticks := slo.Ticks{First: next, Last: e.due(e.shortestDelay(l)), Interval: l.Interval()}
		if ticks.Len() == 0 {
			continue
		}
		if behind := ticks.Len() - 1; behind > 0 {
			e.metrics.lateTicks.Add(float64(min(behind, chunk)))
		}
		ticks = bounded(ticks, len(l.Watches()), l.most)
		advanced, ok := e.advance(ctx, l, ticks)
		l.most = stretched(l.most, ticks.Len(), advanced)
		if !ok || !advanced && !l.sleep(ctx, min(l.Interval(), 30*time.Second)) {
			return nil
		}
	}
}

// sleep waits until something was read apart, at most for so long. It reports false if ctx was done
// first.
func (l *lane) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.wake:
	case <-timer.C:
	}
	return true
}

// advance reads, folds and commits the lane's next ticks. It reports false where no objective could
// be read, so that the ticks are to be read again after a while; ok is false if ctx was done first,
// or if they can't be committed, which the committer reports.
func (e *Engine) advance(ctx context.Context, l *lane, ticks slo.Ticks) (advanced, ok bool) {
	if ticks.Len() > fewest {
		select {
		case e.catchUps <- struct{}{}:
			defer func() { <-e.catchUps }()
		case <-ctx.Done():
			return false, false
		}
	}
	arrived := e.readTogether(ctx, l, ticks)
	if ctx.Err() != nil {
		return false, false
	}
	e.chaseOthers(ctx, l, arrived)
	e.readPasts(ctx, l)
	if !e.answers(l) && !l.HasSettled() {
		return false, true // Prometheus does not answer: the ticks will be there when it does
	}
	rows, refused := l.rows(ticks.Len(), arrived)
	e.hush(l, rows)
	for name := range arrived {
		e.refuse(name, refused[name])
	}
	if ticks.Len() == 1 {
		e.verify(ctx, l, ticks.Last)
	}
	batches, events := l.step(rows)
	return true, e.commitAndShow(ctx, l, batches, events)
}

// hush tells rows which watches have no samples only because the objective has not caught up yet
// with the time in which nothing was read of it, and not for so long that they are as blind as
// without data.
func (e *Engine) hush(l *lane, rows []fold.Row) {
	var defs []alert.Definition // of the watches
	for _, w := range l.Watches() {
		defs = append(defs, w.Def)
	}
	for _, m := range rows[0].Joined {
		defs = append(defs, l.Definitions()[m.Definition])
	}
	for w, d := range defs {
		if e.isTold(l, d) {
			continue
		}
		for i := range rows {
			if len(rows[i].Samples[w]) == 0 {
				rows[i].Untold = append(rows[i].Untold, w)
			}
		}
	}
}

// isTold reports whether an objective has caught up since it is read, or should have.
func (e *Engine) isTold(l *lane, d alert.Definition) bool {
	r, now := l.reader(d.Objective.Name), e.opts.Now()
	if r.begun.IsZero() {
		r.begun = now
	}
	behind := e.due(e.delay(l, d)).Sub(l.CursorOf(d.Objective.Name))
	r.current = r.current || behind <= caughtUp*l.Interval()
	return r.current || now.Sub(r.begun) >= d.Policy.Blind.After
}

// answers reports whether Prometheus has answered the lane, whatever it said, or has answered other
// lanes for a while in which it did not answer this one.
func (e *Engine) answers(l *lane) bool {
	switch {
	case l.answered:
		l.unanswered = time.Time{}
	case l.asked && l.unanswered.IsZero():
		l.unanswered = e.opts.Now()
	}
	l.asked, l.answered = false, false
	if l.unanswered.IsZero() {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answered.After(l.unanswered.Add(2 * l.Interval()))
}

// isAnswer reports whether a reading's error is nil, or is what Prometheus itself says of the
// query.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, slo.ErrRefused) || errors.Is(err, slo.ErrIncomplete)
}

// noteAnswer notes how the reading of an objective went.
func (l *lane) noteAnswer(err error) {
	l.asked, l.answered = true, l.answered || isAnswer(err)
}

// readTogether reads the objectives that keep up with their lane, over its next ticks. Those that
// fail while others do not are read apart from then on.
func (e *Engine) readTogether(ctx context.Context, l *lane, ticks slo.Ticks) map[string]arrival {
	together := map[slo.Ticks][]alert.Definition{}
	for _, d := range l.Definitions() {
		r := l.reader(d.Objective.Name)
		missing := e.missing(l, d, ticks.Last)
		if r.apart || missing.Len() == 0 {
			continue
		}
		if missing.Len() > max(ticks.Len(), fewest) {
			r.apart = true
			continue
		}
		together[missing] = append(together[missing], d)
	}
	arrived, failed := map[string]arrival{}, map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for missing, defs := range together {
		wg.Go(func() {
			readings := e.read(ctx, defs, missing)
			mu.Lock()
			defer mu.Unlock()
			for i, d := range defs {
				if readings[i].Err != nil {
					failed[d.Objective.Name] = readings[i].Err
				} else {
					arrived[d.Objective.Name] = arrival{readings[i], missing}
				}
			}
		})
	}
	wg.Wait()
	for name, err := range failed {
		l.noteAnswer(err)
		if len(arrived) > 0 || errors.Is(err, slo.ErrRefused) {
			l.readers[name].apart = true
		}
	}
	e.holdBack(ctx, l, arrived)
	return arrived
}

// missing returns the ticks up to one of the lane's that an objective has not folded, and that are
// due by its own delay.
func (e *Engine) missing(l *lane, d alert.Definition, last time.Time) slo.Ticks {
	if due := e.due(e.delay(l, d)); due.Before(last) {
		last = due
	}
	return slo.Ticks{First: l.CursorOf(d.Objective.Name).Add(l.Interval()), Last: last, Interval: l.Interval()}
}

// bounded cuts ticks to as many as are read at a time of so many watches, and to `most` if that is
// not 0.
func bounded(ticks slo.Ticks, watches, most int) slo.Ticks {
	room := max(fewest, min(chunk, atOnce/max(1, watches)))
	if most > 0 {
		room = min(room, most)
	}
	if ticks.Len() > room {
		ticks.Last = ticks.At(room - 1)
	}
	return ticks
}

// stretched returns how many ticks are to be read next time, after so many could be read or could
// not.
func stretched(most, ticks int, read bool) int {
	switch {
	case !read:
		return max(1, ticks/2)
	case most > 0:
		return min(most+most/4+1, chunk)
	}
	return 0
}

// due returns the newest tick that may be sampled so long after its end.
func (e *Engine) due(delay time.Duration) time.Time {
	return slo.Floor(e.opts.Now().Add(-delay), e.opts.Interval)
}

// delay returns how long after its end a tick of an objective is sampled.
func (e *Engine) delay(l *lane, d alert.Definition) time.Duration {
	delay := e.opts.Delay
	if d.Objective.Delay > 0 {
		delay = d.Objective.Delay
	}
	return delay + l.reader(d.Objective.Name).Extra
}

// shortestDelay returns the delay at which the first of a lane's objectives is sampled.
func (e *Engine) shortestDelay(l *lane) time.Duration {
	shortest := time.Duration(-1)
	for _, d := range l.Definitions() {
		if delay := e.delay(l, d); shortest < 0 || delay < shortest {
			shortest = delay
		}
	}
	return max(0, shortest)
}

// commitAndShow commits batches, and only then shows what they did to the outside. It reports false
// where they can't be committed.
func (e *Engine) commitAndShow(ctx context.Context, l *lane, batches []alert.Batch, events []alert.Event) bool {
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
func (e *Engine) show(l *lane) {
	statuses := l.statuses()
	e.mu.Lock()
	e.statuses[l.name] = statuses
	e.mu.Unlock()
	e.notePast(l)
}

// notePast notes how much of a lane's past is still to be read.
func (e *Engine) notePast(l *lane) {
	var left time.Duration
	for _, d := range l.Definitions() {
		left += l.unread(d, l.reader(d.Objective.Name))
	}
	e.mu.Lock()
	e.pastLeft[l.name] = left
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

// read samples definitions, and notes and logs what fails. A reading that has no error has a sample
// for each tick in all of its series.
func (e *Engine) read(ctx context.Context, defs []alert.Definition, ticks slo.Ticks) []slo.Reading {
	objectives := make([]slo.Objective, len(defs))
	for i, d := range defs {
		objectives[i] = d.Objective
	}
	readings := e.opts.Source(ctx, objectives, ticks)
	if ctx.Err() != nil {
		for i := range readings {
			readings[i].Err = ctx.Err()
		}
		return readings
	}
	for i := range readings {
		r := &readings[i]
		for _, s := range r.Series {
			if len(s.Samples) != ticks.Len() && r.Err == nil {
				r.Err = fmt.Errorf("%w: %d samples for %d ticks", slo.ErrBadAnswer, len(s.Samples), ticks.Len())
			}
		}
		e.noteReading(objectives[i].Name, r.Err)
	}
	return readings
}

// noteReading notes how the reading of an objective went.
func (e *Engine) noteReading(name string, err error) {
	if err != nil {
		e.metrics.readFailures.Inc()
	}
	e.health.reading(name, err)
	e.mu.Lock()
	defer e.mu.Unlock()
	if isAnswer(err) {
		e.answered = e.opts.Now()
	}
	if err != nil {
		e.failing[name] = err
	} else {
		delete(e.failing, name)
	}
}

// refuse notes that there is no room for an objective's label sets.
func (e *Engine) refuse(name string, labelSets int) {
	if labelSets == 0 {
		e.health.ok("watching all label sets of " + name)
		return
	}
	e.metrics.refused.Add(float64(labelSets))
	e.health.failing("watching all label sets of "+name, fmt.Errorf("%d label sets more than the %d that are watched", labelSets, fold.MaxLabelSets))
}
