package shop

import (
	"sort"
	"sync"
	"time"
)

// The status codes of a checkout, as labels.
const (
	codeOK     = "200"
	codeFailed = "500"
)

// Counts is a number of requests served and how many of them failed.
type Counts struct{ Total, Failed int }

// log is what the shop itself knows about its requests, independent of any metric. Its zero value
// is ready.
type log struct {
	mu    sync.Mutex
	share float64 // that fails
	debt  float64 // failures due: one request fails for each whole one
	times []time.Time
	after []Counts // all requests up to and with that of the same index in times
}

func (l *log) fail(share float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.share, l.debt = min(max(share, 0), 1), 0
}

// serve decides on a request's status code and logs it. It calls count at the same moment, so that
// both counts agree at any time.
func (l *log) serve(count func(code string)) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var c Counts
	if n := len(l.after); n > 0 {
		c = l.after[n-1]
	}
	c.Total++
	code := codeOK
	if l.debt += l.share; l.debt >= 1 {
		l.debt--
		c.Failed++
		code = codeFailed
	}
	l.times, l.after = append(l.times, time.Now()), append(l.after, c)
	count(code)
	return code
}

func (l *log) count(from, to time.Time) Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := func(t time.Time) Counts {
		n := sort.Search(len(l.times), func(i int) bool { return l.times[i].After(t) })
		if n == 0 {
			return Counts{}
		}
		return l.after[n-1]
	}
	a, b := until(from), until(to)
	return Counts{b.Total - a.Total, b.Failed - a.Failed}
}
