package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// pastQueue says which pasts of a lane's objectives of one source are being read, and which are
// next.
type pastQueue struct {
	underWay []int         // definitions of the lane
	waiting  []waitingPast // the shortest first
}

// waitingPast is a past that is to be read, and how much of it.
type waitingPast struct {
	definition int // index, in the lane
	length     time.Duration
}

func (q *pastQueue) insert(w waitingPast) {
	i, _ := slices.BinarySearchFunc(q.waiting, w, func(a, b waitingPast) int {
		return cmp.Or(cmp.Compare(a.length, b.length), -1) // after its equals
	})
	q.waiting = slices.Insert(q.waiting, i, w)
}

// pop takes out the definition that waits first.
func (q *pastQueue) pop() int {
	i := q.waiting[0].definition
	q.waiting = q.waiting[1:]
	return i
}

// queue returns the queue of a source.
func (l *lane) queue(source string) *pastQueue {
	q := l.pasts[source]
	if q == nil {
		q = &pastQueue{}
		l.pasts[source] = q
	}
	return q
}

// isReadingPast reports whether any past is being read.
func (l *lane) isReadingPast() bool {
	for _, q := range l.pasts {
		if len(q.underWay) > 0 {
			return true
		}
	}
	return false
}

// read finds which pasts are to be read, takes in those that have been, and starts more, the
// shortest first: the fastest rules of all objectives are armed before all of any objective's
// window is read.
func (p pastsReader) read(ctx context.Context, l *lane) {
	for _, q := range l.pasts {
		q.waiting = nil
	}
	for i := range l.Definitions() {
		p.enqueue(l, i)
	}
	p.resume(ctx, l)
}

// resume takes in pasts that have been read, and starts the next ones. It reports whether any had
// been read. It looks at no other objectives, as it is called whenever a past has been read.
func (p pastsReader) resume(ctx context.Context, l *lane) (adopted bool) {
	for _, q := range l.pasts {
		var reading, done []int
		for _, i := range q.underWay {
			past := l.readers[l.Definitions()[i].Objective.Name].past
			select {
			case found := <-past.done:
				p.adopt(l, found, past.span)
				done = append(done, i)
			default:
				reading = append(reading, i)
			}
		}
		q.underWay = reading
		for _, i := range done {
			p.enqueue(l, i)
		}
		adopted = adopted || len(done) > 0
		for len(q.underWay) < pastsAhead && len(q.waiting) > 0 {
			i := q.pop()
			if span, wanted := p.wanted(l, i); wanted {
				p.start(ctx, l, l.Definitions()[i], span)
				q.underWay = append(q.underWay, i)
			}
		}
	}
	return adopted
}

// enqueue has the past of a definition's objective read, if it is to be.
func (p pastsReader) enqueue(l *lane, definition int) {
	if span, wanted := p.wanted(l, definition); wanted {
		l.queue(l.Definitions()[definition].Objective.Source).insert(waitingPast{definition, span.End.Sub(span.Start)})
	}
}

// wanted returns the stretch of an objective's past to read next, if that can be read now.
func (p pastsReader) wanted(l *lane, definition int) (span slo.Span, wanted bool) {
	d := l.Definitions()[definition]
	name := d.Objective.Name
	r := l.readers[name]
	if r.past != nil || r.tries >= pastTries || !r.failing.IsZero() || p.now().Before(r.pastRetry) {
		return span, false
	}
	if r.Late != (fold.Late{}) && p.due(p.delay(l, d)).Before(l.CursorOf(name)) {
		return span, false // the newest ticks may still lack data
	}
	if slices.ContainsFunc(l.WatchesOf(name), isOpenUnderAnother) {
		return span, false // the past would get the present definition
	}
	span, wanted = l.wantedPast(d, r)
	if !wanted && !r.PastRead {
		r.PastRead = true
		p.logger.Info("all of the past is read", "slo", name, "from", l.known(d, r))
	}
	return span, wanted
}
