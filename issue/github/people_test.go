package github_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
)

func TestWhatPeopleWroteIsRead(t *testing.T) {
	tracker, server := open(t)
	server.AddUser("other", githubtest.User{Login: "ci[bot]", Bot: true})
	server.PerPage = 2
	opened := create(t, tracker, post("checkout-1"))
	parent := issue.Post{Key: "checkout-1/progress", Parent: &issue.Found{Key: "checkout-1", Ref: opened.Ref}, Text: issue.Text{Body: "It goes on."}}
	create(t, tracker, parent)
	now, copied := time.Now().UTC().Truncate(time.Second), ""
	at(server, opened.Ref, func(i *githubtest.Issue) {
		i.Body += "\n- [ ] Do it\n"
		i.Comments = append(i.Comments, &githubtest.Comment{ID: 6, Author: "mallory", Body: i.Comments[0].Body, Created: now, Updated: now})
		copied = i.Comments[0].Body
		for n, author := range []string{"alice", "ci[bot]", "postburn-robot"} {
			i.Comments = append(i.Comments, &githubtest.Comment{ID: int64(n + 7), Author: author, Body: "09:14 by " + author, Created: now, Updated: now})
		}
	}, nil)

	got, more, err := tracker.Comments(t.Context(), opened.Ref)
	if err != nil || more {
		t.Fatal(more, err)
	}
	url := opened.Ref.URL + "#issuecomment-"
	want := []issue.Comment{
		{Author: "mallory", Trusted: true, Time: now, Body: copied, URL: url + "6"}, // a copy
		{Author: "alice", Trusted: true, Time: now, Body: "09:14 by alice", URL: url + "7"},
		{Author: "ci[bot]", Robot: true, Trusted: true, Time: now, Body: "09:14 by ci[bot]", URL: url + "8"},
		// a person with the same account
		{Author: "postburn-robot", Trusted: true, Time: now, Body: "09:14 by postburn-robot", URL: url + "9"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	if body, err := tracker.Body(t.Context(), opened.Ref); err != nil || !strings.HasSuffix(body, "\n- [ ] Do it\n") {
		t.Errorf("body %q, %v", body, err)
	}
	at(server, opened.Ref, func(i *githubtest.Issue) { i.Deleted = true }, nil)
	if _, _, err := tracker.Comments(t.Context(), opened.Ref); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("comments of an issue that is gone: %v", err)
	}
	if _, err := tracker.Body(t.Context(), opened.Ref); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("the body of an issue that is gone: %v", err)
	}
}

func TestWhoIsTrustedInAPublicRepository(t *testing.T) {
	tracker, server := open(t)
	server.AddUser("other", githubtest.User{Login: "ci[bot]", Bot: true})
	opened := create(t, tracker, post("checkout-1"))
	now := time.Now().UTC().Truncate(time.Second)
	wrote := map[string]string{
		"owner": "OWNER", "member": "MEMBER", "outside-collaborator": "COLLABORATOR", "assigned": "NONE", "contributor": "CONTRIBUTOR",
		"first": "FIRST_TIME_CONTRIBUTOR", "stranger": "NONE", "private-member": "NONE", "ci[bot]": "NONE",
	}
	server.Change(acme, func(r *githubtest.Repository) {
		r.Permissions = map[string]string{"private-member": "write", "first": "read"}
		i := r.Issues[0]
		i.Assignees = []string{"Assigned"}
		for author, association := range wrote {
			i.Comments = append(i.Comments, &githubtest.Comment{
				ID: int64(len(i.Comments) + 1), Author: author, Association: association, Body: "09:14 here", Created: now, Updated: now,
			})
		}
	})
	read := func() map[string]bool {
		all, _, err := tracker.Comments(t.Context(), opened.Ref)
		if err != nil {
			t.Fatal(err)
		}
		trusted := map[string]bool{}
		for _, c := range all {
			trusted[c.Author] = c.Trusted
		}
		return trusted
	}
	for author, trusted := range read() {
		if !trusted {
			t.Errorf("%s is not trusted in a private repository", author)
		}
	}
	server.Change(acme, func(r *githubtest.Repository) { r.Private = false })
	want := map[string]bool{"owner": true, "member": true, "outside-collaborator": true, "assigned": true}
	for _, author := range []string{"contributor", "first", "stranger", "private-member", "ci[bot]"} {
		want[author] = false
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("who is trusted in a public repository (-want +got):\n%s", diff)
	}
	for login, want := range map[string]bool{"private-member": true, "first": false, "stranger": false, "../../user": false} {
		if got, err := tracker.Trusts(t.Context(), opened.Ref, login); got != want || err != nil {
			t.Errorf("%s is trusted: %v, %v", login, got, err)
		}
	}
	server.Fault = func(githubtest.Request) githubtest.Fault { return githubtest.Fails(403, false) }
	if got, err := tracker.Trusts(t.Context(), opened.Ref, "private-member"); got || err != nil {
		t.Errorf("a token that may not know: %v, %v", got, err)
	}
}

func TestCommentsWithoutEnd(t *testing.T) {
	tracker, server := open(t)
	server.PerPage = 2
	opened := create(t, tracker, post("checkout-1"))
	now := time.Now().UTC().Truncate(time.Second)
	at(server, opened.Ref, func(i *githubtest.Issue) {
		for n := range 25 {
			i.Comments = append(i.Comments, &githubtest.Comment{ID: int64(n + 1), Author: "alice", Body: "hi", Created: now, Updated: now})
		}
	}, nil)
	all, more, err := tracker.Comments(t.Context(), opened.Ref)
	if len(all) != 20 || !more || err != nil {
		t.Errorf("read %d comments, more: %v, %v; want ten pages of them", len(all), more, err)
	}
}
