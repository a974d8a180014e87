package engine

import (
	"slices"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// board shows how objectives stand by what is committed.
type board struct {
	sampler *sampler
	diary   diary

	mu       sync.Mutex
	statuses map[string][]alert.Status // by lane
	pastLeft map[string]time.Duration  // by lane: past still to be read, summed over objectives
	asked    map[string]inspections    // by lane
}

// clear forgets all lanes.
func (b *board) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.statuses, b.pastLeft, b.asked = map[string][]alert.Status{}, map[string]time.Duration{}, map[string]inspections{}
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

// expect shows an objective as blind, until its lane is shown.
func (b *board) expect(lane string, d alert.Definition) {
	b.statuses[lane] = append(b.statuses[lane], alert.Status{Objective: d.Objective, BudgetRemaining: 1, State: alert.Blind})
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

// at returns how all objectives stand at a time, ordered by ID. An objective is blind if its
// samples can't be read, lag behind, or are of the future.
func (b *board) at(now time.Time) []alert.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []alert.Status
	for _, statuses := range b.statuses {
		for _, s := range statuses {
			delay := b.sampler.usual
			if s.Objective.Delay > 0 {
				delay = s.Objective.Delay
			}
			late := now.Sub(s.Tick) - delay - s.Extra - b.sampler.interval
			ahead := s.Tick.After(now) // the clock was set back
			if b.sampler.isFailing(s.Objective.Name) || late > max(3*b.sampler.interval, 10*time.Second) || ahead {
				s.State = alert.Blind
				if s.BlindSince.IsZero() {
					s.BlindSince = s.Tick
				}
			}
			all = append(all, s)
		}
	}
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
