package prom

import (
	"context"
	"sync"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// restarts are the processes that restarted in some ticks. All objectives share one query, and so do calls of Read that ask about the
// same ticks at the same time, as the lanes of an engine do.
type restarts struct {
	mu    sync.Mutex
	known map[stretch]*restart
}

// stretch is slo.Ticks as a map's key.
type stretch struct{ first, last, interval int64 }

// restart is one answer, which its lock's holder asks for.
type restart struct {
	mu     sync.Mutex
	asked  time.Time
	points [][]promql.Point
}

// maxRestarts is how many answers are kept.
const maxRestarts = 64

// restarted asks which processes restarted, for each of the ticks. An answer is used for as long as the samples that are taken with it are
// of the same moment: half an interval. A server that refuses to answer has none.
func (a *asker) restarted(ctx context.Context, ticks slo.Ticks) ([][]promql.Point, error) {
	r := a.starts.of(stretch{ticks.First.UnixNano(), ticks.Last.UnixNano(), int64(ticks.Interval)})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.points != nil && time.Since(r.asked) < ticks.Interval/2 {
		return r.points, nil
	}
	asked := time.Now()
	query := &request{query: promql.RestartQuery(ticks.Interval)}
	if a.ask(ctx, []*request{query}, ticks); query.err != nil {
		if !divisible(query.err) {
			return nil, query.err
		}
		query.points = make([][]promql.Point, ticks.Len())
	}
	r.points, r.asked = query.points, asked
	return r.points, nil
}

func (s *restarts) of(ticks stretch) *restart {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxRestarts {
		s.known = map[stretch]*restart{}
	}
	if s.known[ticks] == nil {
		s.known[ticks] = &restart{}
	}
	return s.known[ticks]
}
