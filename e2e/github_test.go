//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
)

const (
	repository  = "acme/shop"
	githubToken = "ghp_a-token-that-must-not-be-shown"
)

// newGitHub is a GitHub with an empty repository, and the environment of a postburn that uses it.
func newGitHub(t *testing.T) (*githubtest.Server, []string) {
	t.Helper()
	return newGitHubAt(t, httptest.NewServer)
}

func newGitHubAt(t *testing.T, listen func(http.Handler) *httptest.Server) (*githubtest.Server, []string) {
	t.Helper()
	server := &githubtest.Server{WriteEvery: 990 * time.Millisecond, Check: description(t)}
	server.AddRepository(repository)
	server.AddUser(githubToken, githubtest.User{Login: "postburn-robot", Push: true})
	listening := listen(server)
	t.Cleanup(func() {
		listening.CloseClientConnections()
		listening.Close()
		for _, p := range server.Problems() {
			t.Error(p)
		}
	})
	return server, []string{
		"POSTBURN_GITHUB_REPOSITORY=" + repository, "POSTBURN_GITHUB_URL=" + listening.URL, "POSTBURN_GITHUB_TOKEN=" + githubToken,
	}
}

// newGitHubStage is a stage whose postburn publishes to GitHub.
func newGitHubStage(t *testing.T) (*stage, *githubtest.Server) {
	t.Helper()
	server, env := newGitHub(t)
	s := newStage(t, onlyBurns())
	s.postburn.env = append(s.postburn.env, env...)
	return s, server
}

// issues are copies of all that are in the repository.
func issues(server *githubtest.Server) (all []githubtest.Issue) {
	server.Change(repository, func(r *githubtest.Repository) {
		for _, i := range r.Issues {
			all = append(all, *i)
		}
	})
	return all
}

func (s *stage) awaitIssue(server *githubtest.Server) {
	s.t.Helper()
	await(s.t, patience, "the issue", func() error {
		if len(issues(server)) == 0 {
			return errNotYet
		}
		return s.postburn.alive()
	})
}

// verifyIssue waits until the only issue has the only incident's final numbers in its body, and in
// one comment.
func (s *stage) verifyIssue(server *githubtest.Server, f *fault) {
	s.t.Helper()
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	want := finalNumbers(i)
	await(s.t, 4*time.Minute, "the issue to be completed", func() error {
		all := issues(server)
		if len(all) != 1 {
			return fmt.Errorf("%d issues", len(all))
		}
		body := all[0].Body
		if !strings.Contains(body, want) || strings.Contains(body, " so far: ") || !strings.Contains(body, "## Analysis") {
			return fmt.Errorf("%q and nothing that goes on should be in\n%s", want, body)
		}
		if len(all[0].Comments) != 1 || !strings.Contains(all[0].Comments[0].Body, want) {
			return fmt.Errorf("the comments are %+v", all[0].Comments)
		}
		if waiting, err := s.postburn.metric("postburn_publications_waiting"); err != nil || waiting != 0 {
			return errors.Join(err, fmt.Errorf("%v publications wait", waiting))
		}
		return nil
	})
	await(s.t, patience, "the labels", func() error {
		got := slices.Sorted(slices.Values(issues(server)[0].Labels))
		if want := []string{"postburn", "service:shop", "severity:2", "status:recovered"}; !slices.Equal(got, want) {
			return fmt.Errorf("the labels are %q, want %q", got, want)
		}
		return nil
	})
	if strings.Contains(s.postburn.output(), githubToken) {
		s.t.Error("the token is in the log")
	}
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func() githubtest.Fault{
		"well":                     func() githubtest.Fault { return githubtest.Fault{} },
		"acts without an answer":   githubtest.LostAfter,
		"limits":                   func() githubtest.Fault { return githubtest.SecondaryLimit(403, 3*time.Second) },
		"fails after it has acted": func() githubtest.Fault { return githubtest.Fails(502, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, server := newGitHubStage(t)
			times := 0
			server.Fault = func(r githubtest.Request) githubtest.Fault {
				if r.IsWrite() && strings.HasSuffix(r.Path, "/issues") {
					if times++; times == 1 {
						return fault()
					}
				}
				return githubtest.Fault{}
			}
			s.start()
			f := s.breakDown()
			s.awaitIssue(server)
			f.until(lasting)
			s.repair(f)
			s.verifyIssue(server, f)
		})
	}
}

// TestGitHubPostburnKilled kills postburn at its first request of each kind: GitHub has acted, and
// nobody has its answer. If GitHub had not acted, postburn would give up only after 90 s; tests
// that can skip time cover that.
func TestGitHubPostburnKilled(t *testing.T) {
	t.Parallel()
	s, server := newGitHubStage(t)
	server.WriteEvery = 0 // who was killed does not know when it wrote
	kinds := map[string]bool{}
	kill := make(chan string, 10)
	var mu sync.Mutex
	server.Fault = func(r githubtest.Request) githubtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		kind := r.Method + " " + path.Base(r.Path)
		if !r.IsWrite() || kinds[kind] {
			return githubtest.Fault{}
		}
		kinds[kind] = true
		kill <- kind
		return githubtest.Fault{Acts: true, Hangs: true}
	}
	s.start()
	f := s.breakDown()
	waiting := map[string]bool{
		"POST labels": true, "POST issues": true, "PATCH 1": true, "POST comments": true, "DELETE status:burning": true,
	}
	var end <-chan time.Time // once there is an issue of something that goes on
	for limit := time.After(4 * time.Minute); len(waiting) > 0; {
		select {
		case kind := <-kill:
			if kind == "POST issues" {
				end = time.After(time.Until(f.on.Add(lasting)))
			}
			s.postburn.kill()
			delete(waiting, kind)
			s.postburn.start()
		case <-end:
			s.repair(f)
		case <-limit:
			t.Fatalf("there was no %v", waiting)
		}
	}
	s.verifyIssue(server, f)
}
