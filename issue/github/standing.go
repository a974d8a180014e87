package github

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/postburn/postburn/issue"
)

// Standing is how a repository stands with what postburn wants of it, as far as GitHub has told.
type Standing string

// The standings of a repository.
const (
	Ready        Standing = "ready"
	BadToken     Standing = "bad_token" // GitHub does not take the token, or the app's key
	NoPermission Standing = "no_permission"
	NotFound     Standing = "not_found"
	Archived     Standing = "archived"
	IssuesOff    Standing = "issues_off"
	Unknown      Standing = "unknown" // GitHub can't be asked, or does not say
)

var standings = []Standing{Ready, BadToken, NoPermission, NotFound, Archived, IssuesOff, Unknown}

// refusal is an issue.ErrRefused that somebody can do something about.
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

// standing is what an answer says of a repository.
func (a answer) standing() Standing {
	switch a.status {
	case http.StatusUnauthorized:
		return BadToken
	case http.StatusForbidden:
		if a.saysArchived() {
			return Archived
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

func (a answer) refusal(repo string) error { return refusal{a.standing(), a.reason(repo)} }

func (a answer) appRefusal() error {
	standing := a.standing()
	if standing == NotFound || a.status == http.StatusUnprocessableEntity {
		standing = NoPermission // the installation was not found
	}
	return refusal{standing, appReason(a)}
}

// stands notes how a repository stands. What a write met is believed until another write is taken: GitHub tells of some permissions only
// when they are used.
func (t *Tracker) stands(repo string, now Standing, written bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if written {
		t.written[repo] = now
	}
	if met, ok := t.written[repo]; ok && now == Ready {
		now = met
	}
	t.metrics.stands(repo, now)
}

// tookWrite reports whether the last write to a repository was taken, and there was one.
func (t *Tracker) tookWrite(repo repository) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written[repo.name()] == Ready
}

// nameOf is a repository's name as GitHub has it, if that is known.
func (t *Tracker) nameOf(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if repo, ok := t.repos[name]; ok {
		return repo.name()
	}
	return name
}

// standsOnly forgets how other repositories stand.
func (t *Tracker) standsOnly(repos []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for repo := range t.written {
		if !slices.Contains(repos, repo) {
			delete(t.written, repo)
		}
	}
	t.metrics.standsOnly(repos)
}
