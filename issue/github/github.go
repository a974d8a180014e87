// Package github is the tracker that keeps post-mortems as issues of a GitHub repository. It writes each text once, knows its own
// texts again by their marker and author, and replaces a text only where it still stands as it was sent. It does not decide what is
// written or when, and it does not try again: package issue does. What goes wrong it sorts by whether GitHub did nothing, named a time
// to wait for, or may have acted.
package github

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/issue"
)

// writeEvery is the least time between two writes: what GitHub asks for, so that it need not limit.
const writeEvery = time.Second

// Options are what a Tracker is made of. Repository and one way of authentication are required.
type Options struct {
	Repository string // owner/name, of posts that name none
	URL        string // base of the API, for GitHub Enterprise Server; empty: https://api.github.com

	// One of these. A token may be of any kind that belongs to a user. A token's file is read for each request, so that it may be
	// exchanged.
	Token     string
	TokenFile string
	App       *App

	// Logins are accounts whose texts count as postburn's own, besides the one that it writes as now: those it wrote as before.
	Logins []string

	Transport  http.RoundTripper     // how requests travel; nil: over the network
	WriteEvery time.Duration         // least time between two writes; 0: 1 s
	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// App is a GitHub App that is installed where the repository is.
type App struct {
	ID, InstallationID int64
	PrivateKeyFile     string // PEM
}

// Tracker keeps issues at GitHub. It is an issue.Tracker. Its methods may be called by several goroutines; writes take turns.
type Tracker struct {
	repository string
	client     *api.Client
	reader     *api.Client               // for what changed in services' repositories; not the client only with an app
	apps       *api.Client               // as the app itself, not its installation; nil without an app
	install    *ghinstallation.Transport // nil without an app
	auth       *authorization            // nil with an app
	turn       turn
	logger     *slog.Logger
	metrics    *metrics

	mu      sync.Mutex // of what follows; not held during requests
	limits  int        // secondary limits in a row that named no time
	own     login
	logins  map[string]bool       // lower case
	repos   map[string]repository // by the name that it was asked for
	labels  map[string]bool       // made, by repository and lower-case name
	dropped map[string]bool       // said, by repository and name
	written map[string]Standing   // what the last write met, by repository
}

// New makes a tracker. It reads the app's key and makes no request. No error holds a secret.
func New(o Options) (*Tracker, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.WriteEvery <= 0 {
		o.WriteEvery = writeEvery
	}
	if !isRepository(o.Repository) {
		return nil, fmt.Errorf("the GitHub repository must be owner/name, not %q", o.Repository)
	}
	base, err := baseURL(o.URL)
	if err != nil {
		return nil, err
	}
	t := &Tracker{
		repository: o.Repository, turn: newTurn(o.WriteEvery), logger: o.Logger, metrics: newMetrics(o.Registerer),
		logins: map[string]bool{}, repos: map[string]repository{}, labels: map[string]bool{}, dropped: map[string]bool{},
		written: map[string]Standing{},
	}
	for _, l := range o.Logins {
		t.logins[strings.ToLower(l)] = true
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	signed, err := t.authenticate(o, base, hideReset{&counter{next: o.Transport, metrics: t.metrics}})
	if err != nil {
		return nil, err
	}
	t.client = newClient(base, newConditional(signed))
	if t.reader == nil {
		t.reader = t.client
	}
	return t, nil
}

func newClient(base *url.URL, transport http.RoundTripper) *api.Client {
	c := api.NewClient(&http.Client{Transport: transport, CheckRedirect: checkRedirect})
	c.BaseURL, c.UserAgent = base, "postburn"
	return c
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 10, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
	}
}

// baseURL does not repeat what was given: it may hold a password.
func baseURL(text string) (*url.URL, error) {
	if text == "" {
		text = "https://api.github.com"
	}
	u, err := url.Parse(strings.TrimRight(text, "/") + "/")
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URL of GitHub must be its API's base, like https://github.example.org/api/v3")
	}
	return u, nil
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+$`)

func isRepository(name string) bool {
	return repositoryName.MatchString(name) && !strings.HasSuffix(name, "/.") && !strings.HasSuffix(name, "/..")
}

// repositoryOf is the repository that a text is in: its address says so, ".../owner/name/issues/12#issuecomment-3".
func (t *Tracker) repositoryOf(ref issue.Ref) string {
	if u, err := url.Parse(ref.URL); err == nil {
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		if n := len(parts); n >= 4 && isRepository(parts[n-4]+"/"+parts[n-3]) {
			return parts[n-4] + "/" + parts[n-3]
		}
	}
	return t.repository
}

func (t *Tracker) repositoryFor(p issue.Post) string {
	switch {
	case p.Ref != issue.Ref{}:
		return t.repositoryOf(p.Ref)
	case p.Parent != nil:
		return t.repositoryOf(p.Parent.Ref)
	case p.Repository != "":
		return p.Repository
	}
	return t.repository
}
