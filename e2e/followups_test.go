//go:build e2e

package e2e

import (
	"fmt"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// TestGitHubFollowUps makes follow-ups issues and sub-issues, and kills postburn at its first
// request for each: GitHub has acted, and nobody has its answer. What it sends is checked against
// GitHub's description.
func TestGitHubFollowUps(t *testing.T) {
	t.Parallel()
	s, server := newGitHubStage(t)
	server.WriteEvery = 0 // who was killed does not know when it wrote
	s.start()
	f := s.breakDown()
	s.awaitIssue(server)
	f.until(lasting)
	s.repair(f)
	s.verifyIssue(server, f)

	kill, killed := make(chan string, 10), map[string]bool{}
	var mu sync.Mutex
	server.Fault = func(r githubtest.Request) githubtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		kind := r.Method + " " + path.Base(r.Path)
		if kind != "POST issues" && kind != "POST sub_issues" && kind != "POST comments" || killed[kind] {
			return githubtest.Fault{}
		}
		killed[kind] = true
		kill <- kind
		return githubtest.Fault{Acts: true, Hangs: true}
	}
	const tasks = "- [ ] Set a timeout on calls to payments (alice)\n- [ ] Alert on the queue's length (bob)\n- [x] Roll back\n"
	server.Change(repository, func(r *githubtest.Repository) {
		i := r.Issues[0]
		i.Body = strings.Replace(i.Body, "_What will you change this week (short term)? What would keep the next failure of this kind from reaching users (long term)?_\n", tasks, 1)
		i.Labels, i.Updated = append(i.Labels, issue.FollowUpLabel), time.Now()
	})
	s.postburn.kill()
	s.postburn.start() // it reads follow-ups every ten minutes, and when it starts
	for range 3 {
		select {
		case kind := <-kill:
			t.Logf("killed at %s", kind)
			s.postburn.kill()
			s.postburn.start()
		case <-time.After(3 * time.Minute):
			t.Fatalf("it has asked for nothing but %v", killed)
		}
	}
	await(t, 3*time.Minute, "the issues of follow-ups", func() error {
		all := issues(server)
		if len(all) != 3 || len(all[0].SubIssues) != 2 {
			return fmt.Errorf("%d issues, and %d sub-issues", len(all), len(all[0].SubIssues))
		}
		waiting, err := s.postburn.metric("postburn_publications_waiting")
		if err == nil && waiting != 0 {
			err = errNotYet
		}
		return err
	})
	all := issues(server)
	links := 0
	for _, c := range all[0].Comments {
		if strings.Contains(c.Body, "These follow-ups have issues of their own now:") {
			links++
		}
	}
	if links != 1 || !strings.Contains(all[0].Body, tasks) {
		t.Errorf("%d comments with links; the body is\n%s", links, all[0].Body)
	}
	open, err := s.postburn.metric("postburn_follow_ups", "service", "shop", "age", "under_7d")
	if err != nil || open != 2 {
		t.Errorf("%v open follow-ups: %v", open, err)
	}
}
