package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Request is a request that came in.
type Request struct {
	N            int // counted from 1
	Method, Path string
	User         string
	Conditional  bool
	At           time.Time
}

// IsWrite reports whether the request asks for a change.
func (r Request) IsWrite() bool { return r.Method != http.MethodGet }

// traffic is the requests so far, and what was wrong with them.
type traffic struct {
	requests []Request
	problems []string
	writing  int
	wrote    time.Time
}

// begin notes a request. Writes must come one after another, with some time between them.
func (t *traffic) begin(r *http.Request, u *User, writeEvery time.Duration) Request {
	request := Request{
		N: len(t.requests) + 1, Method: r.Method, Path: r.URL.Path, Conditional: r.Header.Get("If-None-Match") != "", At: time.Now(),
	}
	if u != nil {
		request.User = u.Login
	}
	t.requests = append(t.requests, request)
	if request.IsWrite() && writeEvery > 0 {
		if t.writing > 0 {
			t.problemf("%s %s was sent during another write", r.Method, r.URL.Path)
		}
		if gap := time.Since(t.wrote); gap < writeEvery {
			t.problemf("%s %s was sent %s after another write", r.Method, r.URL.Path, gap)
		}
	}
	if request.IsWrite() {
		t.writing++
	}
	return request
}

func (t *traffic) end(request Request) {
	if request.IsWrite() {
		t.writing--
		t.wrote = time.Now()
	}
}

func (t *traffic) soFar() []Request { return slices.Clone(t.requests) }

func (t *traffic) wrong() []string { return slices.Clone(t.problems) }

func (t *traffic) problemf(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}
