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

	got, err := tracker.Comments(t.Context(), opened.Ref)
	if err != nil {
		t.Fatal(err)
	}
	url := opened.Ref.URL + "#issuecomment-"
	want := []issue.Comment{
		{Author: "mallory", Time: now, Body: copied, URL: url + "6"}, // who copied postburn's comment, marker and all
		{Author: "alice", Time: now, Body: "09:14 by alice", URL: url + "7"},
		{Author: "ci[bot]", Robot: true, Time: now, Body: "09:14 by ci[bot]", URL: url + "8"},
		{Author: "postburn-robot", Time: now, Body: "09:14 by postburn-robot", URL: url + "9"}, // a person with the same account
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	if body, err := tracker.Body(t.Context(), opened.Ref); err != nil || !strings.HasSuffix(body, "\n- [ ] Do it\n") {
		t.Errorf("body %q, %v", body, err)
	}
	at(server, opened.Ref, func(i *githubtest.Issue) { i.Deleted = true }, nil)
	if _, err := tracker.Comments(t.Context(), opened.Ref); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("comments of an issue that is gone: %v", err)
	}
	if _, err := tracker.Body(t.Context(), opened.Ref); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("the body of an issue that is gone: %v", err)
	}
}
