//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// TestSubIssuesAsGitHubDescribesThem makes an issue a sub-issue, and reads its state: each request
// and each answer is as GitHub describes it.
func TestSubIssuesAsGitHubDescribesThem(t *testing.T) {
	t.Parallel()
	server, env := newGitHub(t)
	_, address, _ := strings.Cut(env[1], "=")
	tracker, err := github.New(github.Options{Repository: repository, URL: address, Token: githubToken})
	if err != nil {
		t.Fatal(err)
	}
	var made []issue.Found
	for _, title := range []string{"A post-mortem", "A follow-up"} {
		found, err := tracker.Create(t.Context(), issue.Post{Key: title, Text: issue.Text{Title: title, Body: title}})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, found)
	}
	parent, child := made[0], made[1].Ref.URL
	for range 2 {
		if err := tracker.Nest(t.Context(), parent, child); err != nil {
			t.Fatal(err)
		}
	}
	if closed, _, err := tracker.State(t.Context(), child, parent.Ref); closed || err != nil {
		t.Errorf("closed is %v: %v", closed, err)
	}
	server.Change(repository, func(r *githubtest.Repository) {
		if n := len(r.Issues[0].SubIssues); n != 1 {
			t.Errorf("%d sub-issues", n)
		}
	})
}
