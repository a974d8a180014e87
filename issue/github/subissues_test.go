package github_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// family is a post-mortem and an issue of one of its follow-ups.
func family(t *testing.T, tracker *github.Tracker) (parent, child issue.Found) {
	t.Helper()
	for key, found := range map[string]*issue.Found{"checkout-1": &parent, "checkout-1/follow-up-1": &child} {
		var err error
		*found, err = tracker.Create(t.Context(), issue.Post{Key: key, Text: issue.Text{Title: key, Body: "x\n"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return parent, child
}

// subIssues returns how many sub-issues an issue has.
func subIssues(server *githubtest.Server, of issue.Found) (n int) {
	at(server, of.Ref, func(i *githubtest.Issue) { n = len(i.SubIssues) }, nil)
	return n
}

func TestNest(t *testing.T) {
	tracker, server := open(t)
	parent, child := family(t, tracker)
	for range 2 { // twice is once
		if err := tracker.Nest(t.Context(), parent, child.Ref.URL); err != nil {
			t.Fatal(err)
		}
		if n := subIssues(server, parent); n != 1 {
			t.Errorf("%d sub-issues, want 1", n)
		}
	}
	other, _ := family(t, tracker)
	if err := tracker.Nest(t.Context(), other, child.Ref.URL); !errors.Is(err, issue.ErrNoSubIssues) {
		t.Errorf("a person gave it another parent: got %v", err)
	}
	at(server, child.Ref, func(i *githubtest.Issue) { i.Deleted = true }, nil)
	if err := tracker.Nest(t.Context(), parent, child.Ref.URL); !errors.Is(err, issue.ErrNoSubIssues) {
		t.Errorf("its issue is gone: got %v", err)
	}
	at(server, parent.Ref, func(i *githubtest.Issue) { i.Deleted = true }, nil)
	if err := tracker.Nest(t.Context(), parent, child.Ref.URL); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("the post-mortem is gone: got %v", err)
	}
}

func TestNestOnAServerWithoutSubIssues(t *testing.T) {
	tracker, server := open(t)
	parent, child := family(t, tracker)
	server.NoSubIssues = true
	if err := tracker.Nest(t.Context(), parent, child.Ref.URL); !errors.Is(err, issue.ErrNoSubIssues) {
		t.Errorf("got %v", err)
	}
}

// TestNestWhenAnAnswerIsLost has each request go wrong once: only a server that has no sub-issues
// is not asked again.
func TestNestWhenAnAnswerIsLost(t *testing.T) {
	for name, fault := range map[string]githubtest.Fault{
		"lost before": githubtest.LostBefore(), "lost after": githubtest.LostAfter(), "500": githubtest.Fails(500, false), "502 after": githubtest.Fails(502, true),
		"403": githubtest.Fails(403, false), "404": githubtest.Fails(404, false), "410": githubtest.Fails(410, false),
		"secondary limit": githubtest.SecondaryLimit(403, 0),
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				tracker, server := open(t)
				parent, child := family(t, tracker)
				before := len(server.Requests())
				hit := false
				server.Fault = func(r githubtest.Request) githubtest.Fault {
					if r.N == before+n {
						hit = true
						return fault
					}
					return githubtest.Fault{}
				}
				err := tracker.Nest(t.Context(), parent, child.Ref.URL)
				if errors.Is(err, issue.ErrNoSubIssues) {
					t.Errorf("request %d: it gave up: %v", n, err)
				}
				if err != nil {
					err = tracker.Nest(t.Context(), parent, child.Ref.URL)
				}
				if got := subIssues(server, parent); err != nil || got != 1 {
					t.Errorf("request %d: %d sub-issues: %v", n, got, err)
				}
				if !hit {
					return
				}
			}
		})
	}
}

func TestStateOfAnIssueThatPeopleName(t *testing.T) {
	for name, tc := range map[string]struct {
		address      string
		closed, gone bool
		unasked      bool // GitHub is not even asked
	}{
		"open":                   {address: base + "/" + acme + "/issues/2"},
		"closed":                 {address: base + "/" + acme + "/issues/3", closed: true},
		"a merged pull request":  {address: base + "/" + acme + "/pull/4", closed: true},
		"of the same owner":      {address: base + "/acme/other/issues/1", closed: true},
		"transferred":            {address: base + "/" + acme + "/issues/5", closed: true},
		"transferred away":       {address: base + "/" + acme + "/issues/6", gone: true},
		"not there":              {address: base + "/" + acme + "/issues/99", gone: true},
		"of somebody else":       {address: base + "/elsewhere/secret/issues/1", gone: true, unasked: true},
		"on another server":      {address: "https://github.com/" + acme + "/issues/3", gone: true, unasked: true},
		"an unknown repository":  {address: base + "/acme/nothing/issues/3", gone: true},
		"the address has no end": {address: base + "/" + acme + "/issues/", gone: true, unasked: true},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, server := open(t)
			server.AddRepository("acme/other")
			server.AddRepository("elsewhere/secret")
			post := server.AddIssue(acme, githubtest.Issue{Title: "post-mortem"})
			server.AddIssue(acme, githubtest.Issue{Title: "open"})
			server.AddIssue(acme, githubtest.Issue{Title: "closed", State: "closed"})
			server.AddIssue(acme, githubtest.Issue{Title: "merged", State: "closed", PullRequest: true})
			for _, to := range []string{"acme/other", "elsewhere/secret"} {
				server.AddIssue(to, githubtest.Issue{Title: "x", State: "closed"})
				server.Transfer(acme, server.AddIssue(acme, githubtest.Issue{Title: "x", State: "closed"}), to)
			}
			in := issue.Ref{Number: int64(post), URL: fmt.Sprintf("%s/%s/issues/%d", base, acme, post)}
			closed, since, err := tracker.State(t.Context(), tc.address, in)
			if closed != tc.closed || since.IsZero() == tc.closed || errors.Is(err, issue.ErrNotFound) != tc.gone || (err != nil) != tc.gone {
				t.Errorf("closed is %v since %v: %v", closed, since, err)
			}
			if tc.unasked != (len(server.Requests()) == 0) {
				t.Errorf("asked %v", server.Requests())
			}
		})
	}
}
