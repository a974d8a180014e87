package github_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/issue/learn"
)

// agreed is what people write in a post-mortem.
const agreed = "- [ ] Set a timeout on calls to payments (alice)\n- [ ] Alert on the queue's length (mallory)\n- [x] Roll back\n- [ ] Try a smaller pool #4\n"

// forget makes a post-mortem's follow-ups issues, with a misfortune at the n-th request after
// people asked for that, and returns how many requests there were.
func forget(t *testing.T, name string, n int) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		r := newTorture(t)
		r.reads, r.tasks, r.remindAfter = true, learn.Tasks, 8*time.Minute
		r.server.Change(acme, func(repo *githubtest.Repository) { repo.Assignable = []string{"alice"} })
		var before atomic.Int64 // requests
		r.server.Fault = func(q githubtest.Request) githubtest.Fault {
			if asked := int(before.Load()); asked > 0 && q.N == asked+n {
				return r.misfortunes()[name]()
			}
			return githubtest.Fault{}
		}
		r.people = map[time.Duration]func(){18 * time.Minute: func() {
			before.Store(int64(len(r.server.Requests())))
			each(r.server, func(i *githubtest.Issue) {
				i.Body = strings.Replace(i.Body, "_What will you change this week (short term)? What would keep the next failure of this kind from reaching users (long term)?_\n", agreed, 1)
				i.Labels, i.Updated = append(i.Labels, issue.FollowUpLabel), time.Now()
			})
		}}
		onset := time.Now().Truncate(time.Minute)
		r.until(t, 50*time.Minute, func(now time.Time) (alert.Incident, bool) {
			return incident("checkout", onset, now, [2]time.Duration{0, 10 * time.Minute})
		})
		requests = len(r.server.Requests()) - int(before.Load())
		if strings.HasPrefix(name, "dies") && n > 0 && r.deaths != 1 {
			t.Errorf("died %d times", r.deaths)
		}
		verifyFollowUps(t, r)
		if t.Failed() {
			for _, q := range r.server.Requests()[before.Load():] {
				t.Logf("%d: %s %s at %s", q.N-int(before.Load()), q.Method, q.Path, q.At.Format(time.TimeOnly))
			}
			p, _ := r.store.Load("checkout-1")
			for _, w := range p.Writes {
				t.Logf("%s is %s, not until %s: %s", w.Key, w.State, w.NotUntil.Format(time.TimeOnly), w.Error)
			}
		}
	})
	return requests
}

func verifyFollowUps(t *testing.T, r *torture) {
	t.Helper()
	keys := slices.DeleteFunc(r.keys(), func(key string) bool { return strings.Contains(key, "/progress") || strings.Contains(key, "/recovery") })
	for n, key := range keys {
		if issue.IsFollowUpKey(key) {
			keys[n] = key[:strings.LastIndex(key, "-")]
		}
	}
	want := []string{"checkout-1", "checkout-1/follow-up", "checkout-1/follow-up", "checkout-1/follow-ups", "checkout-1/reminder-1"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	var parent *githubtest.Issue
	assigned := map[string][]string{}
	each(r.server, func(i *githubtest.Issue) {
		if firstKey(i.Body) == "checkout-1" {
			parent = i
			return
		}
		assigned[i.Title] = i.Assignees
		if !slices.Equal(i.Labels, []string{issue.FollowUpLabel, "service:checkout"}) {
			t.Errorf("the labels of %q are %q", i.Title, i.Labels)
		}
	})
	if len(parent.SubIssues) != 2 || parent.SubIssues[0] == parent.SubIssues[1] {
		t.Errorf("the sub-issues are %v", parent.SubIssues)
	}
	if !strings.Contains(parent.Body, agreed) {
		t.Errorf("people's words are lost:\n%s", parent.Body)
	}
	if diff := cmp.Diff(map[string][]string{"Set a timeout on calls to payments (alice)": {"alice"}, "Alert on the queue's length (mallory)": nil}, assigned); diff != "" {
		t.Errorf("assignees (-want +got):\n%s", diff)
	}
	for _, c := range parent.Comments {
		if strings.HasSuffix(firstKey(c.Body), "/follow-ups") && strings.Count(c.Body, "\n- [") != 2 {
			t.Errorf("the links are\n%s", c.Body)
		}
		if strings.HasSuffix(firstKey(c.Body), "/reminder-1") && strings.Count(c.Body, "\n- ") != 3 {
			t.Errorf("the reminder is\n%s", c.Body)
		}
	}
	if p, _ := r.store.Load("checkout-1"); !p.IsSettled() {
		t.Errorf("there is something left to do: %+v", p)
	}
}

// TestFollowUpsExactlyOnceWhateverGitHubDoes has each request for follow-ups go wrong.
func TestFollowUpsExactlyOnceWhateverGitHubDoes(t *testing.T) {
	total := forget(t, "500", 0)
	if total < 30 || t.Failed() {
		t.Fatalf("%d requests", total)
	}
	total = 30 // up to the reminder: then nothing is left but to look again
	for i, name := range slices.Sorted(maps.Keys((&torture{}).misfortunes())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 1; n <= total; n++ {
				if !isTried(n, i) {
					continue
				}
				forget(t, name, n)
				if t.Failed() {
					t.Fatalf("at request %d of %d", n, total)
				}
			}
		})
	}
}

// TestFollowUpsOnAServerWithoutSubIssues links them alone.
func TestFollowUpsOnAServerWithoutSubIssues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTorture(t)
		r.server.NoSubIssues = true
		r.reads, r.tasks = true, learn.Tasks
		r.people = map[time.Duration]func(){18 * time.Minute: func() {
			each(r.server, func(i *githubtest.Issue) {
				i.Body = strings.Replace(i.Body, "_What will you change this week (short term)? What would keep the next failure of this kind from reaching users (long term)?_\n", agreed, 1)
				i.Labels, i.Updated = append(i.Labels, issue.FollowUpLabel), time.Now()
			})
		}}
		onset := time.Now().Truncate(time.Minute)
		r.until(t, 40*time.Minute, func(now time.Time) (alert.Incident, bool) {
			return incident("checkout", onset, now, [2]time.Duration{0, 10 * time.Minute})
		})
		p, _ := r.store.Load("checkout-1")
		if len(p.FollowUps.WithIssues()) != 2 || !p.IsSettled() || !slices.ContainsFunc(r.keys(), func(key string) bool { return strings.HasSuffix(key, "/follow-ups") }) {
			t.Errorf("%v\n%s", r.keys(), fmt.Sprint(p.FollowUps))
		}
	})
}
