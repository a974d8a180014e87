package engine

import (
	"context"
	"time"

	"github.com/postburn/postburn/alert"
)

// maxInspections is how many questions wait for a lane; who asks more waits with them.
const maxInspections = 8

// inspection asks a lane for all that it knows of an objective. The lane's own goroutine answers
// between two steps, so what it tells is committed.
type inspection struct {
	objective string
	length    time.Duration
	most      int
	answer    chan []alert.Detail // has room for one
}

// inspections are a lane's questions, and the alarm that wakes it for them.
type inspections struct {
	questions chan inspection
	alarm     alarm
}

// Runs reports whether this process runs the lane of an objective.
func (e *Engine) Runs(objective string) bool {
	_, ok := e.board.laneOf(objective)
	return ok
}

// Details returns what is known of an objective: one for each of its label sets, in no order, and
// none if it has had no data yet,
// or another process runs its lane. Courses cover the last `length`, or the objective's window if
// length is 0, in at most `most` stretches. It waits for a lane that is reading samples, and
// returns ctx's error if that takes too long.
func (e *Engine) Details(ctx context.Context, objective string, length time.Duration, most int) ([]alert.Detail, error) {
	lane, ok := e.board.laneOf(objective)
	if !ok {
		return nil, nil
	}
	q := inspection{objective, length, most, make(chan []alert.Detail, 1)}
	select {
	case lane.questions <- q:
		lane.alarm.ring()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case details := <-q.answer:
		return details, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answerInspections answers the questions that were asked since the last time.
func (l *lane) answerInspections() {
	for {
		select {
		case q := <-l.inspections.questions:
			var details []alert.Detail
			for _, w := range l.WatchesOf(q.objective) {
				details = append(details, w.Detail(q.length, q.most))
			}
			q.answer <- details
		default:
			return
		}
	}
}
