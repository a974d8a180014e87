package github

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// How long to wait where GitHub limits requests.
const (
	firstLimit   = time.Minute // where it names no time; twice as long each further time
	lastLimit    = time.Hour
	longestLimit = 24 * time.Hour // whatever it names: an answer that makes no sense must not end publishing
)

// notSent is an error before a request was sent.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// answer is what GitHub said, where it did not do as it was asked.
type answer struct {
	status  int // 0: nothing
	header  http.Header
	message string
	about   string    // the address of documentation on it
	fields  []string  // that are wrong in the request
	until   time.Time // of a limit that go-github remembers, so that nothing was sent
}

func readAnswer(resp *api.Response, err error) answer {
	var a answer
	if resp != nil && resp.Response != nil {
		a.status, a.header = resp.StatusCode, resp.Header
	}
	var (
		failed    *api.ErrorResponse
		primary   *api.RateLimitError
		secondary *api.AbuseRateLimitError
		install   *ghinstallation.HTTPError
	)
	switch {
	case errors.As(err, &failed):
		a.message, a.about = failed.Message, failed.DocumentationURL
		for _, f := range failed.Errors {
			a.fields = append(a.fields, strings.TrimSpace(f.Field+" "+cmp.Or(f.Message, f.Code)))
		}
	case errors.As(err, &primary):
		a.message = primary.Message
	case errors.As(err, &secondary):
		a.message, a.about = secondary.Message, "secondary-rate-limits"
		if secondary.RetryAfter != nil {
			a.until = time.Now().Add(*secondary.RetryAfter)
		}
	case errors.As(err, &install) && install.Response != nil:
		a.status, a.header = install.Response.StatusCode, install.Response.Header
		_ = install.Response.Body.Close() // the transport leaves it to its caller
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return a
}

// limited reports whether GitHub did nothing because it was asked too often.
func (a answer) limited() bool {
	switch a.status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
	default:
		return false
	}
	message := strings.ToLower(a.message)
	return !a.until.IsZero() || a.header.Get("Retry-After") != "" || a.header.Get("X-Ratelimit-Remaining") == "0" ||
		strings.HasSuffix(a.about, "secondary-rate-limits") || strings.HasSuffix(a.about, "#abuse-rate-limits") ||
		strings.Contains(message, "rate limit") || strings.Contains(message, "abuse detection")
}

// named is the time that GitHub named, by this machine's clock; zero where it named none. The reset of the primary limit says nothing
// about a secondary one.
func (a answer) named(now time.Time) time.Time {
	if text := a.header.Get("Retry-After"); text != "" {
		if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
			return now.Add(time.Duration(seconds) * time.Second)
		}
		if at, err := http.ParseTime(text); err == nil {
			return now.Add(at.Sub(a.date(now)))
		}
	}
	if a.header.Get("X-Ratelimit-Remaining") == "0" {
		if seconds, err := strconv.ParseInt(a.header.Get(resetHeader), 10, 64); err == nil {
			return now.Add(time.Unix(seconds, 0).Sub(a.date(now)))
		}
	}
	if len(a.header) == 0 {
		return a.until // the client did not even ask
	}
	return time.Time{}
}

// date is the time at GitHub.
func (a answer) date(now time.Time) time.Time {
	if at, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return at
	}
	return now
}

// rateLimited is how long to wait for what an answer says.
func (t *Tracker) rateLimited(a answer) issue.RateLimited {
	now := time.Now()
	until := a.named(now)
	if until.IsZero() {
		t.mu.Lock()
		until = now.Add(min(firstLimit<<min(t.limits, 10), lastLimit))
		t.limits++
		t.mu.Unlock()
	}
	if latest := now.Add(longestLimit); until.After(latest) {
		until = latest
	}
	return issue.RateLimited{Until: until}
}

// wrote notes that GitHub took a write.
func (t *Tracker) wrote(repo repository) {
	t.mu.Lock()
	t.limits = 0
	t.mu.Unlock()
	t.stands(repo.name(), Ready, true)
}

// failure is the error of a request, of a kind that issue.Tracker has; nil where there is none.
func (t *Tracker) failure(doing, repo string, resp *api.Response, err error) error {
	if err == nil {
		return nil
	}
	a := readAnswer(resp, err)
	if a.limited() {
		return fmt.Errorf("%s: %w", doing, t.rateLimited(a))
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
	case a.status == 0 || a.status/100 == 2:
		return fmt.Errorf("%s: %w", doing, err)
	case a.status >= 500 || a.status == http.StatusRequestTimeout:
		return fmt.Errorf("%s: GitHub answered %d %s", doing, a.status, a.said())
	}
	written := resp != nil && resp.Request != nil && resp.Request.Method != http.MethodGet
	return t.refused(doing, repo, a, written)
}

// refused is the error of an answer that somebody can do something about.
func (t *Tracker) refused(doing, repo string, a answer, written bool) error {
	if now := a.standing(); now != Unknown {
		t.stands(repo, now, written)
	}
	return fmt.Errorf("%s: %w", doing, a.refusal(repo))
}

// reason says what is wrong, and what to grant or do.
func (a answer) reason(repo string) string {
	switch a.status {
	case http.StatusUnauthorized:
		return "GitHub does not take the token: it is wrong, has expired or was revoked; give a new one"
	case http.StatusForbidden:
		if a.saysArchived() {
			return repo + " is archived: take it out of the archive, or name another repository"
		}
		text := `grant "Issues: read and write" in ` + repo
		if needed := a.header.Get("X-Accepted-Github-Permissions"); needed != "" {
			text += " (GitHub asks for " + shortened(needed) + ")"
		}
		return "the token lacks a permission: " + text + "; GitHub says " + a.said()
	case http.StatusNotFound:
		return repo + ` was not found: check its name, and that the token may see it; it needs "Issues: read and write" there`
	case http.StatusGone:
		return "issues are switched off in " + repo + ": switch them on in its settings, or name another repository"
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return repo + " was moved: name it as it is called now"
	}
	return fmt.Sprintf("GitHub answered %d %s", a.status, a.said())
}

func appReason(a answer) string {
	switch a.status {
	case 0:
		return "no token for the GitHub App's installation: GitHub can't be reached"
	case http.StatusUnauthorized:
		return "GitHub does not take the app's key: check the app's ID and its private key, and this machine's clock"
	case http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return `no token for the GitHub App's installation: check the installation's ID, and grant the app "Issues: read and write"`
	}
	return fmt.Sprintf("no token for the GitHub App's installation: GitHub answered %d", a.status)
}

func (a answer) said() string {
	text := strings.Join(append([]string{a.message}, a.fields...), ", ")
	return strconv.Quote(shortened(text))
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}
