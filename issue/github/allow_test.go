package github_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo"
)

// TestAllow checks that GitHub hears nothing about a forbidden repository, whoever names it, and
// that an allowed one stays usable when it is renamed.
func TestAllow(t *testing.T) {
	server := &githubtest.Server{}
	for _, name := range []string{"acme/incidents", "evil/shop"} {
		server.AddRepository(name)
	}
	server.AddUser("secret", githubtest.User{Login: "robot", Push: true})
	errNotAllowed := errors.New("it is not allowed")
	tracker, err := github.New(github.Options{
		Repository: "acme/incidents", Token: "secret", Transport: server, WriteEvery: time.Millisecond,
		Allow: func(name string) error {
			if strings.HasPrefix(strings.ToLower(name), "acme/") {
				return nil
			}
			return errNotAllowed
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	post := issue.Post{Key: "a", Group: "a", Onset: time.Now(), Repository: "evil/shop", Text: issue.Text{Title: "a", Body: "a\n"}}
	at := issue.Found{Key: "a", Ref: issue.Ref{Number: 1, URL: "https://github.com/Evil/shop/issues/1"}}
	refused := func(doing string, err error) {
		t.Helper()
		if !errors.Is(err, errNotAllowed) || !errors.Is(err, issue.ErrRefused) {
			t.Errorf("%s: %v", doing, err)
		}
	}
	_, err = tracker.Create(ctx, post)
	refused("creating", err)
	_, err = tracker.Find(ctx, post, time.Time{})
	refused("finding", err)
	_, err = tracker.List(ctx, "evil/shop", time.Time{})
	refused("listing", err)
	refused("replacing", tracker.Replace(ctx, at, post.Text))
	refused("closing", tracker.Change(ctx, at, issue.Change{Close: true}))
	refused("checking", tracker.Check(ctx, "evil/shop")[0].Err)
	_ = tracker.Prepare(ctx, post) // what can't be made is done without
	tracker.Changes(func(string) issue.Settings {
		return issue.Settings{Evidence: issue.EvidenceQuery{Repository: "evil/shop"}}
	})(
		ctx, alert.Incident{Windows: []alert.Window{{Objective: slo.Objective{Name: "a"}, Kind: alert.Burn, Onset: time.Now()}}})
	for _, r := range server.Requests() {
		if strings.Contains(strings.ToLower(r.Path), "evil") {
			t.Errorf("GitHub was asked %s %s", r.Method, r.Path)
		}
	}

	server.Change("acme/incidents", func(r *githubtest.Repository) {
		r.Owner, r.Before = "umbrella", []string{"acme/incidents"}
	})
	post.Repository = ""
	found, err := tracker.Create(ctx, post)
	if err != nil || !strings.Contains(found.Ref.URL, "umbrella/incidents") {
		t.Fatalf("creating in a repository that was renamed: %v %v", found.Ref, err)
	}
	if err := tracker.Replace(ctx, issue.Found{Key: "a", Ref: found.Ref, Text: post.Text}, issue.Text{Title: "a", Body: "b\n"}); err != nil {
		t.Errorf("replacing in a repository that was renamed: %v", err)
	}
}
