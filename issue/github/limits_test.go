package github_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

// TestWhatJustFits has texts that are as long as GitHub takes, and texts that are one longer.
func TestWhatJustFits(t *testing.T) {
	room := 65_536 - utf8.RuneCountInString(post("checkout-1").Marker().String()) - 1
	for over := range 2 {
		tracker, server := open(t)
		server.Change(acme, func(r *githubtest.Repository) {
			for n := range 11 {
				r.Assignable = append(r.Assignable, fmt.Sprint("person", n))
			}
		})
		p := post("checkout-1")
		p.Text = issue.Text{Title: strings.Repeat("ü", 256+over), Body: strings.Repeat("ö", room+over)}
		p.Labels = nil
		for n := range 100 + over {
			p.Labels = append(p.Labels, fmt.Sprintf("%0*d", 50+over, n))
		}
		for n := range 10 + over {
			p.Assignees = append(p.Assignees, fmt.Sprint("person", n))
		}
		found := create(t, tracker, p)
		each(server, func(i *githubtest.Issue) {
			title, body, label := utf8.RuneCountInString(i.Title), utf8.RuneCountInString(i.Body), utf8.RuneCountInString(i.Labels[99])
			if title != 256 || body < 65_000 || over == 0 && body != 65_536 || label != 50 || len(i.Labels) != 100 || len(i.Assignees) != 10 {
				t.Errorf("%d over: a title of %d, a body of %d, %d labels of %d, %d assignees", over, title, body, len(i.Labels), label, len(i.Assignees))
			}
			if cut := strings.HasSuffix(i.Title, "…") && strings.Contains(i.Body, "left out"); cut != (over == 1) {
				t.Errorf("%d over: cut is %t", over, cut)
			}
		})
		if len(found.Dropped) != 2*over {
			t.Errorf("%d over: %q are left out", over, found.Dropped)
		}
	}
}

// TestRememberedAnswers reads some issues twice. Up to 24 answers are remembered, the last ones
// used.
func TestRememberedAnswers(t *testing.T) {
	for n, want := range map[int]int{24: 24, 25: 0} {
		tracker, server := open(t)
		var all []issue.Ref
		for range n {
			number := server.AddIssue(acme, githubtest.Issue{Title: "x", Body: "x", Author: "alice"})
			all = append(all, issue.Ref{Number: int64(number), URL: fmt.Sprintf("%s/%s/issues/%d", base, acme, number)})
		}
		for range 2 {
			for _, ref := range all {
				if _, err := tracker.Body(t.Context(), ref); err != nil {
					t.Fatal(err)
				}
			}
		}
		conditional := slices.DeleteFunc(server.Requests(), func(r githubtest.Request) bool { return !r.Conditional })
		if len(conditional) != want {
			t.Errorf("%d of %d requests are conditional, want %d", len(conditional), n, want)
		}
	}
}

// TestLargeAnswersAreNotRemembered has answers of a little less and a little more than 2 MiB.
func TestLargeAnswersAreNotRemembered(t *testing.T) {
	for size, want := range map[int]bool{2<<20 - 8<<10: true, 2 << 20: false} {
		tracker, server := open(t)
		number := server.AddIssue(acme, githubtest.Issue{Title: "x", Body: strings.Repeat("x", size), Author: "alice"})
		for range 2 {
			body, err := tracker.Body(t.Context(), issue.Ref{Number: int64(number), URL: fmt.Sprintf("%s/%s/issues/%d", base, acme, number)})
			if len(body) != size || err != nil {
				t.Errorf("a body of %d bytes, want %d: %v", len(body), size, err)
			}
		}
		requests := server.Requests()
		if got := requests[len(requests)-1].Conditional; got != want {
			t.Errorf("with a body of %d bytes, conditional is %t", size, got)
		}
	}
}

// TestLongAnswersInErrors has a web page with its title at some place, or a message of a length.
func TestLongAnswersInErrors(t *testing.T) {
	page := func(before int) githubtest.Fault {
		return githubtest.Fault{Answer: 502, Page: "<p>" + strings.Repeat(" ", before) + "<title>Proxy down</title>"}
	}
	message := func(length int) githubtest.Fault {
		return githubtest.Fault{Answer: 500, Message: strings.Repeat("m", length)}
	}
	for name, tc := range map[string]struct {
		fault githubtest.Fault
		want  string
	}{
		"title within 64 KiB": {page(64<<10 - 100), `"Proxy down"`},
		"title after 64 KiB":  {page(64 << 10), `"<p>"`},
		"short message":       {message(200), `"` + strings.Repeat("m", 200) + `"`},
		"long message":        {message(201), `"` + strings.Repeat("m", 200) + `…"`},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, server := open(t)
			server.Fault = func(githubtest.Request) githubtest.Fault { return tc.fault }
			if _, err := tracker.Create(t.Context(), post("checkout-1")); err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// TestServicesRepositoriesAreFew has an incident of four services with a repository each.
func TestServicesRepositoriesAreFew(t *testing.T) {
	tracker, server := open(t)
	named := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d"} {
		named[name] = "acme/" + name
		server.AddRepository(named[name])
	}
	tracker.Changes(of(named))(t.Context(), breach("a", "b", "c", "d"))
	looked := slices.DeleteFunc(server.Requests(), func(r githubtest.Request) bool { return strings.Count(r.Path, "/") != 3 })
	if len(looked) != 3 {
		t.Errorf("looked at %d repositories, want 3", len(looked))
	}
}

// TestALimitWithoutSense names a time that is too far away.
func TestALimitWithoutSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{24 * time.Hour: 24 * time.Hour, 25 * time.Hour: 24 * time.Hour} {
			server, operations := scene(t)
			server.Fault = func(githubtest.Request) githubtest.Fault { return githubtest.SecondaryLimit(403, asked) }
			var l issue.RateLimited
			if err := operations["create"](t.Context()); !errors.As(err, &l) || time.Until(l.Until) != want {
				t.Errorf("asked to wait for %s: %v", asked, err)
			}
		}
	})
}

// TestWritesAreASecondApart does not wait longer than that.
func TestWritesAreASecondApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, _ := open(t, func(o *github.Options) { o.WriteEvery = 0 })
		began := time.Now()
		for n := range 3 {
			create(t, tracker, post(fmt.Sprint("checkout-", n)))
		}
		if got := time.Since(began); got != 2*time.Second {
			t.Errorf("three writes take %s, want 2 s", got)
		}
	})
}

// redirects is a server that redirects a number of times, and then has the repository.
type redirects struct{ left int }

func (r *redirects) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(bytes.NewReader([]byte(`{"id": 1, "full_name": "` + acme + `", "login": "postburn-robot"}`))),
	}
	if r.left > 0 {
		r.left--
		answer.StatusCode = http.StatusMovedPermanently
		answer.Header.Set("Location", fmt.Sprintf("%s/repositories/1?left=%d", base, r.left))
	} else if strings.HasSuffix(req.URL.Path, "/issues") {
		answer.Body = io.NopCloser(strings.NewReader("[]"))
	}
	return answer, nil
}

func TestRedirectsAreFew(t *testing.T) {
	for n, ok := range map[int]bool{3: true, 4: false} {
		tracker, err := github.New(github.Options{Repository: acme, URL: base, Token: token, Transport: &redirects{n}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tracker.List(t.Context(), acme, time.Now()); (err == nil) != ok {
			t.Errorf("%d redirects: %v", n, err)
		}
	}
}
