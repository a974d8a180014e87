package github_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

func post(key string) issue.Post {
	return issue.Post{
		Key: key, Group: "checkout", Onset: time.Now().Add(-time.Minute),
		Text: issue.Text{Title: "checkout was unavailable", Body: "It failed.\n"}, Labels: []string{"service:checkout"},
	}
}

var final = issue.Text{Title: "checkout was unavailable for 17 minutes", Body: "It is over.\n"}

func create(t *testing.T, tracker issue.Tracker, p issue.Post) issue.Found {
	t.Helper()
	found, err := tracker.Create(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// operations returns all calls of a tracker, on an existing issue and comment. The issue is closed
// as completed.
func operations(tracker *github.Tracker, opened, commented issue.Found) map[string]func(context.Context) error {
	first := post("checkout-1")
	comment := issue.Post{Key: commented.Key, Parent: &opened, Text: commented.Text}
	find := func(p issue.Post) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := tracker.Find(ctx, p, time.Now().Add(-time.Hour))
			return err
		}
	}
	located := first
	located.Ref = opened.Ref
	return map[string]func(context.Context) error{
		"create":          func(ctx context.Context) error { _, err := tracker.Create(ctx, post("checkout-2")); return err },
		"comment":         func(ctx context.Context) error { _, err := tracker.Create(ctx, comment); return err },
		"find":            find(first),
		"find by place":   find(located),
		"find comment":    find(comment),
		"replace":         func(ctx context.Context) error { return tracker.Replace(ctx, opened, final) },
		"replace comment": func(ctx context.Context) error { return tracker.Replace(ctx, commented, issue.Text{Body: "Over.\n"}) },
		"list": func(ctx context.Context) error {
			_, err := tracker.List(ctx, "", time.Now().Add(-time.Hour))
			return err
		},
		"add labels": func(ctx context.Context) error {
			return tracker.Change(ctx, opened, issue.Change{Add: []string{"mine"}})
		},
		"reopen": func(ctx context.Context) error { return tracker.Change(ctx, opened, issue.Change{Reopen: true}) },
	}
}

// scene is a tracker with an issue that was closed, and a comment.
func scene(t *testing.T, change ...func(*github.Options)) (*githubtest.Server, map[string]func(context.Context) error) {
	t.Helper()
	tracker, server := open(t, change...)
	opened := create(t, tracker, post("checkout-1"))
	commented := create(t, tracker, issue.Post{Key: "checkout-1/progress", Parent: &opened, Text: issue.Text{Body: "Still.\n"}})
	if _, err := tracker.Find(t.Context(), post("checkout-1"), time.Now()); err != nil {
		t.Fatal(err)
	}
	server.Change(acme, func(r *githubtest.Repository) { r.Issues[0].State, r.Issues[0].Reason = "closed", "completed" })
	return server, operations(tracker, opened, commented)
}

// TestAnswers has each operation answered by each error that GitHub may give to any of them.
func TestAnswers(t *testing.T) {
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	unknown := func(err error) bool {
		return err != nil && !errors.Is(err, issue.ErrRefused) && !errors.Is(err, issue.ErrNotFound) && !errors.Is(err, issue.ErrEdited) &&
			!errors.As(err, new(issue.RateLimited))
	}
	refused := func(err error) bool { return errors.Is(err, issue.ErrRefused) && !errors.Is(err, issue.ErrNotFound) }
	limited := func(want time.Duration) func(error) bool {
		return func(err error) bool {
			var l issue.RateLimited
			return errors.As(err, &l) && !errors.Is(err, issue.ErrRefused) && l.Until.Equal(in(want))
		}
	}
	for name, tc := range map[string]struct {
		fault func() githubtest.Fault
		want  func(error) bool
		says  string
	}{
		"lost before":           {githubtest.LostBefore, unknown, "unexpected EOF"},
		"lost after":            {githubtest.LostAfter, unknown, "unexpected EOF"},
		"hangs":                 {githubtest.Hangs, unknown, "deadline exceeded"},
		"acts late":             {func() githubtest.Fault { return githubtest.ActsLate(75 * time.Second) }, unknown, "deadline exceeded"},
		"500":                   {fails(500, ""), unknown, "GitHub answered 500"},
		"502":                   {fails(502, ""), unknown, "GitHub answered 502"},
		"502 after it acted":    {func() githubtest.Fault { return githubtest.Fails(502, true) }, unknown, "GitHub answered 502"},
		"408":                   {fails(408, ""), unknown, "GitHub answered 408"},
		"a web page with 200":   {fails(200, ""), unknown, ""},
		"a proxy's page":        {page(403, "Blocked by policy"), refused, `GitHub answered 403 with a web page or text instead of JSON, "Blocked by policy": something in between`},
		"a page called missing": {page(404, "Not here"), refused, `"Not here"`},
		"a login page":          {page(200, "Sign in\u202e"), unknown, `GitHub answered 200 with a web page or text instead of JSON, "Sign in\u202e"`},
		"GitHub's unicorn":      {page(502, "Unicorn! &middot; GitHub"), unknown, `GitHub answered 502 with a web page or text instead of JSON, "Unicorn! · GitHub"`},
		"single sign-on": {fails(403, "Resource protected by organization SAML enforcement."), refused,
			`acme asks for single sign-on (SAML), for which the token is not authorized`},
		"suspended account":     {fails(403, "Sorry. Your account was suspended."), refused, "the account of the token is suspended"},
		"list of addresses":     {fails(403, "the acme organization has an IP allow list enabled"), refused, "acme has a list of addresses"},
		"nothing said":          {fails(403, ""), refused, `grant "Issues: read and write" in acme/checkout`},
		"bad token":             {fails(401, "Bad credentials"), refused, "GitHub does not take the token"},
		"missing permission":    {fails(403, "Resource not accessible"), refused, `grant "Issues: read and write" in acme/checkout`},
		"archived":              {fails(403, "Repository was archived so is read-only."), refused, "acme/checkout is archived: take it out"},
		"invalid":               {fails(422, "Validation Failed"), refused, `GitHub answered 422 "Validation Failed"`},
		"blocked for legal":     {fails(451, "Repository access blocked"), refused, "451"},
		"primary 403":           {func() githubtest.Fault { return githubtest.PrimaryLimit(403, in(20*time.Minute)) }, limited(20 * time.Minute), ""},
		"primary 429":           {func() githubtest.Fault { return githubtest.PrimaryLimit(429, in(20*time.Minute)) }, limited(20 * time.Minute), ""},
		"secondary 403 named":   {func() githubtest.Fault { return githubtest.SecondaryLimit(403, 90*time.Second) }, limited(90 * time.Second), ""},
		"secondary 429 named":   {func() githubtest.Fault { return githubtest.SecondaryLimit(429, 90*time.Second) }, limited(90 * time.Second), ""},
		"secondary 403 unnamed": {func() githubtest.Fault { return githubtest.SecondaryLimit(403, 0) }, limited(time.Minute), ""},
		"secondary 429 unnamed": {func() githubtest.Fault { return githubtest.SecondaryLimit(429, 0) }, limited(time.Minute), ""},
		"403 that only says so": {fails(403, "You have exceeded a secondary rate limit."), limited(time.Minute), ""},
		"429 and nothing else":  {fails(429, ""), limited(time.Minute), ""},
		"403 by an old server":  {fails(403, "You have triggered an abuse detection mechanism."), limited(time.Minute), ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range names() {
				synctest.Test(t, func(t *testing.T) {
					server, operations := scene(t)
					server.Fault = func(githubtest.Request) githubtest.Fault { return tc.fault() }
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					err := operations[op](ctx)
					if strings.Contains(fmt.Sprint(err), `""`) {
						t.Errorf("%s: says nothing: %v", op, err)
					}
					if !tc.want(err) || !strings.Contains(fmt.Sprint(err), tc.says) || strings.Contains(fmt.Sprint(err), token) {
						t.Errorf("%s: got %v", op, err)
					}
				})
			}
		})
	}
}

// names returns the operations' names.
func names() (all []string) {
	for name := range operations(nil, issue.Found{}, issue.Found{}) {
		all = append(all, name)
	}
	return all
}

func page(status int, title string) func() githubtest.Fault {
	return func() githubtest.Fault { return githubtest.WebPage(status, title) }
}

func fails(status int, message string) func() githubtest.Fault {
	return func() githubtest.Fault {
		f := githubtest.Fails(status, false)
		f.Message = message
		return f
	}
}

// TestStates has each operation meet a repository that people have changed. None of it may be taken
// for a text that a person removed.
func TestStates(t *testing.T) {
	writes := map[string]bool{"create": true, "comment": true, "replace": true, "replace comment": true, "reopen": true, "add labels": true}
	for name, tc := range map[string]struct {
		change     func(*githubtest.Server, *githubtest.Repository)
		writesOnly bool
		says       string
	}{
		"archived":          {func(_ *githubtest.Server, r *githubtest.Repository) { r.Archived = true }, true, "is archived"},
		"single sign-on":    {func(_ *githubtest.Server, r *githubtest.Repository) { r.SSO = true }, false, `choose "Configure SSO" and authorize it for acme`},
		"issues off":        {func(_ *githubtest.Server, r *githubtest.Repository) { r.IssuesOff = true }, false, "issues are switched off in acme/checkout"},
		"repository gone":   {func(_ *githubtest.Server, r *githubtest.Repository) { r.Gone = true }, false, "acme/checkout was not found"},
		"no access":         {user(func(u *githubtest.User) { u.NoAccess = true }), false, "acme/checkout was not found"},
		"issues unreadable": {user(func(u *githubtest.User) { u.Issues = "none" }), false, `grant "Issues: read and write"`},
		"issues read only":  {user(func(u *githubtest.User) { u.Issues = "read" }), true, "(GitHub asks for issues=write)"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range names() {
				server, operations := scene(t)
				server.Change(acme, func(r *githubtest.Repository) { tc.change(server, r) })
				err := operations[op](t.Context())
				if tc.writesOnly && !writes[op] {
					if err != nil {
						t.Errorf("%s: %v", op, err)
					}
					continue
				}
				if !errors.Is(err, issue.ErrRefused) || errors.Is(err, issue.ErrNotFound) || !strings.Contains(fmt.Sprint(err), tc.says) {
					t.Errorf("%s: got %v, want it refused with %q", op, err, tc.says)
				}
			}
		})
	}
}

// user changes the account of the token.
func user(change func(*githubtest.User)) func(*githubtest.Server, *githubtest.Repository) {
	return func(s *githubtest.Server, _ *githubtest.Repository) { change(s.TokenUser(token)) }
}

// TestWriteCalledNotFound: a classic token without the scope may read a public repository, and each
// of its writes is "not found".
func TestWriteCalledNotFound(t *testing.T) {
	for _, op := range []string{"comment", "replace", "replace comment", "reopen", "add labels"} {
		server, operations := scene(t)
		server.Fault = func(r githubtest.Request) githubtest.Fault {
			if r.IsWrite() {
				return githubtest.Fails(404, false)
			}
			return githubtest.Fault{}
		}
		if err := operations[op](t.Context()); !errors.Is(err, issue.ErrRefused) || errors.Is(err, issue.ErrNotFound) {
			t.Errorf("%s: got %v, want it refused: the text is still there", op, err)
		}
	}
}

// TestLockedConversation: an account without push access can't comment, but can change its own
// issue and comments.
func TestLockedConversation(t *testing.T) {
	registry := prometheus.NewRegistry()
	server, operations := scene(t, func(o *github.Options) { o.Registerer = registry })
	server.Change(acme, func(r *githubtest.Repository) { r.Issues[0].Locked, server.TokenUser(token).Push = true, false })
	err := operations["comment"](t.Context())
	if !errors.Is(err, issue.ErrRefused) || errors.Is(err, issue.ErrNotFound) ||
		!strings.Contains(err.Error(), "commenting on issue 1 of acme/checkout") || !strings.Contains(err.Error(), "the conversation is locked") ||
		strings.Contains(err.Error(), "permission") {
		t.Errorf("commenting: got %v", err)
	}
	for _, op := range []string{"replace", "replace comment", "create", "find comment"} {
		if err := operations[op](t.Context()); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if diff := cmp.Diff([]string{acme + " ready"}, states(t, registry)); diff != "" {
		t.Errorf("it is about one issue, and the repository (-want +got):\n%s", diff)
	}
}

// TestTwoAnswersAreNoProof has GitHub call a text "not found" once or twice, and something else
// when it is asked again.
func TestTwoAnswersAreNoProof(t *testing.T) {
	for name, then := range map[string]githubtest.Fault{
		"there after all": {}, "fails": githubtest.Fails(500, false), "limits": githubtest.SecondaryLimit(403, time.Minute),
	} {
		for misses := 1; misses <= 2; misses++ {
			server, operations := scene(t)
			times := 0
			server.Fault = func(r githubtest.Request) githubtest.Fault {
				if !strings.HasSuffix(r.Path, "/issues/1") {
					return githubtest.Fault{}
				}
				if times++; times <= misses {
					return githubtest.Fails(404, false)
				}
				return then
			}
			if err := operations["replace"](t.Context()); err == nil || errors.Is(err, issue.ErrNotFound) || times != misses+1 {
				t.Errorf("%s after %d: got %v after %d answers", name, misses, err, times)
			}
		}
	}
}

// TestPageIsNoProof has a proxy answer for one address alone.
func TestPageIsNoProof(t *testing.T) {
	for _, op := range []string{"replace", "find by place", "reopen"} {
		server, operations := scene(t)
		server.Fault = func(r githubtest.Request) githubtest.Fault {
			if strings.HasSuffix(r.Path, "/issues/1") {
				return githubtest.WebPage(404, "Not here")
			}
			return githubtest.Fault{}
		}
		if err := operations[op](t.Context()); !errors.Is(err, issue.ErrRefused) || errors.Is(err, issue.ErrNotFound) {
			t.Errorf("%s: got %v, want it refused: nobody has removed the text", op, err)
		}
	}
}

func TestLimitsWithoutATimeGrowLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, operations := scene(t)
		limit := true
		server.Fault = func(githubtest.Request) githubtest.Fault {
			if limit {
				return githubtest.SecondaryLimit(403, 0)
			}
			return githubtest.Fault{}
		}
		next := func() time.Duration {
			var l issue.RateLimited
			if err := operations["create"](t.Context()); err != nil && !errors.As(err, &l) {
				t.Fatal(err)
			}
			return time.Until(l.Until)
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if got := next(); got != want*time.Minute {
				t.Errorf("limited for %s, want %d min", got, want)
			}
			time.Sleep(time.Hour)
		}
		limit = false
		next()
		limit = true
		if got := next(); got != time.Minute {
			t.Errorf("limited for %s after a write, want a minute again", got)
		}
	})
}

// TestResetByAnotherClock: GitHub names a time by its own clock.
func TestResetByAnotherClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, operations := scene(t)
		server.Fault = func(githubtest.Request) githubtest.Fault {
			f := githubtest.PrimaryLimit(403, time.Now().Add(-10*time.Minute))
			f.Header["Date"] = time.Now().Add(-30 * time.Minute).UTC().Format(http.TimeFormat)
			return f
		}
		var l issue.RateLimited
		if err := operations["create"](t.Context()); !errors.As(err, &l) || time.Until(l.Until) != 20*time.Minute {
			t.Errorf("got %v, want 20 minutes", err)
		}
	})
}

func TestGitHubThatCannotBeReachedDidNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	tracker, err := github.New(github.Options{Repository: acme, URL: "http://" + l.Addr().String(), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tracker.Create(t.Context(), post("checkout-1")); !errors.Is(err, issue.ErrRefused) || !strings.Contains(err.Error(), "can't be reached") {
		t.Errorf("got %v, want ErrRefused: nothing was sent", err)
	}
}
