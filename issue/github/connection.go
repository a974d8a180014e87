package github

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// How long to wait if GitHub limits requests and names no time: "wait for at least one minute", and
// then "an exponentially increasing amount of time between retries".
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const (
	firstLimit   = time.Minute // doubled each further time
	lastLimit    = time.Hour
	longestLimit = 24 * time.Hour // at most: a nonsensical answer must not end publishing
)

// notSent is an error from before a request was sent.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// unsent adds issue.ErrNotSent to an error from before a text was sent, if ctx ended.
func unsent(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, issue.ErrNotSent) {
		return err
	}
	return fmt.Errorf("%w: %w", issue.ErrNotSent, err)
}

// connection sends requests to GitHub's API, one write at a time, and says what came of them.
type connection struct {
	client    *api.Client
	turn      turn
	standings *standings
	holds     func() bool // whether this process may change issues; nil: it may

	mu     sync.Mutex
	limits int // secondary limits in a row that named no time
}

// get reads a path, or the address of a next page.
func (c *connection) get(ctx context.Context, path string, into any) (*api.Response, error) {
	req, err := c.client.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if base := c.client.BaseURL; req.URL.Host != base.Host || req.URL.Scheme != base.Scheme {
		return nil, notSent{fmt.Errorf("the next page is on another server, %s", req.URL.Host)}
	}
	return c.client.Do(ctx, req, into)
}

// nextPage returns GitHub's address of the next page, numbered or not; empty if there is none.
// https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
func nextPage(resp *api.Response) string {
	for _, header := range resp.Header.Values("Link") {
		for link := range strings.SplitSeq(header, ",") {
			address, parameters, _ := strings.Cut(strings.TrimSpace(link), ">")
			if strings.HasPrefix(address, "<") && strings.Contains(parameters, `rel="next"`) {
				return address[1:]
			}
		}
	}
	return ""
}

var errNotHeld = errors.New("another replica may be publishing")

// write is like writeAlways, for what only the process that publishes may do. It may have waited, or
// slept, since it began to: so whether it does is asked right before the request.
func (c *connection) write(ctx context.Context, repo repository, write func() (*api.Response, error)) (*api.Response, error) {
	return c.writeAlways(ctx, repo, func() (*api.Response, error) {
		if c.holds != nil && !c.holds() {
			return nil, notSent{unsent(ctx, errNotHeld)}
		}
		return write()
	})
}

// writeAlways waits for its turn, and writes to a repository.
func (c *connection) writeAlways(ctx context.Context, repo repository, write func() (*api.Response, error)) (*api.Response, error) {
	done, err := c.turn.take(ctx)
	if err != nil {
		return nil, notSent{unsent(ctx, err)}
	}
	defer done()
	resp, err := write()
	if err == nil {
		c.wrote(repo)
	}
	return resp, err
}

// wrote notes that GitHub accepted a write.
func (c *connection) wrote(repo repository) {
	c.mu.Lock()
	c.limits = 0
	c.mu.Unlock()
	c.standings.note(repo.name(), Ready, true)
}

// failure returns a request's error as one of issue.Tracker's errors; nil if there is none.
func (c *connection) failure(doing, repo string, resp *api.Response, err error) error {
	if err == nil {
		return nil
	}
	a := readAnswer(resp, err)
	if a.limited() {
		return fmt.Errorf("%s: %w", doing, c.rateLimited(a))
	}
	var dial *net.OpError
	install := new(ghinstallation.HTTPError)
	switch {
	case errors.As(err, new(notSent)):
		return fmt.Errorf("%s: %w: %w", doing, issue.ErrRefused, err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("%s: %w: GitHub can't be reached: %w", doing, issue.ErrRefused, dial)
	case errors.As(err, &install):
		return fmt.Errorf("%s: %w", doing, a.appRefusal())
	case a.status/100 == 2 && a.isPage():
		return fmt.Errorf("%s: %s%s", doing, a.page(), notTheAPI)
	case a.status == 0 || a.status/100 == 2:
		return fmt.Errorf("%s: %w", doing, err)
	case a.isPage() && (a.status >= 500 || a.status == http.StatusRequestTimeout):
		return fmt.Errorf("%s: %s", doing, a.page())
	case a.status >= 500 || a.status == http.StatusRequestTimeout:
		return fmt.Errorf("%s: %s", doing, a.answered())
	}
	written := resp != nil && resp.Request != nil && resp.Request.Method != http.MethodGet
	return c.refused(doing, repo, a, written)
}

// refused returns an error that somebody can do something about.
func (c *connection) refused(doing, repo string, a answer, written bool) error {
	if now := a.standing(); now != Unknown {
		c.standings.note(repo, now, written)
	}
	return fmt.Errorf("%s: %w", doing, a.refusal(repo))
}

// rateLimited returns how long an answer asks to wait.
func (c *connection) rateLimited(a answer) issue.RateLimited {
	now := time.Now()
	until := a.named(now)
	if until.IsZero() {
		c.mu.Lock()
		until = now.Add(min(firstLimit<<min(c.limits, 10), lastLimit))
		c.limits++
		c.mu.Unlock()
	}
	if latest := now.Add(longestLimit); until.After(latest) {
		until = latest
	}
	return issue.RateLimited{Until: until}
}
