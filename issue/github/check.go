package github

import (
	"context"
	"fmt"
	"strings"

	api "github.com/google/go-github/v60/github"
)

// Checked is what GitHub told of a repository.
type Checked struct {
	Repository string // as it was asked for
	Public     bool   // so are label values and queries in post-mortems
	Err        error  // what is wrong, and what to grant or do; nil: nothing
}

// Check asks GitHub whether issues can be written, without writing one: whether it takes the token, and whether the repositories are
// there, not archived and have issues that the token may read and, as far as GitHub tells, write. No repositories: the default one. The
// metrics show these repositories and no others afterwards.
//
// Of a fine-grained token GitHub does not tell whether it may write; that shows at the first issue.
func (t *Tracker) Check(ctx context.Context, repositories ...string) []Checked {
	if len(repositories) == 0 {
		repositories = []string{t.repository}
	}
	all := make([]Checked, len(repositories))
	err := t.whoami(ctx)
	for i, name := range repositories {
		all[i] = Checked{Repository: name, Err: err}
		if err == nil {
			all[i].Public, all[i].Err = t.checkRepository(ctx, name)
		}
		t.stands(name, standingOf(all[i].Err), false)
	}
	t.standsOnly(repositories)
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
	return !got.GetPrivate(), nil
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
