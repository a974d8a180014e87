package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

const (
	// askingAlone is how many objectives of a lane are asked alone at a time.
	askingAlone = 4
	// reaching is for how many objectives of a lane Reach is asked at a time.
	reaching = 4
)

// togetherReader reads the objectives that keep up with their lane.
type togetherReader struct{ *sampler }

// read reads the next ticks of a lane's objectives that keep up. Those that fail while others don't
// are read apart from then on. So are all that fail if the lane has several sources: no objective
// waits for another source than its own.
func (t togetherReader) read(ctx context.Context, l *lane, ticks slo.Ticks) map[string]arrival {
	together, isMixed := map[batch][]alert.Definition{}, l.source() == mixed
	for _, d := range l.Definitions() {
		r := l.readers.of(d.Objective.Name)
		missing := t.missing(l, d, ticks.Last)
		if r.apart || missing.Len() == 0 {
			continue
		}
		if missing.Len()-ticks.Len() >= fewest || isMixed && t.isSilent(d.Objective.Source) {
			r.apart = true
			continue
		}
		of := batch{d.Objective.Source, missing}
		together[of] = append(together[of], d)
	}
	begun := t.now()
	arrived, failed := map[string]arrival{}, map[string]error{}
	answered := map[string]bool{} // sources of those that arrived
	var mu sync.Mutex
	var wg sync.WaitGroup
	for of, defs := range together {
		wg.Go(func() {
			readings := t.readPromptly(ctx, l, defs, of.ticks)
			mu.Lock()
			defer mu.Unlock()
			for i, d := range defs {
				if readings[i].Err != nil {
					failed[d.Objective.Name] = readings[i].Err
				} else {
					arrived[d.Objective.Name] = arrival{readings[i], of.ticks}
					answered[of.source] = true
				}
			}
		})
	}
	wg.Wait()
	isLate := t.now().Sub(begun) > t.longestAnswer()
	slow := map[string]bool{}
	for _, d := range l.Definitions() {
		name, source := d.Objective.Name, d.Objective.Source
		slow[source] = slow[source] || l.slow[source] && isLate
		err := failed[name]
		if err == nil {
			continue
		}
		r := l.readers[name]
		othersDo := answered[source] || t.answeredSince(source, begun)
		slow[source] = slow[source] || !othersDo
		l.noteAnswer(source, err)
		hangs := errors.Is(err, errNoAnswerYet) && othersDo
		r.apart = hangs || isMixed || len(arrived) > 0 || errors.Is(err, slo.ErrRefused)
		if hangs {
			r.fails(t.now()) // so that nothing is read together with it
		}
	}
	l.slow = slow
	t.holdBack(ctx, l, arrived)
	return arrived
}

// holdBack removes ticks from arrived that are not final, or not known to be within a lane's time
// limit. Their objectives are read apart from then on.
func (t togetherReader) holdBack(ctx context.Context, l *lane, arrived map[string]arrival) {
	ctx, cancel := context.WithTimeout(ctx, t.longestAnswer())
	defer cancel()
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
		l.noteAnswer(d.Objective.Source, nil)
		watches := l.WatchesOf(name)
		if !slices.ContainsFunc(watches, hasHadEvents) {
			continue
		}
		asking.Go(func() error {
			isFinal := t.isFinal(ctx, d, a)
			if newest := t.missing(l, d, t.due(0)).Last; !isFinal && a.ticks.Last.Before(newest) {
				a, isFinal = t.readFinal(ctx, d, a, newest)
			}
			mu.Lock()
			defer mu.Unlock()
			r := l.readers[name]
			if isFinal {
				arrived[name], r.unproven = a, false
				return nil
			}
			final := a.until(a.lastWithEvents(), a.ticks.Last.Add(-lateMost))
			r.prove(final)
			if r.apart = true; a.isPlanned() {
				r.plannedTo = a.ticks.Last
			}
			if arrived[name] = final; final.ticks.Len() == 0 {
				delete(arrived, name)
			}
			return nil
		})
	}
	_ = asking.Wait() // nobody returns an error
}

// readFinal reads an arrival again if the data reach up to the newest tick: then its ticks are final
// though the last of them may be empty. While a lane catches up, so an objective does not fall
// behind it for a gap in its past: incidents would be found in another order than they began.
func (t togetherReader) readFinal(ctx context.Context, d alert.Definition, a arrival, newest time.Time) (arrival, bool) {
	read := func(ticks slo.Ticks) arrival {
		return arrival{t.sampler.read(ctx, []alert.Definition{d}, ticks)[0], ticks}
	}
	probe := read(slo.Ticks{First: newest, Last: newest, Interval: a.ticks.Interval})
	if probe.reading.Err != nil || !t.isFinal(ctx, d, probe) {
		return a, false
	}
	if again := read(a.ticks); again.reading.Err == nil {
		return again, true
	}
	return a, false
}

// readPromptly reads objectives of a lane and one source. If some don't answer within a lane's time
// limit, it asks for each of these alone, so that a query that hangs holds up no other. Its error
// is errNoAnswerYet. It waits as long as the client does if nobody else has to: the lane has one
// objective, or one source, which is slow.
func (t togetherReader) readPromptly(ctx context.Context, l *lane, defs []alert.Definition, ticks slo.Ticks) []slo.Reading {
	source, isMixed := defs[0].Objective.Source, l.source() == mixed
	if !isMixed && (l.slow[source] || len(l.Definitions()) == 1) {
		return t.sampler.read(ctx, defs, ticks)
	}
	begun := t.now()
	readings := t.sampleWithin(ctx, t.longestAnswer(), defs, ticks)
	if !isMixed || t.isAnswered(source, begun, readings) {
		inTime, cancel := context.WithTimeout(ctx, t.longestAnswer())
		defer cancel()
		var alone errgroup.Group
		alone.SetLimit(askingAlone)
		for i := range defs {
			if errors.Is(readings[i].Err, errNoAnswerYet) {
				alone.Go(func() error {
					readings[i] = t.sampleWithin(inTime, t.longestAnswer()/3, defs[i:i+1], ticks)[0]
					return nil
				})
			}
		}
		_ = alone.Wait() // errors are in the readings
	}
	t.noteReadings(ctx, defs, readings)
	return readings
}

// isAnswered reports whether a source has answered any of these readings, or another lane since a
// time.
func (t togetherReader) isAnswered(source string, since time.Time, readings []slo.Reading) bool {
	return t.answeredSince(source, since) || slices.ContainsFunc(readings, func(r slo.Reading) bool { return isAnswer(r.Err) })
}

// errNoAnswerYet is the error if a reading took too long.
var errNoAnswerYet = fmt.Errorf("%w: no answer yet", slo.ErrUnreachable)

// sampleWithin is sample with a time limit. Readings without an answer by then have the error
// errNoAnswerYet.
func (t togetherReader) sampleWithin(ctx context.Context, limit time.Duration, defs []alert.Definition, ticks slo.Ticks) []slo.Reading {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	readings := t.sample(bounded, defs, ticks)
	if bounded.Err() == nil {
		return readings
	}
	for i := range readings {
		if !isAnswer(readings[i].Err) {
			readings[i].Err = errNoAnswerYet
		}
	}
	return readings
}
