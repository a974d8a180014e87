package prom

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/postburn/postburn/slo"
)

// request is a query about one objective, and its answer: the points of each tick, or an error.
type request struct {
	query  query
	points [][]point
	err    error
}

// asker asks the queries of one call of Read. It gives up if Prometheus does not answer at all:
// else each of a thousand queries would wait for its own timeout.
type asker struct {
	*Client
	unanswered atomic.Int32 // queries in a row
}

// ask asks several requests in one query. A query that fails is asked again in halves until only
// the request that fails is left: it gets the error, and the others their answers. A request that
// is too much for all ticks is asked for half of them at a time.
func (a *asker) ask(ctx context.Context, requests []*request, ticks slo.Ticks) {
	split, err := a.fetch(ctx, requests, ticks)
	middle := len(requests) / 2
	switch {
	case err == nil:
		for i, r := range requests {
			r.points = split[i]
		}
	case len(requests) > 1 && divisible(err):
		a.ask(ctx, requests[:middle], ticks)
		a.ask(ctx, requests[middle:], ticks)
	case ticks.Len() > 1 && errors.Is(err, errTooMuch):
		a.askHalves(ctx, requests[0], ticks)
	default:
		for _, r := range requests {
			r.err = err
		}
	}
}

// askOne asks about one objective alone.
func (c *Client) askOne(ctx context.Context, query query, ticks slo.Ticks) ([][]point, error) {
	r := &request{query: query}
	a := &asker{Client: c}
	a.ask(ctx, []*request{r}, ticks)
	return r.points, r.err
}

// askHalves asks the first half of the ticks, then the others.
func (a *asker) askHalves(ctx context.Context, r *request, ticks slo.Ticks) {
	middle := ticks.Len() / 2
	for _, half := range []slo.Ticks{between(ticks, 0, middle-1), between(ticks, middle, ticks.Len()-1)} {
		part := &request{query: r.query}
		if a.ask(ctx, []*request{part}, half); part.err != nil {
			r.points, r.err = nil, part.err
			return
		}
		r.points = append(r.points, part.points...)
	}
}

// askEach asks a query about each task, together with more requests, and returns the answers. A
// task fails if its query does.
func (a *asker) askEach(
	ctx context.Context, tasks []*task, ticks slo.Ticks, query func(*task) query, more ...*request,
) map[*task][][]point {
	requests := make([]*request, len(tasks))
	for i, t := range tasks {
		requests[i] = &request{query: query(t)}
	}
	a.ask(ctx, append(requests, more...), ticks)
	points := map[*task][][]point{}
	for i, t := range tasks {
		points[t], t.err = requests[i].points, requests[i].err
	}
	return points
}

// askSteps asks several requests in one query for any number of ticks, in as many pieces as needed.
func (a *asker) askSteps(ctx context.Context, requests []*request, ticks slo.Ticks) {
	for stretch := range steps(ticks) {
		parts := make([]*request, len(requests))
		for i, r := range requests {
			parts[i] = &request{query: r.query}
		}
		a.ask(ctx, parts, stretch)
		for i, r := range requests {
			r.points = append(r.points, parts[i].points...)
			if r.err == nil {
				r.err = parts[i].err
			}
		}
	}
}

// fetch asks several requests in one query. It returns their points by request, then by tick.
func (a *asker) fetch(ctx context.Context, requests []*request, ticks slo.Ticks) ([][][]point, error) {
	if int(a.unanswered.Load()) >= 2*cap(a.slots) {
		return nil, fmt.Errorf("%w: it did not answer %d queries in a row", slo.ErrUnreachable, 2*cap(a.slots))
	}
	queries := make([]query, len(requests))
	for i, r := range requests {
		queries[i] = r.query
	}
	joint := join(queries)
	points, err := a.Client.fetch(ctx, joint.String(), ticks)
	if err == nil || isAnswer(err) {
		a.unanswered.Store(0)
	} else {
		a.unanswered.Add(1)
	}
	if err != nil {
		return nil, err
	}
	split := make([][][]point, len(requests))
	for i := range split {
		split[i] = make([][]point, len(points))
	}
	for tick, found := range points {
		parts, err := joint.split(found)
		if err != nil {
			return nil, a.badAnswer(err)
		}
		for i, part := range parts {
			split[i][tick] = part
		}
	}
	return split, nil
}
