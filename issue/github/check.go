package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// Checked is what GitHub told of a repository.
type Checked struct {
	Repository string // as it was asked for
	Public     bool   // so are label values and queries in post-mortems
	Err        error  // what is wrong, and what to grant or do; nil: nothing
}

// Check asks GitHub whether issues can be written, without writing one: whether it takes the token, and whether the repositories are
// there, not archived and have issues that the token may read and write. No repositories: the default one. The metrics show these
// repositories and no others afterwards.
//
// GitHub tells of a fine-grained token's permission to write only when that is used. So postburn's own label is made, if it is missing, unless
// another write was taken since the last one that was refused. Where the account itself may not make labels, it shows at the first issue.
func (t *Tracker) Check(ctx context.Context, repositories ...string) []Checked {
	if len(repositories) == 0 {
		repositories = []string{t.repository}
	}
	all, names := make([]Checked, len(repositories)), make([]string, len(repositories))
	err := t.whoami(ctx)
	for i, name := range repositories {
		all[i] = Checked{Repository: name, Err: err}
		if err == nil {
			all[i].Public, all[i].Err = t.checkRepository(ctx, name)
		}
		names[i] = t.nameOf(name)
		t.stands(names[i], standingOf(all[i].Err), false)
	}
	t.standsOnly(names)
	return all
}

func (t *Tracker) checkRepository(ctx context.Context, name string) (public bool, err error) {
	got, err := t.getRepository(ctx, name)
	if err != nil {
		return false, err
	}
	wrong := func(r refusal) error { return fmt.Errorf("checking %s: %w", name, r) }
	switch {
	case got.GetArchived():
		return false, wrong(refusal{Archived, answer{status: 403, message: "archived"}.reason(name)})
	case got.HasIssues != nil && !got.GetHasIssues():
		return false, wrong(refusal{IssuesOff, answer{status: 410}.reason(name)})
	}
	repo, err := t.lookUp(ctx, name)
	if err != nil {
		return false, err
	}
	if err := t.canList(ctx, repo); err != nil {
		return false, err
	}
	if t.install != nil {
		granted, err := t.install.Permissions()
		if err == nil && granted.GetIssues() != "write" {
			return false, wrong(refusal{NoPermission, fmt.Sprintf("grant the GitHub App \"Issues: read and write\"; it has %q", granted.GetIssues())})
		}
	}
	if t.install == nil && got.GetPermissions()["push"] {
		if err := t.mayWrite(ctx, repo); err != nil {
			return false, err
		}
	}
	return !got.GetPrivate(), nil
}

// mayWrite returns an error where an account may write, and its token may not.
func (t *Tracker) mayWrite(ctx context.Context, repo repository) error {
	if t.tookWrite(repo) {
		return nil
	}
	doing := "writing to " + repo.name()
	s, _ := styleOf(issue.OwnLabel)
	done, err := t.turn.take(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	_, resp, err := t.client.Issues.CreateLabel(ctx, repo.owner, repo.short, &api.Label{
		Name: api.String(issue.OwnLabel), Color: &s.color, Description: &s.description,
	})
	done()
	a := readAnswer(resp, err)
	switch a.status {
	case http.StatusCreated, http.StatusUnprocessableEntity: // it is there
		t.wrote(repo)
		return nil
	case http.StatusNotFound: // as it is called where the token may only read: the repository was found before
		a.status = http.StatusForbidden
		return t.refused(doing, repo.name(), a, true)
	}
	return t.failure(doing, repo.name(), resp, err)
}

// canList returns an error where issues can't be read.
func (t *Tracker) canList(ctx context.Context, repo repository) error {
	_, resp, err := t.client.Issues.ListByRepo(within(ctx, repo), repo.owner, repo.short, &api.IssueListByRepoOptions{
		State: "all", ListOptions: api.ListOptions{PerPage: 1},
	})
	if err == nil {
		if scopes, ok := resp.Header["X-Oauth-Scopes"]; ok && !hasScope(scopes) {
			return fmt.Errorf("reading the issues of %s: %w", repo.name(),
				refusal{NoPermission, `the token lacks a scope: give it "repo", or "public_repo" for a public repository`})
		}
	}
	return t.failure("reading the issues of "+repo.name(), repo.name(), resp, err)
}

// hasScope reads the scopes of a classic token; others have none.
func hasScope(headers []string) bool {
	for _, header := range headers {
		if strings.TrimSpace(header) == "" {
			continue
		}
		for scope := range strings.SplitSeq(header, ",") {
			if s := strings.TrimSpace(scope); s == "repo" || s == "public_repo" {
				return true
			}
		}
		return false
	}
	return true
}
