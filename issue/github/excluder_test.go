package github_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
)

func TestWhoExcludedAnIssueAndWhy(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	by := func(author, body string) *githubtest.Comment {
		return &githubtest.Comment{ID: now.UnixNano(), Author: author, Association: "NONE", Body: body, Created: now, Updated: now}
	}
	for name, tc := range map[string]struct {
		do      func(*githubtest.Issue)
		private bool
		want    *issue.Exclusion
	}{
		"not at all":       {do: func(i *githubtest.Issue) { i.Label("alice", "postburn:other", now) }},
		"without a reason": {do: func(i *githubtest.Issue) { i.Label("alice", "postburn:exclude", now) }, want: &issue.Exclusion{By: "alice", At: now}},
		"spelt otherwise":  {do: func(i *githubtest.Issue) { i.Label("alice", "Postburn:Exclude", now) }, want: &issue.Exclusion{By: "alice", At: now}},
		"and taken back": {do: func(i *githubtest.Issue) {
			i.Label("alice", "postburn:exclude", now)
			i.Unlabel("bob", "postburn:exclude", now)
		}},
		"nobody knows when": {do: func(i *githubtest.Issue) { i.Labels = append(i.Labels, "postburn:exclude") }, want: &issue.Exclusion{}},
		"twice, after much else": {
			do: func(i *githubtest.Issue) {
				i.Label("alice", "postburn:exclude", now.Add(-time.Hour))
				for range 5 {
					i.Label("carol", "other", now)
				}
				i.Unlabel("alice", "postburn:exclude", now)
				i.Label("bob", "postburn:exclude", now)
			},
			want: &issue.Exclusion{By: "bob", At: now},
		},
		"the newest reason of somebody who works there": {
			do: func(i *githubtest.Issue) {
				i.Label("alice", "postburn:exclude", now)
				i.Comments = append(i.Comments, by("member", "postburn: an old one"), by("member", "Sorry.\r\npostburn: a load test\r\n"),
					by("stranger", "postburn: free money"), by("ci[bot]", "postburn: by a robot"), by("member", "postburn:exclude"))
			},
			want: &issue.Exclusion{By: "alice", At: now, Reason: "a load test"},
		},
		"of anybody in a private repository": {
			do: func(i *githubtest.Issue) {
				i.Label("alice", "postburn:exclude", now)
				i.Comments = append(i.Comments, by("stranger", "postburn: not ours"), by("ci[bot]", "postburn: by a robot"))
			},
			private: true, want: &issue.Exclusion{By: "alice", At: now, Reason: "not ours"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, server := open(t)
			server.AddUser("other", githubtest.User{Login: "ci[bot]", Bot: true})
			server.PerPage = 3
			opened := create(t, tracker, post("checkout-1"))
			server.Change(acme, func(r *githubtest.Repository) {
				r.Private, r.Permissions = tc.private, map[string]string{"member": "write"}
			})
			at(server, opened.Ref, tc.do, nil)
			got, err := tracker.ListMarked(t.Context(), acme, now.Add(-time.Hour))
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			want := issue.Marked{Key: "checkout-1", Ref: opened.Ref, Updated: got[0].Updated, Exclusion: tc.want}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestExcludedIssueThatCantBeRead has a request fail: what is not known yet is not guessed.
func TestExcludedIssueThatCantBeRead(t *testing.T) {
	tracker, server := open(t)
	opened := create(t, tracker, post("checkout-1"))
	at(server, opened.Ref, func(i *githubtest.Issue) { i.Label("alice", "postburn:exclude", time.Now()) }, nil)
	for _, path := range []string{"/events", "/comments"} {
		server.Fault = func(r githubtest.Request) githubtest.Fault {
			if r.Path == "/repos/"+acme+"/issues/1"+path {
				return githubtest.Fails(429, false)
			}
			return githubtest.Fault{}
		}
		_, err := tracker.ListMarked(t.Context(), acme, time.Time{})
		if limited := (issue.RateLimited{}); !errors.As(err, &limited) {
			t.Errorf("%s: %v, want a rate limit", path, err)
		}
	}
}

// TestExcludedWithinAMinute publishes an incident at GitHub, and has people exclude it, say why,
// and take it back. postburn notices each within half a minute, and writes nothing for it. While
// nothing changes, GitHub need not count its lists.
func TestExcludedWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTorture(t)
		r.reads, r.marks = true, true
		onset := time.Now()
		var stored []*issue.Exclusion
		note := func() {
			p, _ := r.store.Load("checkout-1")
			stored = append(stored, p.Excluded)
		}
		person := func(do func(*githubtest.Issue)) func() { return func() { each(r.server, do) } }
		var labelled time.Time
		r.people = map[time.Duration]func(){
			30 * time.Minute: person(func(i *githubtest.Issue) {
				labelled = time.Now()
				i.Label("alice", issue.ExcludeLabel, labelled)
			}),
			30*time.Minute + 30*time.Second: note,
			40 * time.Minute: person(func(i *githubtest.Issue) {
				i.Updated = time.Now()
				i.Comments = append(i.Comments, &githubtest.Comment{ID: 7, Author: "bob", Body: "postburn: our own load test", Created: i.Updated, Updated: i.Updated})
			}),
			40*time.Minute + 30*time.Second: note,
			50 * time.Minute:                person(func(i *githubtest.Issue) { i.Unlabel("alice", issue.ExcludeLabel, time.Now()) }),
			50*time.Minute + 30*time.Second: note,
		}
		r.until(t, time.Hour, func(now time.Time) (alert.Incident, bool) {
			return incident("checkout", onset, now, [2]time.Duration{0, 10 * time.Minute})
		})
		at := labelled.UTC().Truncate(time.Second)
		want := []*issue.Exclusion{{By: "alice", At: at}, {By: "alice", At: at, Reason: "our own load test"}, nil}
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Errorf("what is stored (-want +got):\n%s", diff)
		}
		each(r.server, func(i *githubtest.Issue) {
			if len(i.Comments) != 3 { // what went on, that it is over, and bob's
				t.Errorf("%d comments", len(i.Comments))
			}
		})
		for _, q := range r.server.Requests() {
			at := q.At.Sub(onset)
			if at > 31*time.Minute && at < 40*time.Minute && q.Path == "/repos/"+acme+"/issues" && !q.Conditional {
				t.Errorf("a list after %s is not conditional", at)
			}
		}
	})
}
