//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
)

// anIssue is a stage with a burning incident whose issue is there.
func anIssue(t *testing.T, prepare func(*githubtest.Server)) (*stage, *githubtest.Server, *fault) {
	t.Helper()
	s, server := newGitHubStage(t)
	prepare(server)
	s.start()
	f := s.breakDown()
	s.awaitIssue(server)
	return s, server, f
}

// in are copies of all issues of a repository that are still there.
func in(server *githubtest.Server, name string) (all []githubtest.Issue) {
	server.Change(name, func(r *githubtest.Repository) {
		for _, i := range r.Issues {
			if i.MovedTo == 0 {
				all = append(all, *i)
			}
		}
	})
	return all
}

func TestAttackLockedConversation(t *testing.T) {
	t.Parallel()
	attack(t, "locks an issue", "keep what postburn has to say from everybody", func(t *testing.T) {
		s, server, f := anIssue(t, func(server *githubtest.Server) { server.TokenUser(githubToken).Push = false })
		lock := func(locked bool) {
			server.Change(repository, func(r *githubtest.Repository) { r.Issues[0].Locked = locked })
		}
		lock(true)
		f.until(lasting)
		s.repair(f)
		want := finalNumbers(s.awaitRecovered())
		await(t, patience, "the body to be final, and the comment to wait, as the log tells", func() error {
			waiting, err := s.postburn.metric("postburn_publications_waiting")
			body := issues(server)[0].Body
			told := s.postburn.said("commenting on issue 1 of "+repository, "the conversation is locked") > 0
			if err != nil || waiting != 1 || !told || !strings.Contains(body, want) || strings.Contains(body, " so far: ") {
				return errors.Join(err, errNotYet)
			}
			return nil
		})
		if len(issues(server)[0].Comments) != 0 {
			t.Error("it commented")
		}
		lock(false)
		await(t, patience, "the comment", func() error {
			comments := issues(server)[0].Comments
			if len(comments) != 1 || !strings.Contains(comments[0].Body, want) {
				return errNotYet
			}
			return nil
		})
	})
}

func TestAttackTransfer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ tried, to, log string }{
		{"have the post-mortem lost, or written twice", "acme/other", "post-mortem was transferred and goes on there"},
		{"have postburn write to somebody else's repository", "mallory/loot", "post-mortem was transferred and is left alone"},
	} {
		t.Run(tc.to, func(t *testing.T) {
			t.Parallel()
			attack(t, "transfers an issue", tc.tried, func(t *testing.T) {
				s, server, f := anIssue(t, func(server *githubtest.Server) { server.AddRepository(tc.to) })
				number := server.Transfer(repository, 1, tc.to)
				before := in(server, tc.to)[0]
				f.until(lasting)
				s.repair(f)
				want := finalNumbers(s.awaitRecovered())
				await(t, patience, "all to be settled", func() error {
					waiting, err := s.postburn.metric("postburn_publications_waiting")
					if err != nil || waiting != 0 || s.postburn.said(tc.log) == 0 {
						return errors.Join(err, fmt.Errorf("%v publications wait", waiting))
					}
					now := in(server, tc.to)[0]
					if followed := tc.to == "acme/other"; followed && (!strings.Contains(now.Body, want) || len(now.Comments) != 1) {
						return fmt.Errorf("%d comments, and the body is\n%s", len(now.Comments), now.Body)
					}
					return nil
				})
				if now := in(server, tc.to)[0]; tc.to == "mallory/loot" && (now.Body != before.Body || len(now.Comments) != 0) {
					t.Error("it wrote there")
				}
				if here, there := len(in(server, repository)), len(in(server, tc.to)); here != 0 || there != 1 || number != 1 {
					t.Errorf("%d issues here and %d there", here, there)
				}
			})
		})
	}
}

// TestAttackGitHubAnswers has something else answer in place of GitHub's API, or GitHub refuse for
// another reason than a missing permission.
func TestAttackGitHubAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tried string
		make  func(*githubtest.Server)
		says  []string
	}{
		{"answer with a page, titled with terminal escapes", func(s *githubtest.Server) {
			s.Fault = func(githubtest.Request) githubtest.Fault { return githubtest.WebPage(403, "Blocked \x1b[31m\u202e") }
		}, []string{"a web page or text instead of JSON", "Blocked", "POSTBURN_GITHUB_URL"}},
		{"ask for single sign-on", func(s *githubtest.Server) {
			s.Change(repository, func(r *githubtest.Repository) { r.SSO = true })
		}, []string{repository, "Configure SSO", "authorize it for acme"}},
	} {
		attack(t, "answers for GitHub", tc.tried, func(t *testing.T) {
			server, env := newGitHub(t)
			tc.make(server)
			p := newPostburn(t, "http://127.0.0.1:1", onlyBurns(), env...)
			p.start()
			await(t, patience, "the log to tell", func() error {
				if p.said(append([]string{"post-mortems can't be written yet"}, tc.says...)...) == 0 {
					return errNotYet
				}
				return nil
			})
			if out := p.output(); strings.ContainsAny(out, "\x1b\u202e") || strings.Contains(out, "lacks a permission") || strings.Contains(out, `says \"\"`) {
				t.Errorf("the log is\n%s", out)
			}
		})
	}
}

func TestAttackGitHubRedirect(t *testing.T) {
	t.Parallel()
	attack(t, "answers for GitHub", "redirect the token to another port", func(t *testing.T) {
		var mu sync.Mutex
		seen := []string{}
		note := func(name string) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, name+" was asked with "+r.Header.Get("Authorization"))
			}
		}
		stranger := httptest.NewServer(note("the stranger"))
		defer stranger.Close()
		asked := make(chan bool, 100)
		home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL+r.URL.Path, http.StatusTemporaryRedirect)
			asked <- true
		}))
		defer home.Close()
		p := newPostburn(t, "http://127.0.0.1:1", onlyBurns(),
			"POSTBURN_GITHUB_REPOSITORY="+repository, "POSTBURN_GITHUB_URL="+home.URL, "POSTBURN_GITHUB_TOKEN="+githubToken)
		p.start()
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("GitHub is not asked")
		}
		await(t, patience, "the log to tell", func() error {
			if p.said("post-mortems can't be written yet") == 0 {
				return errNotYet
			}
			return nil
		})
		mu.Lock()
		defer mu.Unlock()
		if len(seen) > 0 {
			t.Errorf("%q", seen)
		}
	})
}
