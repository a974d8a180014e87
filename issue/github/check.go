package github

import (
	"context"
	"fmt"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// Check asks GitHub whether issues can be written, without writing one: whether it takes the token, and whether the repositories are
// there, not archived and have issues that the token may read and, as far as GitHub tells, write. No repositories: the default one. The
// error is of the first thing that is wrong, and says what to grant or do.
//
// Of a fine-grained token GitHub does not tell whether it may write; that shows at the first issue.
func (t *Tracker) Check(ctx context.Context, repositories ...string) error {
	if err := t.whoami(ctx); err != nil {
		return err
	}
	if len(repositories) == 0 {
		repositories = []string{t.repository}
	}
	for _, name := range repositories {
		if err := t.checkRepository(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tracker) checkRepository(ctx context.Context, name string) error {
	got, err := t.getRepository(ctx, name)
	if err != nil {
		return err
	}
	wrong := func(a answer) error { return fmt.Errorf("checking %s: %w: %s", name, issue.ErrRefused, a.reason(name)) }
	switch {
	case got.GetArchived():
		return wrong(answer{status: 403, message: "archived"})
	case got.HasIssues != nil && !got.GetHasIssues():
		return wrong(answer{status: 410})
	}
	repo, err := t.lookUp(ctx, name)
	if err != nil {
		return err
	}
	if err := t.canList(ctx, repo); err != nil {
		return err
	}
	if t.install != nil {
		granted, err := t.install.Permissions()
		if err == nil && granted.GetIssues() != "write" {
			return fmt.Errorf("checking %s: %w: grant the GitHub App \"Issues: read and write\"; it has %q", name, issue.ErrRefused, granted.GetIssues())
		}
	}
	if !got.GetPrivate() {
		t.logger.Warn("the repository is public: so are label values and queries in post-mortems", "repository", repo.name())
	}
	return nil
}

// canList returns an error where issues can't be read.
func (t *Tracker) canList(ctx context.Context, repo repository) error {
	_, resp, err := t.client.Issues.ListByRepo(within(ctx, repo), repo.owner, repo.short, &api.IssueListByRepoOptions{
		State: "all", ListOptions: api.ListOptions{PerPage: 1},
	})
	if err == nil {
		if scopes, ok := resp.Header["X-Oauth-Scopes"]; ok && !hasScope(scopes) {
			return fmt.Errorf("reading the issues of %s: %w: the token lacks a scope: give it \"repo\", or \"public_repo\" for a public repository", repo.name(), issue.ErrRefused)
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
