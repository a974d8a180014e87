//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo"
)

// TestGitHubChangesAreAskedAsDescribed checks requests for deployments, releases and merges against
// GitHub's description, and the stand-in's answers.
func TestGitHubChangesAreAskedAsDescribed(t *testing.T) {
	t.Parallel()
	server := &githubtest.Server{Check: description(t), PerPage: 1}
	server.AddRepository("acme/shop")
	server.AddUser("secret", githubtest.User{Login: "robot"})
	now := time.Now().UTC()
	server.Change("acme/shop", func(r *githubtest.Repository) {
		r.Deployments = []*githubtest.Deployment{{ID: 1, Ref: "main", SHA: "1a2b3c4d5e6f", Environment: "production", Creator: "alice", Created: now.Add(-time.Hour)}}
		r.Releases = []*githubtest.Release{{ID: 1, Tag: "v2", Author: "bob", Created: now.Add(-time.Hour), PublishedAt: now.Add(-time.Hour)}}
	})
	for _, by := range []string{"carol", "dave"} {
		server.AddIssue("acme/shop", githubtest.Issue{
			Title: "Change it", Author: by, State: "closed", PullRequest: true, Created: now.Add(-3 * time.Hour), MergedAt: now.Add(-time.Hour), MergedBy: by,
		})
	}
	tracker, err := github.New(github.Options{Repository: "acme/incidents", Token: "secret", Transport: server})
	if err != nil {
		t.Fatal(err)
	}
	settings := func(string) issue.Settings {
		return issue.Settings{Evidence: issue.EvidenceQuery{Repository: "acme/shop"}}
	}
	e := tracker.Changes(settings)(t.Context(), alert.Incident{Windows: []alert.Window{{
		Objective: slo.Objective{Name: "a"}, Kind: alert.Burn, Onset: now.Add(-30 * time.Minute),
	}}})
	if got := strings.Join(e.People, " "); len(e.Timeline) != 4 || got != "alice bob carol dave" && got != "alice bob dave carol" {
		t.Errorf("%d rows of %s; not found out: %q", len(e.Timeline), got, e.Unresolved)
	}
	for _, p := range server.Problems() {
		t.Error(p)
	}
}
