package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/postburn/postburn/alert"
)

// exclusions are the incidents that people took out of budgets, for the lanes.
type exclusions struct {
	read Excluded

	mu     sync.Mutex
	state  int                         // counts the updates
	byLane map[string][]alert.Incident // of the newest
	alarms map[string]alarm            // of the lanes
}

// update reads the excluded incidents, and wakes the lanes. Incidents that no lane remembers any
// more are among them.
func (x *exclusions) update(ctx context.Context) error {
	if x.read == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock() // what was read last is what holds
	all, err := x.read(ctx)
	if err != nil {
		return fmt.Errorf("reading the excluded incidents: %w", err)
	}
	x.state++
	x.byLane = map[string][]alert.Incident{}
	for _, i := range all {
		name := laneOfGroup(i.Group)
		x.byLane[name] = append(x.byLane[name], i)
	}
	for _, a := range x.alarms {
		a.ring()
	}
	return nil
}

// of returns a lane's excluded incidents, and which state that is.
func (x *exclusions) of(l *lane) ([]alert.Incident, int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.alarms == nil {
		x.alarms = map[string]alarm{}
	}
	x.alarms[l.name] = l.alarm
	return x.byLane[l.name], x.state
}

// drop forgets a lane.
func (x *exclusions) drop(l *lane) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.alarms, l.name)
}

// Correct reads anew which incidents people took out of budgets. Each lane follows once it is done
// with the ticks at hand; what its objectives' budgets are then shows at once.
func (e *Engine) Correct(ctx context.Context) error { return e.exclusions.update(ctx) }

// exclude makes a lane follow what people excluded. It needs no commit to be shown, as the store
// has it already; the next commit brings a checkpoint.
func (e *Engine) exclude(l *lane) {
	incidents, state := e.exclusions.of(l)
	if l.excluded == state {
		return
	}
	if l.excluded = state; l.exclude(incidents) {
		e.board.show(l)
	}
}

// exclude makes a lane leave these incidents out of budgets, and reports whether that changed any.
func (l *lane) exclude(incidents []alert.Incident) (changed bool) {
	changed = l.Exclude(incidents)
	l.journal.eventful = l.journal.eventful || changed // the samples alone do not tell it
	return changed
}
