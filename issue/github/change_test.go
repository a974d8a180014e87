package github_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

func TestListIsFreeWhileNothingChanges(t *testing.T) {
	tracker, server := open(t)
	create(t, tracker, post("checkout-1"))
	list := func() int {
		t.Helper()
		all, err := tracker.List(t.Context(), "", time.Now().Add(-time.Hour).Truncate(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	list()
	before := len(server.Requests())
	for range 5 {
		if n := list(); n != 1 {
			t.Errorf("%d issues, want 1", n)
		}
	}
	asked := server.Requests()[before:]
	if len(asked) != 5 || slices.ContainsFunc(asked, func(r githubtest.Request) bool { return !r.Conditional }) {
		t.Errorf("requests: %+v, want one conditional request each time", asked)
	}
	server.Change(acme, func(r *githubtest.Repository) { r.Issues[0].Labels = append(r.Issues[0].Labels, "duplicate") })
	all, err := tracker.List(t.Context(), acme, time.Time{})
	if err != nil || len(all) != 1 || all[0].Triage() != issue.Duplicate {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestListIsOfPostburnsAccounts(t *testing.T) {
	tracker, server := open(t, func(o *github.Options) { o.Logins = []string{"Former-Robot", "nobody-any-more"} })
	server.AddUser("t2", githubtest.User{Login: "former-robot"})
	server.AddUser("t3", githubtest.User{Login: "mallory"})
	create(t, tracker, post("own"))
	for author, key := range map[string]string{"former-robot": "former", "mallory": "forged"} {
		server.AddIssue(acme, githubtest.Issue{Author: author, Title: "x", Body: post(key).Marker().String() + "\nx\n"})
	}
	server.AddIssue(acme, githubtest.Issue{Author: "postburn-robot", Title: "x", Body: post("pull").Marker().String() + "\nx\n", PullRequest: true})
	all, err := tracker.List(t.Context(), "", time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range all {
		keys = append(keys, f.Key)
	}
	slices.Sort(keys)
	if !slices.Equal(keys, []string{"former", "own"}) {
		t.Errorf("listed %q", keys)
	}
}

func TestPreparingIsDoneWithoutWhatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			fault   githubtest.Fault
			limited bool
		}{
			"well":      {githubtest.Fault{}, false},
			"forbidden": {githubtest.Fails(http.StatusForbidden, false), false},
			"broken":    {githubtest.Fails(http.StatusBadGateway, true), false},
			"limited":   {githubtest.SecondaryLimit(http.StatusForbidden, time.Minute), true},
		} {
			tracker, server := open(t)
			server.Fault = func(r githubtest.Request) githubtest.Fault {
				if strings.Contains(r.Path, "/labels") {
					return tc.fault
				}
				return githubtest.Fault{}
			}
			err := tracker.Prepare(t.Context(), post("checkout-1"))
			if limited := errors.As(err, new(issue.RateLimited)); limited != tc.limited || (err != nil) != tc.limited {
				t.Errorf("%s: got %v", name, err)
			}
			server.Fault = nil
			time.Sleep(2 * time.Minute)
			if err := tracker.Prepare(t.Context(), post("checkout-1")); err != nil {
				t.Errorf("%s, the second time: %v", name, err)
			}
			create(t, tracker, post("checkout-1"))
		}
	})
}

// TestClosedAsADuplicateIsNotReopened: newer servers have that as a reason of its own.
func TestClosedAsADuplicateIsNotReopened(t *testing.T) {
	tracker, server := open(t)
	opened := create(t, tracker, post("checkout-1"))
	each(server, func(i *githubtest.Issue) { i.State, i.Reason = "closed", "duplicate" })
	if err := tracker.Change(t.Context(), opened, issue.Change{Reopen: true}); err != nil {
		t.Fatal(err)
	}
	each(server, func(i *githubtest.Issue) {
		if i.State != "closed" {
			t.Error("it was opened again")
		}
	})
}

// TestChangesOnlyWhileHeld has a replica lose publishing while a change waits for its turn.
func TestChangesOnlyWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, server := open(t, func(o *github.Options) { o.WriteEvery = time.Minute })
		var lost atomic.Bool
		tracker.ChangeOnlyIf(func() bool { return !lost.Load() })
		found := create(t, tracker, post("checkout-1"))
		time.AfterFunc(time.Second, func() { lost.Store(true) })
		for what, change := range map[string]func() error{
			"create": func() error {
				_, err := tracker.Create(t.Context(), post("checkout-2"))
				return err
			},
			"replace": func() error {
				return tracker.Replace(t.Context(), found, issue.Text{Title: found.Text.Title, Body: "late"})
			},
			"change": func() error { return tracker.Change(t.Context(), found, issue.Change{Add: []string{"late"}}) },
		} {
			if err := change(); !errors.Is(err, issue.ErrRefused) {
				t.Errorf("%s: %v", what, err)
			}
		}
		writes := 0
		for _, r := range server.Requests() {
			if r.IsWrite() {
				writes++
			}
		}
		if writes != 1 {
			t.Errorf("%d writes", writes)
		}
		if checked := tracker.Check(t.Context()); checked[0].Err != nil {
			t.Errorf("a replica that does not publish finds: %v", checked[0].Err)
		}
	})
}
