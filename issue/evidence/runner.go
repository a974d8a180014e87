package evidence

import (
	"context"
	"errors"
	"time"

	"github.com/postburn/postburn/slo"
)

// maxQueries is how many queries the evidence of one incident takes at most.
const maxQueries = 50

const (
	// shareOfTime is the share of the time left that a part may take.
	shareOfTime = 0.5
	// eventsShare is the same for reading events, which takes longest.
	eventsShare = 0.75
)

// tooMany is why a part failed that had no query left.
const tooMany = "it would take too many queries"

// errNothing says that a part has nothing to tell, which is no failure.
var errNothing = errors.New("nothing to be found")

// runner runs the parts of a collection, each within its share of queries and time, and notes what
// could not be found out.
type runner struct {
	open       func(source string, queries int) Prometheus
	left       int             // queries
	away       map[string]bool // by source: it can't be reached, and asking on would only take time
	unresolved []string        // a sentence each
}

// attempt is one way to do a part.
type attempt struct {
	queries int
	look    func(context.Context, Prometheus) error
}

// part runs a part of the collection, which asks one source. what begins the sentence about its
// failure.
func (r *runner) part(ctx context.Context, source string, queries int, what string, look func(context.Context, Prometheus) error) {
	r.firstOf(ctx, source, shareOfTime, what, attempt{queries, look})
}

// firstOf runs a part in the first of several ways that does not take too many queries. Each may
// take a share of the time left. Only the failure of the last one run is noted.
func (r *runner) firstOf(ctx context.Context, source string, share float64, what string, ways ...attempt) {
	for i, way := range ways {
		if r.away[source] {
			return
		}
		why := r.try(ctx, source, share, way)
		switch {
		case why == tooMany && i < len(ways)-1:
			continue
		case r.away[source]:
			r.note(what + " could not be found out, nor what comes after it: " + why + ".")
		case why != "":
			r.note(what + " could not be found out: " + why + ".")
		}
		return
	}
}

// try returns why a part failed; nothing if it did not.
func (r *runner) try(ctx context.Context, source string, share float64, way attempt) (why string) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(float64(time.Until(deadline))*share))
		defer cancel()
	}
	queries := min(way.queries, r.left)
	p := r.open(source, queries)
	err := way.look(ctx, p)
	r.left -= p.Asked()
	switch {
	case err == nil || errors.Is(err, errNothing):
		return ""
	case p.Asked() >= queries && !errors.Is(err, slo.ErrUnreachable) && !errors.Is(err, errDiffers):
		return tooMany
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "Prometheus took too long"
	case errors.Is(err, slo.ErrUnreachable):
		r.away[source] = true
	}
	return err.Error()
}

// note says what could not be found out, in a sentence.
func (r *runner) note(sentence string) { r.unresolved = append(r.unresolved, sentence) }

// answers reports whether a source could be reached so far.
func (r *runner) answers(source string) bool { return !r.away[source] }
