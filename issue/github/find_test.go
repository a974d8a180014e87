package github_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// TestFindKnowsItsOwn has the marker copied by others, and dropped labels, pull requests and old
// issues among the issues.
func TestFindKnowsItsOwn(t *testing.T) {
	tracker, server := open(t, func(o *github.Options) { o.Logins = []string{"Former-Robot"} })
	body := post("checkout-1").Marker().String() + "\nIt failed.\n"
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	own := server.AddIssue(acme, githubtest.Issue{Title: "a", Body: body, Author: "postburn-robot", State: "closed"})
	former := server.AddIssue(acme, githubtest.Issue{Title: "b", Body: "A person's note.\r\n" + body, Author: "former-robot"})
	server.AddIssue(acme, githubtest.Issue{Title: "c", Body: body, Author: "mallory"})
	server.AddIssue(acme, githubtest.Issue{Title: "d", Body: body, Author: "postburn-robot", PullRequest: true})
	server.AddIssue(acme, githubtest.Issue{Title: "e", Body: "no marker", Author: "postburn-robot"})
	server.AddIssue(acme, githubtest.Issue{Title: "f", Body: body, Author: "postburn-robot", Created: ago(2 * time.Hour)})
	all, err := tracker.Find(t.Context(), post("checkout-1"), ago(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, f := range all {
		got = append(got, f.Ref.Number)
	}
	if diff := cmp.Diff([]int64{int64(former), int64(own)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFindReadsAllPagesBackToTheTime(t *testing.T) {
	tracker, server := open(t)
	server.PerPage = 7
	body := post("checkout-1").Marker().String() + "\nIt failed.\n"
	start := time.Now().Add(-100 * time.Minute)
	want := server.AddIssue(acme, githubtest.Issue{Title: "ours", Body: body, Author: "postburn-robot", Created: start})
	for i := range 40 {
		server.AddIssue(acme, githubtest.Issue{Title: "x", Author: "somebody", Created: start.Add(time.Duration(i+1) * time.Minute)})
	}
	all, err := tracker.Find(t.Context(), post("checkout-1"), start)
	if err != nil || len(all) != 1 || all[0].Ref.Number != int64(want) {
		t.Fatalf("found %+v, %v", all, err)
	}
	before := len(server.Requests())
	all, err = tracker.Find(t.Context(), post("checkout-1"), start.Add(35*time.Minute))
	if n := len(server.Requests()) - before; err != nil || len(all) != 0 || n != 1 {
		t.Errorf("found %+v, %v by %d requests, want none by one", all, err, n)
	}
}

func TestFindCommentsOnAllPages(t *testing.T) {
	tracker, server := open(t)
	server.PerPage = 3
	opened := create(t, tracker, post("checkout-1"))
	for i := range 10 {
		create(t, tracker, issue.Post{Key: fmt.Sprintf("checkout-1/return-%d", i), Parent: &opened, Text: issue.Text{Body: "Back."}})
	}
	all, err := tracker.Find(t.Context(), issue.Post{Key: "checkout-1/return-9", Parent: &opened}, time.Now().Add(-time.Hour))
	if err != nil || len(all) != 1 || all[0].Ref.Parent != opened.Ref.Number {
		t.Errorf("found %+v, %v", all, err)
	}
}

func TestUnchangedAnswersAreFree(t *testing.T) {
	tracker, server := open(t)
	p := post("checkout-1")
	create(t, tracker, p)
	look := func() []issue.Found {
		all, err := tracker.Find(t.Context(), p, time.Now().Add(-time.Hour))
		if err != nil || len(all) != 1 {
			t.Fatalf("found %+v, %v", all, err)
		}
		return all
	}
	look()
	first := look()
	requests := server.Requests()
	if last := requests[len(requests)-1]; !last.Conditional {
		t.Errorf("%+v is not conditional", last)
	}
	server.Change(acme, func(r *githubtest.Repository) { r.Issues[0].State = "closed" })
	if again := look(); !again[0].Closed || first[0].Closed {
		t.Errorf("a change was not seen: %+v", again)
	}
}

func TestRenamedRepository(t *testing.T) {
	for name, looked := range map[string]bool{"before the start": false, "while it runs": true} {
		t.Run(name, func(t *testing.T) {
			tracker, server := open(t)
			opened := create(t, tracker, post("checkout-1"))
			server.Change(acme, func(r *githubtest.Repository) { r.Name, r.Before = "shop", []string{acme} })
			var log bytes.Buffer
			if !looked {
				tracker = newTracker(t, server, func(o *github.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			}
			if err := tracker.Replace(t.Context(), opened, final); err != nil {
				t.Error(err)
			}
			create(t, tracker, issue.Post{Key: "checkout-1/progress", Parent: &opened, Text: issue.Text{Body: "Still."}})
			create(t, tracker, post("checkout-2"))
			all, err := tracker.Find(t.Context(), post("checkout-1"), time.Now().Add(-time.Hour))
			if err != nil || len(all) != 2 {
				t.Errorf("found %+v, %v", all, err)
			}
			if n := strings.Count(log.String(), "now=acme/shop"); !looked && n != 1 {
				t.Errorf("the log has the new name %d times:\n%s", n, log.String())
			}
			server.Change(acme, func(r *githubtest.Repository) {
				if len(r.Issues) != 2 || len(r.Issues[0].Comments) != 1 || r.Issues[0].Title != final.Title {
					t.Errorf("the repository has %d issues", len(r.Issues))
				}
			})
		})
	}
}

// TestTransferredOutOfSight has an issue transferred to a repository that the token does not see.
func TestTransferredOutOfSight(t *testing.T) {
	tracker, server := open(t)
	opened := create(t, tracker, post("checkout-1"))
	server.AddRepository("acme/secret")
	server.Transfer(acme, 1, "acme/secret")
	server.Change("acme/secret", func(r *githubtest.Repository) { r.Gone = true })
	var moved issue.Moved
	if err := tracker.Replace(t.Context(), opened, final); !errors.As(err, &moved) || moved.To != (issue.Ref{}) || !strings.Contains(err.Error(), "can't see") {
		t.Errorf("got %v, want that it was transferred, and not where to", err)
	}
}

func TestPeopleAreReadWhereTheIssueIsNow(t *testing.T) {
	tracker, server := open(t)
	opened := create(t, tracker, post("checkout-1"))
	at(server, opened.Ref, func(i *githubtest.Issue) {
		i.Body += "\n- [ ] Do it\n"
		i.Comments = append(i.Comments, &githubtest.Comment{ID: 7, Author: "alice", Body: "09:14 here"})
	}, nil)
	server.AddRepository("acme/other")
	server.Transfer(acme, 1, "acme/other")
	all, _, err := tracker.Comments(t.Context(), opened.Ref)
	if err != nil || len(all) != 1 || all[0].Author != "alice" {
		t.Errorf("comments %+v, %v", all, err)
	}
	if body, err := tracker.Body(t.Context(), opened.Ref); err != nil || !strings.HasSuffix(body, "- [ ] Do it\n") {
		t.Errorf("body %q, %v", body, err)
	}
}

// TestTokenStaysAtHome has GitHub redirect to another server.
func TestTokenStaysAtHome(t *testing.T) {
	var mu sync.Mutex
	strangers := 0
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		strangers++
		t.Errorf("a stranger was asked, with the token %q", r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "<"+stranger.URL+`>; rel="next"`)
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/repos/" + acme:
			fmt.Fprint(w, `{"id": 1, "full_name": "acme/checkout"}`)
		case "/user":
			fmt.Fprint(w, `{"login": "postburn-robot"}`)
		case "/repos/acme/checkout/issues":
			fmt.Fprint(w, `[]`)
		default:
			http.Redirect(w, r, stranger.URL+"/repositories/1/issues/1", http.StatusTemporaryRedirect)
		}
	}))
	defer home.Close()
	tracker, err := github.New(github.Options{Repository: acme, URL: home.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	ref := issue.Ref{Number: 1, URL: home.URL + "/acme/checkout/issues/1"}
	if err := tracker.Replace(t.Context(), issue.Found{Ref: ref}, final); !errors.Is(err, issue.ErrRefused) || errors.As(err, new(issue.Moved)) {
		t.Errorf("got %v, want it refused: that is no transfer", err)
	}
	if _, err := tracker.Find(t.Context(), post("checkout-1"), time.Now()); err == nil {
		t.Error("no error")
	}
}

func TestOneWriteAtATimeAndASecondApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, server := open(t, func(o *github.Options) { o.WriteEvery = 0 })
		server.WriteEvery = time.Second
		server.Fault = func(r githubtest.Request) githubtest.Fault {
			if r.IsWrite() {
				time.Sleep(300 * time.Millisecond)
			}
			return githubtest.Fault{}
		}
		opened := create(t, tracker, post("checkout-1"))
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				create(t, tracker, issue.Post{Key: fmt.Sprintf("checkout-1/return-%d", i), Parent: &opened, Text: issue.Text{Body: "Back."}})
			})
		}
		all.Go(func() {
			if err := tracker.Replace(t.Context(), opened, final); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
	})
}

func TestWaitingForATurnIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, server := open(t, func(o *github.Options) { o.WriteEvery = time.Hour })
		opened := create(t, tracker, post("checkout-1"))
		before := len(server.Requests())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := tracker.Create(ctx, issue.Post{Key: "checkout-1/progress", Parent: &opened, Text: issue.Text{Body: "Still."}})
		if n := len(server.Requests()) - before; !errors.Is(err, issue.ErrRefused) || n != 0 {
			t.Errorf("got %v after %d requests, want ErrRefused: nothing was sent", err, n)
		}
	})
}

func TestWhatGitHubLeavesOutIsSaidOnce(t *testing.T) {
	for name, push := range map[string]bool{"with push access": true, "without push access": false} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			tracker, server := open(t, func(o *github.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			server.Change(acme, func(r *githubtest.Repository) {
				server.TokenUser(token).Push = push
				r.Assignable = []string{"alice"}
			})
			p := post("checkout-1")
			p.Labels, p.Assignees = []string{"postburn", "service:checkout"}, []string{"alice"}
			if err := tracker.Prepare(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			first := create(t, tracker, p)
			p.Key = "checkout-2"
			create(t, tracker, p)
			var want []string
			if !push {
				want = []string{"postburn", "service:checkout", "@alice"}
			}
			if diff := cmp.Diff(want, first.Dropped); diff != "" {
				t.Errorf("dropped: %s", diff)
			}
			if got := strings.Count(log.String(), "left_out="); got != len(want) {
				t.Errorf("said %d times:\n%s", got, log.String())
			}
			server.Change(acme, func(r *githubtest.Repository) {
				if push && (len(r.Labels) != 3 || r.Labels[0].Description == "" || r.Labels[1].Color == "ededed" || r.Labels[2].Name != issue.ExcludeLabel) {
					t.Errorf("the labels were not made: %+v", r.Labels)
				}
			})
		})
	}
}

func TestAssigneeWhoHasLeft(t *testing.T) {
	tracker, server := open(t)
	p := post("checkout-1")
	p.Assignees = []string{"bob"}
	found := create(t, tracker, p)
	if diff := cmp.Diff([]string{"@bob"}, found.Dropped); diff != "" {
		t.Error(diff)
	}
	server.Change(acme, func(r *githubtest.Repository) {
		if len(r.Issues) != 1 {
			t.Errorf("%d issues", len(r.Issues))
		}
	})
}

func TestEditedTitleIsAnEdit(t *testing.T) {
	tracker, server := open(t)
	opened := create(t, tracker, post("checkout-1"))
	at(server, opened.Ref, func(i *githubtest.Issue) { i.Title = "The cache was full" }, nil)
	if err := tracker.Replace(t.Context(), opened, final); !errors.Is(err, issue.ErrEdited) {
		t.Errorf("got %v, want ErrEdited", err)
	}
}

func TestLongTextsAreReplaced(t *testing.T) {
	tracker, server := open(t)
	p := post(strings.Repeat("ключ", 100))
	p.Text = issue.Text{Title: strings.Repeat("long ", 100), Body: strings.Repeat("ö It failed.\n", 10_000)}
	p.Labels = []string{"service:" + strings.Repeat("ä", 60), "service:" + strings.Repeat("ä", 61), "a,b", "A b"}
	opened := create(t, tracker, p)
	if len(opened.Dropped) > 0 {
		t.Errorf("dropped %q", opened.Dropped)
	}
	if err := tracker.Replace(t.Context(), opened, final); err != nil {
		t.Error(err)
	}
	server.Change(acme, func(r *githubtest.Repository) {
		if got := r.Issues[0]; got.Title != final.Title || len(got.Labels) != 4 {
			t.Errorf("the issue is %+v", got)
		}
	})
}

// TestCredentialsFollowNoRedirect has GitHub redirect everything, also the request for an
// installation's token, to another port, and from https to http.
func TestCredentialsFollowNoRedirect(t *testing.T) {
	private := key(t)
	for _, secure := range []bool{false, true} {
		for _, app := range []bool{false, true} {
			for _, status := range []int{301, 302, 303, 307, 308} {
				t.Run(fmt.Sprintf("https %v, app %v, %d", secure, app, status), func(t *testing.T) {
					stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						t.Errorf("a stranger was asked, with %q", r.Header.Get("Authorization"))
					}))
					defer stranger.Close()
					var asked atomic.Int32
					listen := httptest.NewServer
					if secure {
						listen = httptest.NewTLSServer
					}
					home := listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						asked.Add(1)
						http.Redirect(w, r, stranger.URL+r.URL.Path, status)
					}))
					defer home.Close()
					o := github.Options{Repository: acme, URL: home.URL, Token: token, Transport: home.Client().Transport}
					if app {
						o.Token, o.App = "", &github.App{ID: 1, InstallationID: 7, PrivateKeyFile: private}
					}
					tracker, err := github.New(o)
					if err != nil {
						t.Fatal(err)
					}
					_, err = tracker.Create(t.Context(), post("checkout-1"))
					for doing, err := range map[string]error{"check": tracker.Check(t.Context())[0].Err, "create": err} {
						if !errors.Is(err, issue.ErrRefused) || !strings.Contains(err.Error(), stranger.URL) || !strings.Contains(err.Error(), "POSTBURN_GITHUB_URL") {
							t.Errorf("%s: got %v, want it refused, and where to it is redirected", doing, err)
						}
					}
					if asked.Load() == 0 {
						t.Error("GitHub was not asked")
					}
				})
			}
		}
	}
}
