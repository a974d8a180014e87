package prom

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postburn/postburn/slo"
)

// largeError means that an answer is too large.
type largeError struct {
	size  int64 // what the server announced, in bytes; 0: nothing
	most  int64 // bytes
	query string
}

// Error implements error.
func (e largeError) Error() string {
	const most = 200 // of a query that may have thousands of characters
	query := printable(e.query)
	if len(query) > most {
		query = strings.ToValidUTF8(query[:most], "") + "..."
	}
	size := "it takes more than " + inBytes(e.most)
	if e.size > 0 {
		size = "it has " + inBytes(e.size) + " and may have " + inBytes(e.most)
	}
	return "prometheus' answer is too large: " + size + "; select fewer series in " + query
}

// Is makes it a bad answer, and one that asking less may avoid.
func (e largeError) Is(target error) bool { return target == slo.ErrBadAnswer || target == errTooMuch }

// inBytes writes a number of bytes.
func inBytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.0f KiB", math.Ceil(float64(n)/(1<<10)))
	}
	return fmt.Sprintf("%.0f MiB", math.Ceil(float64(n)/(1<<20)))
}

// budget bounds the memory of all answers that one client reads at a time. Each may take a small
// part at once. For more, an answer waits until no other one of any source has more than a small
// part. So together they take at most a small part for each query at a time, and one large part.
type budget struct {
	small, most int64         // bytes of one answer
	large       chan struct{} // holds an element while an answer of this client has, or waits for, the large part
	shared      *largePart
}

const (
	// smallAnswer is enough for nearly all answers, in bytes: one for 20 objectives has some 30 KiB.
	smallAnswer = 2 << 20
	// largePatience is how long an answer waits for one of another source that takes its time. Then
	// that one fails, and less is asked of its source at a time.
	largePatience = 2 * time.Second
)

func newBudget(most int64) *budget {
	return &budget{small: min(smallAnswer, most), most: most, large: make(chan struct{}, 1), shared: newLargePart()}
}

// largePart is the large part of a budget. The clients of all sources share it.
type largePart struct {
	slot   chan struct{} // holds an element while an answer has it
	holder atomic.Pointer[lease]
}

func newLargePart() *largePart { return &largePart{slot: make(chan struct{}, 1)} }

// evict ends the query whose answer has had the part for long. Only another source waits for it.
func (p *largePart) evict() {
	if l := p.holder.Load(); l != nil && time.Since(l.since) >= largePatience {
		l.end(errSlowAnswer)
	}
}

// lease is one answer's part of the budget. A waiting answer holds nothing that the one it waits
// for needs, and waits no longer than its query may take.
type lease struct {
	of    *budget
	ctx   context.Context
	end   context.CancelCauseFunc // of the query
	taken int64
	large bool
	since time.Time // it has had the large part
}

func (b *budget) lease(ctx context.Context, end context.CancelCauseFunc) *lease {
	return &lease{of: b, ctx: ctx, end: end}
}

// take takes n more bytes. It returns a largeError if that is too much for one answer, and the
// context's error if that ended first.
func (l *lease) take(n int64) error {
	l.taken += n
	switch {
	case l.taken > l.of.most:
		return largeError{most: l.of.most}
	case l.taken <= l.of.small || l.large:
		return nil
	}
	select {
	case l.of.large <- struct{}{}:
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	if err := l.enlarge(); err != nil {
		<-l.of.large
		return err
	}
	return nil
}

// enlarge waits for the large part.
func (l *lease) enlarge() error {
	part := l.of.shared
	ticker := time.NewTicker(largePatience)
	defer ticker.Stop()
	for {
		select {
		case part.slot <- struct{}{}:
			l.large, l.since = true, time.Now()
			part.holder.Store(l)
			return nil
		case <-ticker.C:
			part.evict()
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
	}
}

// release gives back all that was taken.
func (l *lease) release() {
	if l.large {
		l.of.shared.holder.Store(nil)
		<-l.of.shared.slot
		<-l.of.large
	}
	l.taken, l.large = 0, false
}
