package github

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Limits of the conditional transport: how many answers it remembers, and their size in bytes.
const (
	maxRemembered = 24
	maxAnswer     = 2 << 20
)

// conditional makes requests conditional: if an answer is unchanged, GitHub does not count the
// request against its rate limit. See "Use conditional requests if appropriate" in
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
type conditional struct {
	next    http.RoundTripper
	mu      sync.Mutex
	answers []remembered // most recently used last
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
	resp.Body = joined{io.MultiReader(bytes.NewReader(start), rest), rest}
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

// resetHeader keeps the value of GitHub's X-RateLimit-Reset.
const resetHeader = "X-Postburn-Ratelimit-Reset"

// hideReset hides the end of the primary limit from go-github, which would take it for the end of a
// secondary limit too and refuse requests until then. Only rateLimited decides how long to wait.
type hideReset struct{ next http.RoundTripper }

func (h hideReset) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(req)
	if err == nil {
		resp.Header.Set(resetHeader, resp.Header.Get("X-Ratelimit-Reset"))
		resp.Header.Del("X-Ratelimit-Reset")
	}
	return resp, err
}

// pageHeader keeps the title of a web page that came instead of an API answer.
const pageHeader = "X-Postburn-Page"

// maxPage is how many bytes of such a page are read.
const maxPage = 64 << 10

// markPages marks answers that are not JSON, for example from a proxy, a login page, or GitHub when
// it is down.
type markPages struct{ next http.RoundTripper }

func (m markPages) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := m.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Header.Del(pageHeader)
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "application/json" || strings.HasSuffix(kind, "+json") {
		return resp, nil
	}
	start := make([]byte, maxPage)
	n, err := io.ReadFull(resp.Body, start)
	start = start[:n]
	if text := bytes.TrimSpace(start); len(text) > 0 && text[0] != '{' && text[0] != '[' {
		resp.Header.Set(pageHeader, titleOf(string(text)))
	}
	rest := resp.Body
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the body ended, or the next read says what is wrong
	}
	if err != nil {
		_ = rest.Close()
		return nil, err
	}
	resp.Body = joined{io.MultiReader(bytes.NewReader(start), rest), rest}
	return resp, nil
}

// joined is a body whose start was already read.
type joined struct {
	io.Reader
	io.Closer
}

var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// titleOf returns a page's title, or the start of its text if it has none.
func titleOf(page string) string {
	if found := pageTitle.FindStringSubmatch(page); found != nil {
		page = html.UnescapeString(found[1])
	}
	return shortened(strings.Join(strings.Fields(page), " "))
}

type repositoryKey struct{}

// within keeps requests from following redirects out of a repository, such as a transferred
// issue's.
func within(ctx context.Context, r repository) context.Context {
	return context.WithValue(ctx, repositoryKey{}, r.id)
}

// anywhere lets requests follow redirects to other repositories on the same server.
func anywhere(ctx context.Context) context.Context {
	return context.WithValue(ctx, repositoryKey{}, nil)
}

// checkRedirect follows redirects of a renamed repository: to the same server (scheme, host and
// port, so that credentials stay there), with the same method (the HTTP client would turn a POST
// into a GET), and to the same repository. It returns others as answers. See "Follow redirects" in
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
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
