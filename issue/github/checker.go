package github

import (
	"context"
	"fmt"
	"net/http"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// checker asks whether issues can be written.
type checker struct {
	*connection
	repos   *repositories
	issues  *issues
	own     *accounts
	home    string                    // the default repository
	install *ghinstallation.Transport // nil without an app
}

// Checked is what GitHub says about a repository.
type Checked struct {
	Repository string // as it was asked for
	Public     bool   // everyone can read post-mortems
	Err        error  // what is wrong and what to do; nil: nothing
}

// Check asks GitHub whether issues can be written, without writing one. The token must be valid,
// and the repositories must exist, not be archived, and have issues that the token may read and
// write. No repositories: the default one. Afterwards the metrics show only these repositories.
//
// GitHub shows a fine-grained token's write permission only in use. So Check creates postburn's own
// label if it is missing, unless a write succeeded since the last refusal. If the account itself
// may not create labels, the first issue shows it.
func (c *checker) Check(ctx context.Context, repositories ...string) []Checked {
	if len(repositories) == 0 {
		repositories = []string{c.home}
	}
	all, names := make([]Checked, len(repositories)), make([]string, len(repositories))
	err := c.own.whoami(ctx)
	for i, name := range repositories {
		all[i] = Checked{Repository: name, Err: err}
		if err == nil {
			all[i].Public, all[i].Err = c.checkRepository(ctx, name)
		}
		names[i] = c.repos.present(name)
		c.standings.note(names[i], standingOf(all[i].Err), false)
	}
	c.standings.only(names)
	return all
}

func (c *checker) checkRepository(ctx context.Context, name string) (public bool, err error) {
	got, err := c.repos.get(ctx, name)
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
	repo, err := c.repos.lookUp(ctx, name)
	if err != nil {
		return false, err
	}
	if err := c.issues.canList(ctx, repo); err != nil {
		return false, err
	}
	if c.install != nil {
		granted, err := c.install.Permissions()
		if err == nil && granted.GetIssues() != "write" {
			return false, wrong(refusal{NoPermission, fmt.Sprintf("grant the GitHub App \"Issues: read and write\"; it has %q", granted.GetIssues())})
		}
	}
	if c.install == nil && got.GetPermissions()["push"] {
		if err := c.mayWrite(ctx, repo); err != nil {
			return false, err
		}
	}
	return !got.GetPrivate(), nil
}

// mayWrite returns an error if an account may write, but its token may not.
func (c *checker) mayWrite(ctx context.Context, repo repository) error {
	if c.standings.tookWrite(repo.name()) {
		return nil
	}
	doing := "writing to " + repo.name()
	s, _ := styleOf(issue.OwnLabel)
	resp, err := c.writeAlways(ctx, repo, func() (*api.Response, error) { return c.createLabel(ctx, repo, issue.OwnLabel, s) })
	a := readAnswer(resp, err)
	if err == nil || a.isPage() {
		return c.failure(doing, repo.name(), resp, err)
	}
	switch a.status {
	case http.StatusUnprocessableEntity: // it exists
		c.wrote(repo)
		return nil
	case http.StatusNotFound: // a read-only token: the repository exists
		a.status = http.StatusForbidden
		return c.refused(doing, repo.name(), a, true)
	}
	return c.failure(doing, repo.name(), resp, err)
}
