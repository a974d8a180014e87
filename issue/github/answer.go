package github

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"
)

// answer is GitHub's response to a failed request.
type answer struct {
	status  int // 0: no answer
	header  http.Header
	message string
	about   string    // the documentation's address
	fields  []string  // wrong fields in the request
	other   string    // another server that it redirects to, like https://github.example.org
	until   time.Time // end of a limit that go-github remembers: nothing was sent
}

func readAnswer(resp *api.Response, err error) answer {
	var a answer
	if resp != nil && resp.Response != nil {
		a.status, a.header, a.other = resp.StatusCode, resp.Header, otherServer(resp.Response)
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
		a.status, a.header, a.other = install.Response.StatusCode, install.Response.Header, otherServer(install.Response)
		a.message = messageOf(install.Response) // the transport leaves the body to its caller
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return a
}

// otherServer returns the other server that an answer redirects to; empty if none.
func otherServer(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil || resp.StatusCode/100 != 3 || resp.Request == nil || to.Host == resp.Request.URL.Host && to.Scheme == resp.Request.URL.Scheme {
		return ""
	}
	return to.Scheme + "://" + to.Host
}

// redirects returns the reason for a redirect to another server.
func (a answer) redirects() string {
	return fmt.Sprintf("it redirects to another server, %s, which gets no credentials of postburn's: if that is GitHub's API, "+
		"set POSTBURN_GITHUB_URL to it", strconv.Quote(a.other))
}

// messageOf returns an answer's message; the body can be read again.
func messageOf(resp *http.Response) string {
	defer resp.Body.Close()
	var said struct{ Message string }
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err == nil {
		err = json.Unmarshal(content, &said)
	}
	if err != nil {
		return ""
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	return said.Message
}

// isPage reports whether a web page came instead of an answer of GitHub's API.
func (a answer) isPage() bool {
	_, is := a.header[pageHeader]
	return is
}

// page describes the web page.
func (a answer) page() string {
	return fmt.Sprintf("GitHub answered %d with a web page or text instead of JSON, %s", a.status, strconv.Quote(a.header.Get(pageHeader)))
}

const notTheAPI = ": something in between may have answered; check POSTBURN_GITHUB_URL, and the proxy that HTTPS_PROXY names"

// limited reports whether GitHub did nothing because it was asked too often. It answers 403 or 429,
// and older servers speak of "abuse".
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#rate-limit-errors
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

// named returns the time that GitHub named, by this machine's clock; zero if none. The reset of the
// primary limit says nothing about a secondary one: it counts only if no requests remain.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
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
		return a.until // nothing was sent
	}
	return time.Time{}
}

// date returns the time by GitHub's clock.
func (a answer) date(now time.Time) time.Time {
	if at, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return at
	}
	return now
}

// reason says what is wrong, and what to grant or do.
func (a answer) reason(repo string) string {
	switch {
	case a.other != "":
		return a.redirects()
	case a.isPage():
		return a.page() + notTheAPI
	case a.status == http.StatusForbidden:
		return a.forbidden(repo)
	}
	switch a.status {
	case http.StatusUnauthorized:
		return "GitHub does not take the token: it is wrong, has expired or was revoked; give a new one"
	case http.StatusNotFound:
		return repo + ` was not found: check its name, and that the token may see it; it needs "Issues: read and write" there`
	case http.StatusGone:
		return "issues are switched off in " + repo + ": switch them on in its settings, or name another repository"
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return repo + " was moved: name it as it is called now"
	}
	return a.answered()
}

// forbidden returns the reason for a 403 that is not a rate limit.
func (a answer) forbidden(repo string) string {
	owner, _, _ := strings.Cut(repo, "/")
	switch a.standing() {
	case Archived:
		return repo + " is archived: take it out of the archive, or name another repository"
	case NoSSO:
		return fmt.Sprintf("%s asks for single sign-on (SAML), for which the token is not authorized: whoever made the token must open "+
			`its settings at GitHub, choose "Configure SSO" and authorize it for %s`, owner, owner)
	case Suspended:
		return "the account of the token is suspended: ask GitHub's support, or give the token of another account"
	}
	switch {
	case a.saysLocked():
		return "the conversation is locked, so that only who may push to " + repo + " can comment: unlock it, or give the token's account " +
			"write access; the comment waits until then"
	case strings.Contains(a.message, "IP allow list"):
		return owner + " has a list of addresses that may use GitHub: put the one that postburn reaches GitHub from on it"
	}
	text := `grant "Issues: read and write" in ` + repo
	if needed := a.header.Get("X-Accepted-Github-Permissions"); needed != "" {
		text += " (GitHub asks for " + shortened(needed) + ")"
	}
	if said := a.said(); said != "" {
		text += "; GitHub says " + said
	}
	return "the token lacks a permission: " + text
}

func appReason(a answer) string {
	switch {
	case a.other != "":
		return "no token for the GitHub App's installation: " + a.redirects()
	case a.isPage():
		return "no token for the GitHub App's installation: " + a.page() + notTheAPI
	case a.saysSuspended():
		return "the GitHub App's installation is suspended: an owner of the organization must unsuspend it, in its settings under GitHub Apps"
	}
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

func (a answer) answered() string {
	return strings.TrimSpace(fmt.Sprintf("GitHub answered %d %s", a.status, a.said()))
}

// concerns reports whether GitHub calls a field of the request wrong.
func (a answer) concerns(field string) bool {
	return slices.ContainsFunc(a.fields, func(f string) bool { return strings.Contains(f, field) })
}

// said returns GitHub's message, quoted; empty if there is none.
func (a answer) said() string {
	text := strings.Trim(strings.Join(append([]string{a.message}, a.fields...), ", "), ", ")
	if text == "" {
		return ""
	}
	return strconv.Quote(shortened(text))
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}
