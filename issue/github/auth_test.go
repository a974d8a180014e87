package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
)

func save(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// privateKey is the key of all Apps: to make one takes long.
var privateKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// key writes the private key of an app.
func key(t *testing.T) string {
	t.Helper()
	private, err := privateKey()
	if err != nil {
		t.Fatal(err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	return save(t, filepath.Join(t.TempDir(), "key.pem"), string(content))
}

// TestTokenFileIsExchanged has the token replaced by one of another account while the tracker runs.
func TestTokenFileIsExchanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	tracker, server := open(t, func(o *github.Options) { o.Token, o.TokenFile = "", file })
	server.AddUser("ghp_second", githubtest.User{Login: "other-robot", Push: true})
	if _, err := tracker.Create(t.Context(), post("checkout-1")); !errors.Is(err, issue.ErrRefused) {
		t.Errorf("without a file: got %v, want ErrRefused: nothing was sent", err)
	}
	save(t, file, token+"\n")
	create(t, tracker, post("checkout-1"))
	server.RemoveToken(token)
	if _, err := tracker.Create(t.Context(), post("checkout-2")); !errors.Is(err, issue.ErrRefused) || !strings.Contains(fmt.Sprint(err), "give a new one") {
		t.Errorf("with a revoked token: got %v", err)
	}
	save(t, file, "ghp_second")
	create(t, tracker, post("checkout-2"))
	all, err := tracker.Find(t.Context(), post("checkout-1"), time.Now().Add(-time.Hour))
	if err != nil || len(all) != 2 {
		t.Errorf("found %+v, %v: the texts of both accounts are postburn's", all, err)
	}
	for _, bad := range []string{"", "two tokens"} {
		save(t, file, bad)
		if _, err := tracker.Create(t.Context(), post("checkout-3")); !errors.Is(err, issue.ErrRefused) || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("with %q in the file: got %v", bad, err)
		}
	}
}

func TestApp(t *testing.T) {
	app := func(o *github.Options) {
		o.Token, o.App = "", &github.App{ID: 1, InstallationID: 7, PrivateKeyFile: key(t)}
	}
	tracker, server := open(t, app)
	if err := tracker.Check(t.Context())[0].Err; !errors.Is(err, issue.ErrRefused) || !strings.Contains(fmt.Sprint(err), "app's") {
		t.Errorf("without an installation: %v", err)
	}
	server.AddInstallation(7, githubtest.User{Login: "postburn[bot]", Push: true, Issues: "read"})
	if err := newTracker(t, server, app).Check(t.Context())[0].Err; !errors.Is(err, issue.ErrRefused) || !strings.Contains(fmt.Sprint(err), `it has "read"`) {
		t.Errorf("with too little permission: %v", err)
	}
	server.AddInstallation(7, githubtest.User{Login: "postburn[bot]", Push: true, Issues: "write"})
	tracker = newTracker(t, server, app)
	if err := tracker.Check(t.Context())[0].Err; err != nil {
		t.Error(err)
	}
	create(t, tracker, post("checkout-1"))
	all, err := tracker.Find(t.Context(), post("checkout-1"), time.Now().Add(-time.Hour))
	if err != nil || len(all) != 1 {
		t.Errorf("found %+v, %v", all, err)
	}
}

// TestAppTokenFails has GitHub fail when the app asks for a token: nothing else was sent.
func TestAppTokenFails(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   githubtest.Fault
		limited bool
	}{
		"500":           {githubtest.Fails(500, false), false},
		"401":           {githubtest.Fails(401, false), false},
		"404":           {githubtest.Fails(404, false), false},
		"lost":          {githubtest.LostAfter(), false},
		"a web page":    {githubtest.WebPage(403, "Blocked"), false},
		"limited":       {githubtest.SecondaryLimit(403, time.Minute), true},
		"limited (429)": {githubtest.SecondaryLimit(429, 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, server := open(t, func(o *github.Options) {
				o.Token, o.App = "", &github.App{ID: 1, InstallationID: 7, PrivateKeyFile: key(t)}
			})
			server.Fault = func(githubtest.Request) githubtest.Fault { return tc.fault }
			_, err := tracker.Create(t.Context(), post("checkout-1"))
			if errors.As(err, new(issue.RateLimited)) != tc.limited || errors.Is(err, issue.ErrRefused) == tc.limited {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSuspendedInstallation(t *testing.T) {
	registry := prometheus.NewRegistry()
	tracker, server := open(t, func(o *github.Options) {
		o.Token, o.App, o.Registerer = "", &github.App{ID: 1, InstallationID: 7, PrivateKeyFile: key(t)}, registry
	})
	server.AddInstallation(7, githubtest.User{Login: "postburn[bot]", Push: true, Issues: "write", Suspended: true})
	_, err := tracker.Create(t.Context(), post("checkout-1"))
	if !errors.Is(err, issue.ErrRefused) || !strings.Contains(err.Error(), "the GitHub App's installation is suspended: an owner") {
		t.Errorf("got %v", err)
	}
	tracker.Check(t.Context())
	if diff := cmp.Diff([]string{acme + " suspended"}, states(t, registry)); diff != "" {
		t.Errorf("states in the metrics (-want +got):\n%s", diff)
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*githubtest.Server, *githubtest.Repository)
		says   string // nothing: no error
		state  github.Standing
	}{
		"all well":   {func(*githubtest.Server, *githubtest.Repository) {}, "", github.Ready},
		"public":     {func(_ *githubtest.Server, r *githubtest.Repository) { r.Private = false }, "", github.Ready},
		"archived":   {func(_ *githubtest.Server, r *githubtest.Repository) { r.Archived = true }, "is archived: take it out", github.Archived},
		"issues off": {func(_ *githubtest.Server, r *githubtest.Repository) { r.IssuesOff = true }, "issues are switched off", github.IssuesOff},
		"no repository": {
			func(_ *githubtest.Server, r *githubtest.Repository) { r.Gone = true }, "acme/checkout was not found: check its name", github.NotFound,
		},
		"single sign-on":     {func(_ *githubtest.Server, r *githubtest.Repository) { r.SSO = true }, `choose "Configure SSO"`, github.NoSSO},
		"no permission":      {user(func(u *githubtest.User) { u.Issues = "none" }), `grant "Issues: read and write" in acme/checkout`, github.NoPermission},
		"read alone":         {user(func(u *githubtest.User) { u.Issues = "read" }), `grant "Issues: read and write" in acme/checkout`, github.NoPermission},
		"no push access":     {user(func(u *githubtest.User) { u.Push = false }), "", github.Ready},
		"a missing scope":    {user(func(u *githubtest.User) { u.Scopes = "gist, user" }), `give it "repo"`, github.NoPermission},
		"a scope":            {user(func(u *githubtest.User) { u.Scopes = "gist, public_repo" }), "", github.Ready},
		"a token of no user": {user(func(u *githubtest.User) { u.Bot = true }), "give the app's ID", github.BadToken},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			tracker, server := open(t, func(o *github.Options) { o.Registerer = registry })
			server.Change(acme, func(r *githubtest.Repository) { tc.change(server, r) })
			got := tracker.Check(t.Context())[0]
			if tc.says == "" && got.Err != nil {
				t.Error(got.Err)
			}
			if tc.says != "" && (!errors.Is(got.Err, issue.ErrRefused) || !strings.Contains(fmt.Sprint(got.Err), tc.says)) {
				t.Errorf("got %v, want %q", got.Err, tc.says)
			}
			if got.Public != (name == "public") {
				t.Errorf("public: %v", got.Public)
			}
			if diff := cmp.Diff([]string{acme + " " + string(tc.state)}, states(t, registry)); diff != "" {
				t.Errorf("states in the metrics (-want +got):\n%s", diff)
			}
			tracker.Check(t.Context())
			written := 0
			for _, r := range server.Requests() {
				if r.IsWrite() && !strings.HasSuffix(r.Path, "/labels") {
					t.Errorf("the check wrote: %+v", r)
				} else if r.IsWrite() {
					written++
				}
			}
			if tc.state == github.Ready && written > 1 {
				t.Errorf("two checks make the label %d times", written)
			}
		})
	}
}

// states returns the repositories in the metrics, each with its state.
func states(t *testing.T, registry *prometheus.Registry) (all []string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "postburn_github_repository_state" && m.GetGauge().GetValue() == 1 {
				all = append(all, m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue())
			}
		}
	}
	return all
}

// TestStandings follows repositories through what a check finds and what writes meet: a refused
// write is believed until one is taken, since a check does not see all permissions.
func TestStandings(t *testing.T) {
	const other = "acme/other"
	registry := prometheus.NewRegistry()
	tracker, server := open(t, func(o *github.Options) { o.Registerer = registry })
	server.AddRepository(other)
	// so that a check sees less
	server.Change(acme, func(*githubtest.Repository) { server.TokenUser(token).Push = false })
	permit := func(issues string) {
		server.Change(acme, func(*githubtest.Repository) { server.TokenUser(token).Issues = issues })
	}
	// only the metrics matter
	write := func(key string) { _, _ = tracker.Create(t.Context(), post(key)) }
	check := func(repositories ...string) { tracker.Check(t.Context(), repositories...) }
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"nothing is known", func() {}, nil},
		{"both are checked", func() { check(acme, other) }, []string{acme + " ready", other + " ready"}},
		{"a write is refused", func() { permit("read"); write("checkout-1") }, []string{acme + " no_permission", other + " ready"}},
		{"the check does not see why", func() { check(acme, other) }, []string{acme + " no_permission", other + " ready"}},
		{"what is missing is granted", func() { permit("write"); write("checkout-2") }, []string{acme + " ready", other + " ready"}},
		{"one is not used any more", func() { check(acme) }, []string{acme + " ready"}},
		{"the token is revoked", func() { server.RemoveToken(token); check(acme) }, []string{acme + " bad_token"}},
	} {
		step.do()
		if diff := cmp.Diff(step.want, states(t, registry)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := github.Options{Repository: acme, Token: token}
	for name, change := range map[string]func(*github.Options){
		"no repository":     func(o *github.Options) { o.Repository = "" },
		"a bad repository":  func(o *github.Options) { o.Repository = "acme/.." },
		"no authentication": func(o *github.Options) { o.Token = "" },
		"two of them":       func(o *github.Options) { o.TokenFile = "x" },
		"no key": func(o *github.Options) {
			o.Token, o.App = "", &github.App{ID: 1, InstallationID: 1, PrivateKeyFile: "/does/not/exist"}
		},
		"a bad key": func(o *github.Options) {
			o.Token, o.App = "", &github.App{PrivateKeyFile: save(t, t.TempDir()+"/k", "hunter2")}
		},
		"no URL":            func(o *github.Options) { o.URL = "github.example.org" },
		"a URL with secret": func(o *github.Options) { o.URL = "https://user:hunter2@github.example.org" },
	} {
		o := good
		change(&o)
		if _, err := github.New(o); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), token) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := github.New(good); err != nil {
		t.Error(err)
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	tracker, _ := open(t, func(o *github.Options) { o.Registerer = registry })
	create(t, tracker, post("checkout-1"))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	want := `# HELP postburn_github_rate_limit_remaining Requests that GitHub's primary rate limit leaves, as of its last answer; 0 before the first one.
# TYPE postburn_github_rate_limit_remaining gauge
postburn_github_rate_limit_remaining 4000
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "postburn_github_rate_limit_remaining"); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(registry, "postburn_github_requests_total"); n != 5 {
		t.Errorf("%d outcomes, want 5 from the start", n)
	}
}
