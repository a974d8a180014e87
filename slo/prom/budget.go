package prom

import (
	"context"
	"fmt"
	"math"
	"strings"

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

// budget bounds the memory of all answers read at a time. Each may take a small part at once. For
// more, an answer waits until no other one has more than a small part. So together they take at
// most a small part for each query at a time, and one large part.
type budget struct {
	small, most int64         // bytes of one answer
	large       chan struct{} // holds an element while an answer has more than the small part
}

// smallAnswer is enough for nearly all answers, in bytes: one for 20 objectives has some 30 KiB.
const smallAnswer = 2 << 20

func newBudget(most int64) *budget {
	return &budget{small: min(smallAnswer, most), most: most, large: make(chan struct{}, 1)}
}

// lease is one answer's part of the budget. A waiting answer holds nothing that the one it waits
// for needs, and waits no longer than its query may take.
type lease struct {
	of    *budget
	done  <-chan struct{} // of the query's context
	cause func() error
	taken int64
	large bool
}

func (b *budget) lease(ctx context.Context) *lease {
	return &lease{of: b, done: ctx.Done(), cause: ctx.Err}
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
		l.large = true
		return nil
	case <-l.done:
		return l.cause()
	}
}

// release gives back all that was taken.
func (l *lease) release() {
	if l.large {
		<-l.of.large
	}
	l.taken, l.large = 0, false
}
