package github_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/issue/trackertest"
)

const (
	acme  = "acme/checkout"
	token = "ghp_secret"
	base  = "https://api.github.example"
)

// open makes a GitHub with an empty repository, and a tracker that uses it without a network.
func open(t *testing.T, change ...func(*github.Options)) (*github.Tracker, *githubtest.Server) {
	t.Helper()
	server := &githubtest.Server{}
	server.AddRepository(acme)
	server.AddUser(token, githubtest.User{Login: "postburn-robot", Push: true})
	t.Cleanup(func() {
		for _, p := range server.Problems() {
			t.Error(p)
		}
	})
	return newTracker(t, server, change...), server
}

func newTracker(t *testing.T, server *githubtest.Server, change ...func(*github.Options)) *github.Tracker {
	t.Helper()
	o := github.Options{Repository: acme, URL: base, Token: token, Transport: server, WriteEvery: time.Nanosecond}
	for _, c := range change {
		c(&o)
	}
	tracker, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

// at passes the text at a place to a function that may change it, as a person would.
func at(server *githubtest.Server, ref issue.Ref, issueDo func(*githubtest.Issue), commentDo func(*githubtest.Issue, *githubtest.Comment)) {
	server.Change(acme, func(r *githubtest.Repository) {
		for _, i := range r.Issues {
			if ref.Parent == 0 && int64(i.Number) == ref.Number {
				issueDo(i)
			}
			for _, c := range i.Comments {
				if ref.Parent == int64(i.Number) && c.ID == ref.Number {
					commentDo(i, c)
				}
			}
		}
	})
}

func world(tracker *github.Tracker, server *githubtest.Server) trackertest.World {
	return trackertest.World{
		Tracker: tracker,
		Edit: func(found issue.Found, change func(string) string) {
			at(server, found.Ref, func(i *githubtest.Issue) { i.Body = change(i.Body) },
				func(_ *githubtest.Issue, c *githubtest.Comment) { c.Body = change(c.Body) })
		},
		Read: func(found issue.Found) (body string) {
			at(server, found.Ref, func(i *githubtest.Issue) { body = i.Body }, func(_ *githubtest.Issue, c *githubtest.Comment) { body = c.Body })
			return body
		},
		Delete: func(found issue.Found) {
			at(server, found.Ref, func(i *githubtest.Issue) { i.Deleted = true }, func(i *githubtest.Issue, c *githubtest.Comment) {
				i.Comments = removed(i.Comments, c)
			})
		},
		Close: func(found issue.Found, completed bool) {
			at(server, found.Ref, func(i *githubtest.Issue) {
				if i.State, i.Reason = "closed", "not_planned"; completed {
					i.Reason = "completed"
				}
			}, nil)
		},
		Label: func(found issue.Found, add, remove []string) {
			at(server, found.Ref, func(i *githubtest.Issue) {
				i.Labels = slices.DeleteFunc(append(slices.Clone(i.Labels), add...), func(l string) bool { return slices.Contains(remove, l) })
			}, nil)
		},
		Labels: func(found issue.Found) (labels []string) {
			at(server, found.Ref, func(i *githubtest.Issue) { labels = slices.Sorted(slices.Values(i.Labels)) }, nil)
			return labels
		},
		Transfer: func(found issue.Found, followed bool) {
			to := "acme/other"
			if !followed {
				to = "elsewhere/other"
			}
			server.AddRepository(to)
			// so that the numbers differ
			server.AddIssue(to, githubtest.Issue{Title: "x", Body: "x", Author: "somebody"})
			server.Transfer(acme, int(found.Ref.Number), to)
		},
		List: tracker.List,
	}
}

func removed(all []*githubtest.Comment, c *githubtest.Comment) (rest []*githubtest.Comment) {
	for _, other := range all {
		if other != c {
			rest = append(rest, other)
		}
	}
	return rest
}

func TestTracker(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.World {
		tracker, server := open(t)
		return world(tracker, server)
	})
}
