package github_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/issue/issuetest"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
)

// TestUnsent ends calls at some point. The error is ErrNotSent only if nothing of the text can have
// left.
func TestUnsent(t *testing.T) {
	on := func(write bool, f githubtest.Fault) func(githubtest.Request) githubtest.Fault {
		return func(r githubtest.Request) githubtest.Fault {
			if r.IsWrite() != write {
				return githubtest.Fault{}
			}
			return f
		}
	}
	all := []string{"create", "comment", "replace", "replace comment"}
	for name, tc := range map[string]struct {
		operations []string
		every      time.Duration // between writes; 0: none
		fault      func(githubtest.Request) githubtest.Fault
		lost       bool // publishing is lost just before the request
		goesOn     bool // and the process publishes on
		unsent     bool
	}{
		"before its turn came":                     {operations: all, every: time.Hour, unsent: true},
		"before the request, as the lease is lost": {operations: all, lost: true, unsent: true},
		"while the present text is read":           {operations: all[2:], fault: on(false, githubtest.Hangs()), unsent: true},
		"while it is sent":                         {operations: all, fault: on(true, githubtest.Hangs())},
		"while it is sent, and GitHub acts late":   {operations: all, fault: on(true, githubtest.ActsLate(time.Minute))},
		"no end, but the lease is lost":            {operations: all, lost: true, goesOn: true},
		"no end, but the connection is":            {operations: all, fault: on(true, githubtest.LostBefore()), goesOn: true},
		"no end, but GitHub refuses":               {operations: all, fault: on(true, githubtest.Fails(403, false)), goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range tc.operations {
				synctest.Test(t, func(t *testing.T) {
					tracker, server := open(t, func(o *github.Options) { o.WriteEvery = max(tc.every, time.Nanosecond) })
					ctx, stop := context.WithCancel(t.Context())
					lost := false
					tracker.ChangeOnlyIf(func() bool {
						if lost && !tc.goesOn {
							stop()
						}
						return !lost
					})
					opened := create(t, tracker, post("checkout-1"))
					commented := create(t, tracker, issue.Post{Key: "checkout-1/progress", Parent: &opened, Text: issue.Text{Body: "Still.\n"}})
					lost, server.Fault = tc.lost, tc.fault
					before := written(server)
					if !tc.goesOn {
						time.AfterFunc(10*time.Second, stop)
					}
					err := operations(tracker, opened, commented)[op](ctx)
					if err == nil || errors.Is(err, issue.ErrNotSent) != tc.unsent || (ctx.Err() == nil) != tc.goesOn {
						t.Errorf("%s: got %v", op, err)
					}
					if n := written(server) - before; tc.unsent && n > 0 {
						t.Errorf("%s: %d writes were sent", op, n)
					}
				})
			}
		})
	}
}

// TestUnsentBeforeTheRepositoryIsKnown ends the very first call while the repository is looked up.
func TestUnsentBeforeTheRepositoryIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, server := open(t)
		server.Fault = func(githubtest.Request) githubtest.Fault { return githubtest.Hangs() }
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := tracker.Create(ctx, post("checkout-1")); !errors.Is(err, issue.ErrNotSent) || written(server) > 0 {
			t.Errorf("creating: %v", err)
		}
		at := issue.Found{Key: "checkout-1", Ref: issue.Ref{Number: 1, URL: base + "/acme/checkout/issues/1"}}
		ctx, stop = context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := tracker.Replace(ctx, at, final); !errors.Is(err, issue.ErrNotSent) || written(server) > 0 {
			t.Errorf("replacing: %v", err)
		}
	})
}

// TestStoppedWhileATextWaits stops a daemon whose text waits for its turn, as the one before was
// written a moment ago. The next daemon sends it at once, without looking for it.
func TestStoppedWhileATextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server := open(t)
		store := issuetest.NewStore()
		onset := time.Now()
		for _, name := range []string{"api", "web"} {
			i, _ := incident(name, onset, onset.Add(time.Minute), [2]time.Duration{0, 17 * time.Minute})
			store.Put(i)
			onset = onset.Add(-24 * time.Hour) // no storm
		}
		live := func(d time.Duration) {
			ctx, stop := context.WithTimeout(t.Context(), d)
			defer stop()
			tracker := newTracker(t, server, func(o *github.Options) { o.WriteEvery = 10 * time.Second })
			if err := publish.New(publish.Options{Store: store, Tracker: tracker, Render: postmortem.Render}).Run(ctx); err != nil {
				t.Error(err)
			}
		}
		states := func() (all []issue.State) {
			for _, p := range store.Publications() {
				all = append(all, p.Opening().State)
			}
			slices.Sort(all)
			return all
		}
		for range 20 { // labels are made first, with a turn each
			if live(5 * time.Second); slices.Contains(states(), issue.Sending) {
				t.Fatalf("texts are left as %q", states())
			}
		}
		titles := map[string]int{}
		each(server, func(i *githubtest.Issue) { titles[i.Title]++ })
		if len(titles) != 2 {
			t.Errorf("issues: %v; the publications are %q", titles, states())
		}
		for title, n := range titles {
			if n != 1 {
				t.Errorf("%q was opened %d times", title, n)
			}
		}
	})
}

// written returns how many writes the server was sent.
func written(server *githubtest.Server) (n int) {
	for _, r := range server.Requests() {
		if r.IsWrite() {
			n++
		}
	}
	return n
}
