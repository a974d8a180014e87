package github

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/postburn/postburn/issue"
)

// Standing says whether postburn can use a repository, as far as GitHub has told.
type Standing string

// The standings of a repository.
const (
	Ready        Standing = "ready"
	BadToken     Standing = "bad_token" // GitHub rejects the token, or the app's key
	NoPermission Standing = "no_permission"
	NotFound     Standing = "not_found"
	Archived     Standing = "archived"
	IssuesOff    Standing = "issues_off"
	NoSSO        Standing = "sso_required" // the token lacks single sign-on (SAML)
	Suspended    Standing = "suspended"    // the app's installation, or the token's account
	Unknown      Standing = "unknown"      // GitHub can't be asked, or does not say
)

var allStandings = []Standing{Ready, BadToken, NoPermission, NotFound, Archived, IssuesOff, NoSSO, Suspended, Unknown}

// refusal is an issue.ErrRefused that somebody can fix.
type refusal struct {
	standing Standing
	reason   string // what to grant or do
}

func (r refusal) Error() string { return issue.ErrRefused.Error() + ": " + r.reason }

func (r refusal) Unwrap() error { return issue.ErrRefused }

func standingOf(err error) Standing {
	var r refusal
	switch {
	case err == nil:
		return Ready
	case errors.As(err, &r):
		return r.standing
	}
	return Unknown
}

// standing returns what an answer says about a repository. The header X-GitHub-SSO is described in
// https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api
func (a answer) standing() Standing {
	if a.isPage() {
		return Unknown
	}
	switch a.status {
	case http.StatusUnauthorized:
		return BadToken
	case http.StatusForbidden:
		switch {
		case a.saysArchived():
			return Archived
		case a.header.Get("X-Github-Sso") != "" || strings.Contains(a.message, "SAML"):
			return NoSSO
		case a.saysSuspended():
			return Suspended
		case a.saysLocked():
			return Unknown // it is about one issue
		}
		return NoPermission
	case http.StatusNotFound:
		return NotFound
	case http.StatusGone:
		return IssuesOff
	}
	return Unknown
}

func (a answer) saysArchived() bool { return strings.Contains(strings.ToLower(a.message), "archived") }

func (a answer) saysSuspended() bool {
	return a.status == http.StatusForbidden && strings.Contains(a.message, "suspended")
}

func (a answer) saysLocked() bool {
	return strings.Contains(a.about, "locking-conversations") || strings.Contains(a.message, "issue is locked")
}

func (a answer) refusal(repo string) error { return refusal{a.standing(), a.reason(repo)} }

func (a answer) appRefusal() error {
	standing := a.standing()
	if standing == NotFound || a.status == http.StatusUnprocessableEntity {
		standing = NoPermission // the installation was not found
	}
	return refusal{standing, appReason(a)}
}

// standings keeps how each repository stands, for the metrics.
type standings struct {
	mu      sync.Mutex
	written map[string]Standing // by the last write, by repository
	metrics *metrics
}

func newStandings(m *metrics) *standings {
	return &standings{written: map[string]Standing{}, metrics: m}
}

// note notes a repository's standing. The result of a refused write holds until a write succeeds,
// because GitHub shows some permissions only in use.
func (s *standings) note(repo string, now Standing, written bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if written {
		s.written[repo] = now
	}
	if met, ok := s.written[repo]; ok && now == Ready {
		now = met
	}
	s.metrics.stands(repo, now)
}

// tookWrite reports whether there was a write to a repository, and the last one succeeded.
func (s *standings) tookWrite(repo string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written[repo] == Ready
}

// only forgets other repositories.
func (s *standings) only(repos []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.written, func(repo string, _ Standing) bool { return !slices.Contains(repos, repo) })
	s.metrics.standsOnly(repos)
}
