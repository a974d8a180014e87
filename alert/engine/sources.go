package engine

import (
	"slices"
	"sync"
	"time"
)

// slots bounds how many readings run at a time. Each source has slots of its own, so that one that
// hangs holds up no other.
type slots struct {
	total int

	mu   sync.Mutex
	each int
	by   map[string]chan struct{} // by source
}

func newSlots(total int) *slots {
	s := &slots{total: total}
	s.divide(1)
	return s
}

// divide divides the slots evenly between so many sources; each has one at least. None may be
// taken meanwhile.
func (s *slots) divide(sources int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each, s.by = max(1, s.total/max(1, sources)), map[string]chan struct{}{}
}

// of returns the slots of a source.
func (s *slots) of(source string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[source] == nil {
		s.by[source] = make(chan struct{}, s.each)
	}
	return s.by[source]
}

// mixed is in place of a source for lanes whose objectives have several.
const mixed = "*"

// sources returns the sources of the lane's objectives, sorted.
func (l *lane) sources() []string {
	var all []string
	for _, d := range l.Definitions() {
		if !slices.Contains(all, d.Objective.Source) {
			all = append(all, d.Objective.Source)
		}
	}
	slices.Sort(all)
	return all
}

// source returns the source of all of the lane's objectives, or mixed if they have several.
func (l *lane) source() string {
	if all := l.sources(); len(all) == 1 {
		return all[0]
	}
	return mixed
}

// answering is whether a source answers a lane.
type answering struct {
	asked, answered bool      // it was asked since the last step, and has answered, even with an error
	unanswered      time.Time // since when it does not answer, by the wall clock; zero: it does
}

// noteAnswer notes how reading an objective of a source went.
func (l *lane) noteAnswer(source string, err error) {
	a := l.answering[source]
	a.asked, a.answered = true, a.answered || isAnswer(err)
	l.answering[source] = a
}

// silentSources returns those of a lane's sources that have not answered it, not even with an
// error, and have for a while not answered other lanes, either.
func (e *Engine) silentSources(l *lane) map[string]bool {
	silent := map[string]bool{}
	for _, source := range l.sources() {
		a := l.answering[source]
		switch {
		case a.answered:
			a.unanswered = time.Time{}
		case a.asked && a.unanswered.IsZero():
			a.unanswered = e.clock.now()
		}
		l.answering[source] = answering{unanswered: a.unanswered}
		if !a.unanswered.IsZero() && !e.sampler.answeredSince(source, a.unanswered.Add(2*l.Interval())) {
			silent[source] = true
		}
	}
	return silent
}
