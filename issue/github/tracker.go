package github

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"
)

// writeEvery is the least time between two writes: "wait at least one second between each request".
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const writeEvery = time.Second

// Options configure a Tracker. Repository and one way of authentication are required.
type Options struct {
	Repository string // owner/name, for posts that name none
	URL        string // API base, for GitHub Enterprise Server; empty: https://api.github.com

	// One of these. A token may be of any kind that belongs to a user. TokenFile is read for each
	// request, so that the token can be replaced.
	Token     string
	TokenFile string
	App       *App

	// Logins are earlier accounts of postburn. Their texts count as its own, like the present
	// account's.
	Logins []string

	// Allow returns why a repository may not be used, whoever names it; nil: all may. Nothing is
	// sent to GitHub about a forbidden one.
	Allow func(repository string) error

	Transport  http.RoundTripper     // nil: over the network
	WriteEvery time.Duration         // least time between two writes; 0: 1 s
	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// App is a GitHub App installed on the repository.
type App struct {
	ID, InstallationID int64
	PrivateKeyFile     string // PEM
}

// Tracker keeps issues at GitHub. It is an issue.Tracker and an issue.Reader, and its List is an
// issue.Lister, its ListMarked an issue.MarkedLister. Its methods may be called by several
// goroutines; writes take turns.
type Tracker struct {
	*writer
	*finder
	*people
	*excluder
	*checker
	*services
}

// New makes a tracker. It reads the app's key, but makes no request. Errors never hold a secret.
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
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	m := newMetrics(o.Registerer)
	signed, err := authenticate(o, base, hideReset{markPages{&counter{next: o.Transport, metrics: m}}})
	if err != nil {
		return nil, err
	}
	c := &connection{client: newClient(base, newConditional(signed)), turn: newTurn(o.WriteEvery), standings: newStandings(m)}
	reading := c.client
	if signed.reading != nil {
		reading = newClient(base, newConditional(signed.reading))
	}
	repos := newRepositories(c, o)
	issues := &issues{c, repos}
	own := newAccounts(c, signed, o)
	labels := &labels{connection: c, logger: o.Logger}
	find, read := &finder{c, repos, issues, own}, &people{c, repos, issues, own}
	return &Tracker{
		writer:   &writer{connection: c, repos: repos, issues: issues, accounts: own, labels: labels, logger: o.Logger},
		finder:   find,
		people:   read,
		excluder: &excluder{c, repos, find, read},
		checker:  &checker{c, repos, issues, own, o.Repository, signed.install},
		services: &services{c, repos, reading},
	}, nil
}

// ChangeOnlyIf has the tracker ask right before each change whether this process may make it. Else
// the error is issue.ErrRefused. Call it before any other method.
func (t *Tracker) ChangeOnlyIf(holds func() bool) { t.writer.holds = holds }

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

// baseURL does not repeat its input in errors: it may hold a password.
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
