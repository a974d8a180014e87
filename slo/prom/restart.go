package prom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// restarts are the processes that restarted in some ticks. They are asked for by job, so that objectives of one job share an answer, in
// calls of Read too that ask about the same ticks at the same time, as the lanes of an engine do.
type restarts struct {
	mu    sync.Mutex
	known map[stretch]*answers
}

func newRestarts() *restarts { return &restarts{known: map[stretch]*answers{}} }

// stretch is slo.Ticks as a map's key.
type stretch struct{ first, last, interval int64 }

// answers are those about some ticks. They are used for as long as the samples that are taken with them are of the same moment: half an
// interval.
type answers struct {
	until time.Time
	byJob map[string]*restart
}

// restart is one answer about a job. Who made it asks for it; the fields below done may be read when that is closed.
type restart struct {
	done   chan struct{}
	points map[int][]promql.Point // by the number of the tick; most have none, and answers about many ticks are kept for a while
	err    error
}

// claim is what is known about some jobs. Who holds it is to ask its request, and then to settle it.
type claim struct {
	ticks   slo.Ticks
	all     []*restart
	mine    map[string]*restart // those to ask for, by job
	request *request            // about those; nil: there are none
}

// claim finds the answers about jobs, and makes those that there are none of.
func (s *restarts) claim(ticks slo.Ticks, jobs []string) claim {
	c := claim{ticks: ticks, mine: map[string]*restart{}}
	if len(jobs) == 0 {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.known, func(_ stretch, a *answers) bool { return !now.Before(a.until) })
	key := stretch{ticks.First.UnixNano(), ticks.Last.UnixNano(), int64(ticks.Interval)}
	if s.known[key] == nil {
		s.known[key] = &answers{now.Add(ticks.Interval / 2), map[string]*restart{}}
	}
	for _, job := range jobs {
		r := s.known[key].byJob[job]
		if r == nil || r.failed() {
			r = &restart{done: make(chan struct{})}
			s.known[key].byJob[job], c.mine[job] = r, r
		}
		c.all = append(c.all, r)
	}
	if len(c.mine) > 0 {
		c.request = &request{query: promql.StartQuery(promql.GridOf(ticks), slices.Sorted(maps.Keys(c.mine)))}
	}
	return c
}

// failed reports whether there is an error, and no hope that there will be an answer.
func (r *restart) failed() bool {
	select {
	case <-r.done:
		return r.err != nil
	default:
		return false
	}
}

// settle makes answers of what was asked. Mostly no process has started anew, and that is all; else it is to be asked which of them restarted.
// Of a server that refuses to answer none has.
func (a *asker) settle(ctx context.Context, c claim) {
	if c.request == nil {
		return
	}
	points, err := answerOr(c.request, c.ticks)
	if query := promql.RestartQuery(c.ticks.Interval, points); !query.Empty() {
		r := &request{query: query}
		a.ask(ctx, []*request{r}, c.ticks)
		points, err = answerOr(r, c.ticks)
	}
	for job, r := range c.mine {
		r.points, r.err = ofJob(points, job), err
		close(r.done)
	}
}

// answerOr is an answer, or none where the server refuses to give it. Where it did not come to a whole answer, or was not asked, the restarts are not
// known.
func answerOr(r *request, ticks slo.Ticks) ([][]promql.Point, error) {
	if errors.Is(r.err, slo.ErrRefused) && !errors.Is(r.err, errUsedUp) {
		return make([][]promql.Point, ticks.Len()), nil
	}
	return r.points, r.err
}

// restarted asks which processes of jobs restarted, for each of the ticks.
func (a *asker) restarted(ctx context.Context, jobs []string, ticks slo.Ticks) ([][]promql.Point, error) {
	c := a.starts.claim(ticks, jobs)
	if c.request != nil {
		a.ask(ctx, []*request{c.request}, ticks)
		a.settle(ctx, c)
	}
	found := make([][]promql.Point, ticks.Len())
	for _, r := range c.all {
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", slo.ErrUnreachable, ctx.Err())
		}
		if r.err != nil {
			return nil, r.err
		}
		for tick, points := range r.points {
			found[tick] = append(found[tick], points...)
		}
	}
	return found, nil
}

// ofJob is the points that are of a job, by the number of the tick.
func ofJob(ticks [][]promql.Point, job string) map[int][]promql.Point {
	of := map[int][]promql.Point{}
	for i, points := range ticks {
		for _, p := range points {
			if p.Labels[model.JobLabel] == job {
				of[i] = append(of[i], p)
			}
		}
	}
	return of
}
