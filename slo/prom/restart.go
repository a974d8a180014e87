package prom

import (
	"context"
	"fmt"
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
	known map[stretch]map[string]*restart // by job
}

// stretch is slo.Ticks as a map's key.
type stretch struct{ first, last, interval int64 }

// restart is one answer about a job. Who made it asks for it; the fields below done may be read when that is closed.
type restart struct {
	asked  time.Time
	done   chan struct{}
	points [][]promql.Point // by tick
	err    error
}

// maxStretches is how many stretches' answers are kept.
const maxStretches = 64

// claim finds the answers about jobs, and makes those that there are none of: these are to be asked for. An answer is used for as long as the
// samples that are taken with it are of the same moment: half an interval.
func (s *restarts) claim(ticks slo.Ticks, jobs []string) (all map[string]*restart, mine []string) {
	key := stretch{ticks.First.UnixNano(), ticks.Last.UnixNano(), int64(ticks.Interval)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxStretches && s.known[key] == nil {
		s.known = map[stretch]map[string]*restart{}
	}
	if s.known[key] == nil {
		s.known[key] = map[string]*restart{}
	}
	all = map[string]*restart{}
	for _, job := range jobs {
		r := s.known[key][job]
		if r == nil || time.Since(r.asked) >= ticks.Interval/2 || r.failed() {
			r = &restart{asked: time.Now(), done: make(chan struct{})}
			s.known[key][job] = r
			mine = append(mine, job)
		}
		all[job] = r
	}
	return all, mine
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

// restarted asks which processes of jobs restarted, for each of the ticks.
func (a *asker) restarted(ctx context.Context, jobs []string, ticks slo.Ticks) ([][]promql.Point, error) {
	all, mine := a.starts.claim(ticks, jobs)
	if len(mine) > 0 {
		points, err := a.askRestarts(ctx, mine, ticks)
		for _, job := range mine {
			r := all[job]
			r.err = err
			if err == nil {
				r.points = ofJob(points, job)
			}
			close(r.done)
		}
	}
	found := make([][]promql.Point, ticks.Len())
	for _, job := range jobs {
		r := all[job]
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

// askRestarts asks for all jobs at once: mostly no process has started anew, and no more is to be asked. Of a server that refuses to answer none
// has.
func (a *asker) askRestarts(ctx context.Context, jobs []string, ticks slo.Ticks) ([][]promql.Point, error) {
	ask := func(query promql.Query) ([][]promql.Point, error) {
		r := &request{query: query}
		a.ask(ctx, []*request{r}, ticks)
		if r.err != nil && divisible(r.err) {
			return make([][]promql.Point, ticks.Len()), nil
		}
		return r.points, r.err
	}
	started, err := ask(promql.StartQuery(promql.GridOf(ticks), jobs))
	if err != nil {
		return nil, err
	}
	query := promql.RestartQuery(ticks.Interval, started)
	if query.Empty() {
		return started, nil
	}
	return ask(query)
}

// ofJob is the points that are of a job.
func ofJob(ticks [][]promql.Point, job string) [][]promql.Point {
	of := make([][]promql.Point, len(ticks))
	for i, points := range ticks {
		for _, p := range points {
			if p.Labels[model.JobLabel] == job {
				of[i] = append(of[i], p)
			}
		}
	}
	return of
}
