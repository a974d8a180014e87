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
// are read apart from then on.
func (t togetherReader) read(ctx context.Context, l *lane, ticks slo.Ticks) map[string]arrival {
	together := map[slo.Ticks][]alert.Definition{}
	for _, d := range l.Definitions() {
		r := l.readers.of(d.Objective.Name)
		missing := t.missing(l, d, ticks.Last)
		if r.apart || missing.Len() == 0 {
			continue
		}
		if missing.Len() > max(ticks.Len(), fewest) {
			r.apart = true
			continue
		}
		together[missing] = append(together[missing], d)
	}
	begun := t.now()
	arrived, failed := map[string]arrival{}, map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for missing, defs := range together {
		wg.Go(func() {
			readings := t.readPromptly(ctx, defs, missing, l.slow || len(l.Definitions()) == 1)
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
	othersDo := len(arrived) > 0 || t.answeredSince(begun)
	l.slow = len(failed) > 0 && !othersDo || l.slow && t.now().Sub(begun) > t.longestAnswer()
	for name, err := range failed {
		r := l.readers[name]
		l.noteAnswer(err)
		hangs := errors.Is(err, errNoAnswerYet) && othersDo
		r.apart = hangs || len(arrived) > 0 || errors.Is(err, slo.ErrRefused)
		if hangs {
			r.fails(t.now()) // so that nothing is read together with it
		}
	}
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
		l.noteAnswer(nil)
		watches := l.WatchesOf(name)
		if !slices.ContainsFunc(watches, hasHadEvents) {
			continue
		}
		asking.Go(func() error {
			isFinal := t.isFinal(ctx, d, a)
			mu.Lock()
			defer mu.Unlock()
			r := l.readers[name]
			if isFinal {
				r.unproven = false
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

// readPromptly reads objectives of a lane. If some don't answer within a lane's time limit, it asks
// for each of these alone, so that a query that hangs holds up no other. Its error is
// errNoAnswerYet. With `unlimited` it waits as long as the client does.
func (t togetherReader) readPromptly(ctx context.Context, defs []alert.Definition, ticks slo.Ticks, unlimited bool) []slo.Reading {
	if unlimited {
		return t.sampler.read(ctx, defs, ticks)
	}
	readings := t.sampleWithin(ctx, t.longestAnswer(), defs, ticks)
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
	t.noteReadings(ctx, defs, readings)
	return readings
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
