package engine

import (
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// board shows how objectives stand by what is committed: those of the engine's own lanes, and those
// that other processes run, by what these said last.
type board struct {
	sampler *sampler
	diary   diary

	mu       sync.Mutex
	watched  []alert.Definition        // by all processes
	statuses map[string][]alert.Status // by lane
	others   map[string][]alert.Status // of other processes, by objective
	pastLeft map[string]time.Duration  // by lane: past still to be read, summed over objectives
	asked    map[string]inspections    // by lane
}

// watch shows these objectives and no others; as blind, until somebody says how they stand. All
// lanes are forgotten.
func (b *board) watch(all []alert.Definition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watched = all
	b.statuses, b.pastLeft, b.asked = map[string][]alert.Status{}, map[string]time.Duration{}, map[string]inspections{}
}

// hear takes in how objectives of other processes stand. Those that none speaks of stand as before.
func (b *board) hear(all []alert.Status) {
	said := map[string][]alert.Status{}
	for _, s := range all {
		said[s.Objective.Name] = append(said[s.Objective.Name], s)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.watched {
		if _, is := said[d.Objective.Name]; !is && b.others[d.Objective.Name] != nil {
			said[d.Objective.Name] = b.others[d.Objective.Name]
		}
	}
	b.others = said
}

// drop forgets a lane.
func (b *board) drop(l *lane) {
	b.mu.Lock()
	delete(b.statuses, l.name)
	delete(b.pastLeft, l.name)
	delete(b.asked, l.name)
	b.mu.Unlock()
	b.diary.drop(l)
}

// show makes a lane's committed state visible.
func (b *board) show(l *lane) {
	statuses := l.statuses()
	b.mu.Lock()
	b.statuses[l.name], b.asked[l.name] = statuses, l.inspections
	b.mu.Unlock()
	b.notePast(l)
	b.diary.note(l)
}

// notePast notes how much of a lane's past is still to be read.
func (b *board) notePast(l *lane) {
	var left time.Duration
	for _, d := range l.Definitions() {
		left += l.unread(d, l.readers.of(d.Objective.Name))
	}
	b.mu.Lock()
	b.pastLeft[l.name] = left
	b.mu.Unlock()
}

// own returns how the objectives of the engine's lanes stand at a time, ordered by ID. An objective
// is blind if its samples can't be read, lag behind, or are of the future.
func (b *board) own(now time.Time) []alert.Status {
	b.mu.Lock()
	own := b.ownAt(now)
	b.mu.Unlock() // lanes that have committed wait for it
	return sorted(own)
}

// all is like own, for all objectives that are watched.
func (b *board) all(now time.Time) []alert.Status {
	return sorted(b.allAt(now))
}

func (b *board) allAt(now time.Time) []alert.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.ownAt(now)
	own := map[string]bool{}
	for _, s := range all {
		own[s.Objective.Name] = true
	}
	for _, d := range b.watched {
		if own[d.Objective.Name] {
			continue
		}
		others := b.others[d.Objective.Name]
		if others == nil {
			others = []alert.Status{{Objective: d.Objective, BudgetRemaining: 1, State: alert.Blind}}
		}
		for _, s := range others {
			all = append(all, b.blinded(s, now, false))
		}
	}
	return all
}

func (b *board) ownAt(now time.Time) (all []alert.Status) {
	for _, statuses := range b.statuses {
		for _, s := range statuses {
			all = append(all, b.blinded(s, now, b.sampler.isFailing(s.Objective.Name)))
		}
	}
	return all
}

// blinded returns a status as blind if it is too old, of the future, or can't be read.
func (b *board) blinded(s alert.Status, now time.Time, failing bool) alert.Status {
	delay := b.sampler.usual
	if s.Objective.Delay > 0 {
		delay = s.Objective.Delay
	}
	late := now.Sub(s.Tick) - delay - s.Extra - b.sampler.interval
	ahead := s.Tick.After(now) // the clock was set back
	if failing || late > max(3*b.sampler.interval, 10*time.Second) || ahead {
		s.State = alert.Blind
		if s.BlindSince.IsZero() {
			s.BlindSince = s.Tick
		}
	}
	return s
}

func sorted(all []alert.Status) []alert.Status {
	slices.SortFunc(all, func(a, b alert.Status) int {
		return slo.ID{SLO: a.Objective.Name, Labels: a.Labels}.Compare(slo.ID{SLO: b.Objective.Name, Labels: b.Labels})
	})
	return all
}

// laneOf returns the lane that watches an objective; ok is false if none does yet.
func (b *board) laneOf(objective string) (asked inspections, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for lane, statuses := range b.statuses {
		if slices.ContainsFunc(statuses, func(s alert.Status) bool { return s.Objective.Name == objective }) {
			asked, ok = b.asked[lane]
			return asked, ok
		}
	}
	return asked, false
}

// leftToRead returns how much past is still to be read, summed over objectives.
func (b *board) leftToRead() (left time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.pastLeft {
		left += d
	}
	return left
}
