package github

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The conditional transport remembers so many answers, none larger than so many bytes.
const (
	maxRemembered = 24
	maxAnswer     = 2 << 20
)

// conditional asks GitHub whether an answer is still what it was: if so, the request does not count towards its limit.
type conditional struct {
	next    http.RoundTripper
	mu      sync.Mutex
	answers []remembered // the last used one last
}

type remembered struct {
	url, etag string
	header    http.Header
	body      []byte
}

func newConditional(next http.RoundTripper) *conditional { return &conditional{next: next} }

func (c *conditional) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return c.next.RoundTrip(req)
	}
	key := req.URL.String()
	old, ok := c.take(key)
	if ok {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", old.etag)
	}
	resp, err := c.next.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusNotModified && ok:
		_ = resp.Body.Close()
		c.remember(old)
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
		for _, name := range []string{"Link", "Content-Type"} {
			resp.Header.Del(name)
			if values := old.header.Values(name); len(values) > 0 {
				resp.Header[name] = values
			}
		}
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Body = int64(len(old.body)), io.NopCloser(bytes.NewReader(old.body))
		return resp, nil
	case resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") == "":
		return resp, nil
	}
	start, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	rest := resp.Body
	if err != nil {
		_ = rest.Close()
		return nil, err
	}
	if len(start) <= maxAnswer {
		c.remember(remembered{key, resp.Header.Get("ETag"), resp.Header.Clone(), start})
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), rest), rest}
	return resp, nil
}

// take finds an answer and forgets it.
func (c *conditional) take(url string) (remembered, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.answers, func(r remembered) bool { return r.url == url })
	if i < 0 {
		return remembered{}, false
	}
	found := c.answers[i]
	c.answers = slices.Delete(c.answers, i, i+1)
	return found, true
}

func (c *conditional) remember(r remembered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, r)
	if n := len(c.answers) - maxRemembered; n > 0 {
		c.answers = slices.Delete(c.answers, 0, n)
	}
}

// resetHeader is where the time of GitHub's X-RateLimit-Reset is kept.
const resetHeader = "X-Postburn-Ratelimit-Reset"

// hideReset keeps the time at which the primary limit ends from go-github, which would take it for the end of a secondary limit too, and
// answer requests by itself until then. How long to wait is decided in one place: rateLimited.
type hideReset struct{ next http.RoundTripper }

func (h hideReset) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(req)
	if err == nil {
		resp.Header.Set(resetHeader, resp.Header.Get("X-Ratelimit-Reset"))
		resp.Header.Del("X-Ratelimit-Reset")
	}
	return resp, err
}

type repositoryKey struct{}

// within makes requests follow no redirect out of a repository, as there is for an issue that was transferred.
func within(ctx context.Context, r repository) context.Context {
	return context.WithValue(ctx, repositoryKey{}, r.id)
}

// checkRedirect follows redirects as they are for a repository that was renamed: on the same server, with the same method (the HTTP client
// would make a GET of a POST), to the same repository. Others are answers.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || req.Method != first.Method || req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	id, ok := req.Context().Value(repositoryKey{}).(int64)
	if ok && !strings.Contains(req.URL.Path+"/", "/repositories/"+strconv.FormatInt(id, 10)+"/") {
		return http.ErrUseLastResponse
	}
	return nil
}
