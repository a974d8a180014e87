package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// A lane waits half an interval for an answer, but within these bounds. The client waits
	// longer.
	shortestWait = 5 * time.Second
	longestWait  = 15 * time.Second
)

// sampler samples Prometheus, and knows how it answers.
type sampler struct {
	clock
	source  Source
	reach   Reach
	metrics *metrics
	health  *health

	mu       sync.Mutex
	failing  map[string]error     // by objective
	answered map[string]time.Time // by source: when it answered last, by the wall clock
	silent   map[string]time.Time // by source: since when it answers nothing; none: it does
}

// forget forgets how the last reading of an objective went.
func (s *sampler) forget(objective string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.failing, objective)
}

// isFailing reports whether the last reading of an objective failed.
func (s *sampler) isFailing(objective string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing[objective] != nil
}

// answers returns when each source answered last, and why the last reading of an objective failed,
// by its name.
func (s *sampler) answers() (last map[string]time.Time, failing map[string]error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.answered), maps.Clone(s.failing)
}

// longestAnswer returns how long a lane waits for an answer.
func (s *sampler) longestAnswer() time.Duration {
	return min(max(s.interval/2, shortestWait), longestWait)
}

// read samples definitions, and notes and logs failures.
func (s *sampler) read(ctx context.Context, defs []alert.Definition, ticks slo.Ticks) []slo.Reading {
	readings := s.sample(ctx, defs, ticks)
	s.noteReadings(ctx, defs, readings)
	return readings
}

// noteReadings notes how reading objectives went. If ctx is done, all get its error.
func (s *sampler) noteReadings(ctx context.Context, defs []alert.Definition, readings []slo.Reading) {
	for i, d := range defs {
		if err := ctx.Err(); err != nil {
			readings[i].Err = err
		} else {
			s.noteReading(d.Objective, readings[i].Err)
		}
	}
}

// sample samples definitions. A reading without an error has a sample for each tick in all its
// series.
func (s *sampler) sample(ctx context.Context, defs []alert.Definition, ticks slo.Ticks) []slo.Reading {
	objectives := make([]slo.Objective, len(defs))
	for i, d := range defs {
		objectives[i] = d.Objective
	}
	readings := s.source(ctx, objectives, ticks)
	for i := range readings {
		r := &readings[i]
		for _, series := range r.Series {
			if len(series.Samples) != ticks.Len() && r.Err == nil {
				r.Err = fmt.Errorf("%w: %d samples for %d ticks", slo.ErrBadAnswer, len(series.Samples), ticks.Len())
			}
		}
	}
	return readings
}

// noteReading notes how reading an objective went.
func (s *sampler) noteReading(o slo.Objective, err error) {
	if err != nil {
		s.metrics.readFailures.Inc()
	}
	s.health.reading(o, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if isAnswer(err) {
		s.answered[o.Source] = s.now()
		delete(s.silent, o.Source)
	} else if s.silent[o.Source].IsZero() {
		s.silent[o.Source] = s.now()
	}
	if err != nil {
		s.failing[o.Name] = err
	} else {
		delete(s.failing, o.Name)
	}
}

// answeredSince reports whether a source has answered any lane after a time, by the wall clock.
func (s *sampler) answeredSince(source string, t time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered[source].After(t)
}

// isSilent reports whether a source has answered nothing for longer than a lane waits.
func (s *sampler) isSilent(source string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, silent := s.silent[source]
	return silent && s.now().Sub(since) > s.longestAnswer()
}

// isAnswer reports whether a reading's error is nil or is what Prometheus says of the query.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, slo.ErrRefused) || errors.Is(err, slo.ErrIncomplete)
}

// isFinal reports whether an arrival's newest tick is final: it has events, or its series have
// samples at its end or later.
func (s *sampler) isFinal(ctx context.Context, d alert.Definition, a arrival) bool {
	last := a.ticks.Len() - 1
	blind := true
	for _, series := range a.reading.Series {
		if hasEvents(series.Samples[last]) {
			return true
		}
		blind = blind && series.Samples[last].Blind
	}
	if blind {
		return false
	}
	if s.reach == nil {
		return true
	}
	newest, err := s.reach(ctx, d.Objective)
	return ctx.Err() == nil && (err != nil || !newest.Before(a.ticks.Last))
}

// refuse notes that an objective's label sets have no room.
func (s *sampler) refuse(name string, labelSets int) {
	if labelSets == 0 {
		s.health.ok("watching all label sets of " + name)
		return
	}
	s.metrics.refused.Add(float64(labelSets))
	s.health.failing("watching all label sets of "+name, fmt.Errorf("%d label sets more than the %d that are watched", labelSets, fold.MaxLabelSets))
}
