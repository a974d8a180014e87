package publish

import (
	"errors"
	"time"

	"github.com/postburn/postburn/issue"
)

// rounds says when something is read back from the tracker: from time to time, but not while the
// tracker asked to be left alone.
type rounds struct {
	pause    *pause
	failures *failures
	doing    string // for the log
	next     time.Time
}

// due returns when the next round is.
func (r *rounds) due() time.Time { return later(r.next, r.pause.until) }

// end notes how a round went, and when the next one is.
func (r *rounds) end(next time.Time, err error) {
	r.next = next
	var limited issue.RateLimited
	if errors.As(err, &limited) {
		r.pause.keep(limited)
	}
	r.failures.report("", r.doing, err)
}
