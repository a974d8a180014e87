package github_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo"
)

var onset = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func after(minutes int) time.Time { return onset.Add(time.Duration(minutes) * time.Minute) }

// breach is from the onset until 40 minutes later.
func breach(services ...string) (i alert.Incident) {
	for _, s := range services {
		i.Windows = append(i.Windows, alert.Window{Objective: slo.Objective{Name: s}, Kind: alert.Burn, Onset: onset, Ended: after(40)})
	}
	return i
}

// of has the settings name a repository for each objective.
func of(repositories map[string]string) func(string) issue.Settings {
	return func(name string) issue.Settings {
		return issue.Settings{Evidence: issue.EvidenceQuery{Repository: repositories[name]}}
	}
}

func rows(e issue.Evidence) (all []string) {
	for _, r := range e.Timeline {
		all = append(all, fmt.Sprintf("%s %s | %s | %s", r.Time.Format("15:04"), r.Text, r.Source, strings.TrimPrefix(r.URL, base+"/")))
	}
	return all
}

func merged(number int, at time.Time, title, by string) githubtest.Issue {
	return githubtest.Issue{
		Title: title, Author: fmt.Sprintf("author%d", number), State: "closed", PullRequest: true, Created: onset.AddDate(0, 0, -1), MergedAt: at, MergedBy: by,
	}
}

func TestChanges(t *testing.T) {
	tracker, server := open(t)
	server.Change(acme, func(r *githubtest.Repository) {
		r.Deployments = []*githubtest.Deployment{
			{ID: 1, Ref: "main", SHA: "1a2b3c4d5e6f", Environment: "production", Creator: "alice", Created: after(-30)},
			{ID: 2, Ref: "main", SHA: "0000000", Environment: "production", Creator: "bob", Created: after(-121)},
			{ID: 3, Ref: "9f8e7d6c5b4a", SHA: "9f8e7d6c5b4a", Environment: "production", Creator: "alice", Created: after(35)},
		}
		r.Releases = []*githubtest.Release{
			{ID: 1, Tag: "v2.0.0", Author: "alice", Created: after(-200), PublishedAt: after(-31)},
			{ID: 2, Tag: "v2.0.1", Author: "alice", Created: after(10)},
			{ID: 3, Tag: "v2.0.2", Author: "alice", Created: after(41), PublishedAt: after(41)},
		}
	})
	server.AddUser("other", githubtest.User{Login: "deploy[bot]", Bot: true})
	server.AddIssue(acme, merged(1, after(-40), "Take the new client @acme/all", "carol"))
	server.AddIssue(acme, merged(2, after(-130), "Too early", "dave"))
	other := merged(3, after(-20), "Another branch", "dave")
	other.Base = "next"
	server.AddIssue(acme, other)
	server.AddIssue(acme, githubtest.Issue{Title: "Closed, not merged", Author: "erin", State: "closed", PullRequest: true, Created: after(-10)})
	server.AddIssue(acme, merged(5, after(30), "Go back", "deploy[bot]"))
	server.AddIssue(acme, merged(6, after(0), "Merged by nobody known", ""))

	e := tracker.Changes(of(map[string]string{"a": "acme/checkout", "b": "Acme/Checkout"}))(t.Context(), breach("a", "b", "c"))
	want := []string{
		"10:35 Deployment of 9f8e7d6c5b4a to production was begun by alice | GitHub, acme/checkout | acme/checkout/commit/9f8e7d6c5b4a",
		"09:30 Deployment of main (1a2b3c4) to production was begun by alice | GitHub, acme/checkout | acme/checkout/commit/1a2b3c4d5e6f",
		"09:29 Release v2.0.0 was published by alice | GitHub, acme/checkout | acme/checkout/releases/tag/v2.0.0",
		"10:30 Pull request 5 (Go back) was merged to main by deploy[bot] | GitHub, acme/checkout | acme/checkout/pull/5",
		"10:00 Pull request 6 (Merged by nobody known) was merged to main, written by author6 | GitHub, acme/checkout | acme/checkout/pull/6",
		"09:20 Pull request 1 (Take the new client @acme/all) was merged to main by carol | GitHub, acme/checkout | acme/checkout/pull/1",
	}
	if diff := cmp.Diff(want, rows(e)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"alice", "author6", "carol"}, e.People); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	if len(e.Unresolved) > 0 {
		t.Errorf("not found out: %q", e.Unresolved)
	}
	for _, r := range server.Requests() {
		if r.IsWrite() {
			t.Errorf("a write: %s %s", r.Method, r.Path)
		}
	}
}

func TestChangesAreBounded(t *testing.T) {
	tracker, server := open(t)
	server.PerPage = 20
	for n := range 60 {
		server.AddIssue(acme, merged(n, after(n/2), "One of many", "alice"))
	}
	e := tracker.Changes(of(map[string]string{"a": acme}))(t.Context(), breach("a"))
	if n := len(server.Requests()); n != 1+1+1+2+2*8 {
		t.Errorf("%d requests", n)
	}
	if len(e.Timeline) != 40 || len(e.Unresolved) != 1 || e.Unresolved[0] != "Which merges there were in acme/checkout was found out in part: there are too many newer ones." {
		t.Errorf("%d rows, not found out: %q", len(e.Timeline), e.Unresolved)
	}
}

func TestChangesThatCantBeRead(t *testing.T) {
	const lacks = `Which %s there were in acme/checkout could not be found out: the token lacks a permission; grant %s.`
	all := fmt.Sprintf(lacks, "deployments and releases and merges", `"Deployments: read" and "Contents: read" and "Pull requests: read"`)
	app := func(o *github.Options) {
		o.Token, o.App = "", &github.App{ID: 1, InstallationID: 2, PrivateKeyFile: key(t)}
	}
	for _, tc := range []struct {
		name       string
		change     func(*github.Options)
		lacks      []string
		fault      func(githubtest.Request) githubtest.Fault
		repository string
		want       []string
	}{
		{name: "a token that lacks one permission", lacks: []string{"deployments"}, want: []string{fmt.Sprintf(lacks, "deployments", `"Deployments: read"`)}},
		{name: "a token that lacks all", lacks: []string{"deployments", "contents", "pull_requests"}, want: []string{all}},
		{name: "an app that was granted all", change: app},
		{name: "an app that was granted too little", change: app, lacks: []string{"contents"}, want: []string{all}},
		{name: "no such repository", repository: "acme/other", want: []string{
			"What changed in acme/other could not be found out: GitHub did not show the repository: check its name, and that the token may see it.",
		}},
		{name: "GitHub fails", fault: func(r githubtest.Request) githubtest.Fault {
			if strings.HasSuffix(r.Path, "/releases") {
				return githubtest.Fault{Answer: 502}
			}
			return githubtest.Fault{}
		}, want: []string{"Which releases there were in acme/checkout could not be found out: GitHub did not answer as it should."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var changes []func(*github.Options)
			if tc.change != nil {
				changes = append(changes, tc.change)
			}
			tracker, server := open(t, changes...)
			server.AddInstallation(2, githubtest.User{Login: "postburn[bot]", Lacks: tc.lacks})
			server.TokenUser(token).Lacks = tc.lacks
			server.Fault = tc.fault
			if tc.repository == "" {
				tc.repository = acme
			}
			e := tracker.Changes(of(map[string]string{"a": tc.repository}))(t.Context(), breach("a"))
			if diff := cmp.Diff(tc.want, e.Unresolved); diff != "" {
				t.Errorf("not found out (-want +got):\n%s", diff)
			}
			server.Fault = nil
			// a token that may not read still writes issues
			create(t, tracker, post("checkout-1"))
		})
	}
}
