package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"
)

// authenticate sets up how requests are signed.
func (t *Tracker) authenticate(o Options, base *url.URL, next http.RoundTripper) (http.RoundTripper, error) {
	given := 0
	for _, is := range []bool{o.Token != "", o.TokenFile != "", o.App != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, fmt.Errorf("GitHub needs one of a token, a token file and an app, not %d", given)
	}
	if o.App == nil {
		t.auth = &authorization{next: next, base: base, token: o.Token, file: o.TokenFile}
		return t.auth, nil
	}
	key, err := os.ReadFile(o.App.PrivateKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the GitHub App's private key: %w", err)
	}
	apps, err := ghinstallation.NewAppsTransport(next, o.App.ID, key)
	if err != nil {
		return nil, fmt.Errorf("reading the GitHub App's private key: %s is no RSA key in PEM", o.App.PrivateKeyFile)
	}
	apps.BaseURL = strings.TrimSuffix(base.String(), "/")
	t.install = ghinstallation.NewFromAppsTransport(apps, o.App.InstallationID)
	t.install.InstallationTokenOptions = &api.InstallationTokenOptions{
		Permissions: &api.InstallationPermissions{Issues: api.String("write"), Metadata: api.String("read")},
	}
	// What changed is read by a token of its own: GitHub refuses one that is to have permissions which the installation was not granted, and
	// that must not keep issues from being written.
	reading := ghinstallation.NewFromAppsTransport(apps, o.App.InstallationID)
	reading.InstallationTokenOptions = &api.InstallationTokenOptions{Permissions: &api.InstallationPermissions{
		Metadata: api.String("read"), Contents: api.String("read"), Deployments: api.String("read"), PullRequests: api.String("read"),
	}}
	t.apps, t.reader = newClient(base, apps), newClient(base, newConditional(reading))
	return t.install, nil
}

// authorization signs requests with a token, and no request to another host.
type authorization struct {
	next        http.RoundTripper
	base        *url.URL
	token, file string
}

// current is the token as it is now.
func (a *authorization) current() (string, error) {
	if a.file == "" {
		return a.token, nil
	}
	content, err := os.ReadFile(a.file)
	if err != nil {
		return "", notSent{fmt.Errorf("reading the GitHub token: %w", err)}
	}
	token := strings.TrimSpace(string(content))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", notSent{fmt.Errorf("reading the GitHub token: %s must hold a token and nothing else", a.file)}
	}
	return token, nil
}

func (a *authorization) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != a.base.Host || req.URL.Scheme != a.base.Scheme {
		return a.next.RoundTrip(req)
	}
	token, err := a.current()
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token)
	return a.next.RoundTrip(req)
}

// login is who the tracker writes as, and the token for which that was found out.
type login struct{ name, token string }

// whoami finds out who the tracker writes as. It asks once for each token.
func (t *Tracker) whoami(ctx context.Context) error {
	token := ""
	if t.auth != nil {
		var err error
		if token, err = t.auth.current(); err != nil {
			return t.failure("finding out whose token it is", t.repository, nil, err)
		}
	}
	t.mu.Lock()
	known := t.own.name != "" && t.own.token == token
	t.mu.Unlock()
	if known {
		return nil
	}
	name, err := t.askLogin(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own = login{name, token}
	t.logins[strings.ToLower(name)] = true
	return nil
}

func (t *Tracker) askLogin(ctx context.Context) (string, error) {
	if t.apps != nil {
		app, resp, err := t.apps.Apps.Get(ctx, "")
		if err != nil || app.GetSlug() == "" {
			return "", t.failure("finding out the app's name", t.repository, resp, nameless(err))
		}
		return app.GetSlug() + "[bot]", nil
	}
	user, resp, err := t.client.Users.Get(ctx, "")
	if a := readAnswer(resp, err); a.status == http.StatusForbidden && !a.limited() {
		return "", fmt.Errorf("finding out whose token it is: %w", refusal{BadToken, "the token belongs to no user; for an installation " +
			"of a GitHub App, give the app's ID, installation ID and private key instead"})
	}
	if err != nil || user.GetLogin() == "" {
		return "", t.failure("finding out whose token it is", t.repository, resp, nameless(err))
	}
	return user.GetLogin(), nil
}

// nameless is the error of an answer without a name where there is no other.
func nameless(err error) error {
	if err == nil {
		return fmt.Errorf("the answer has no name")
	}
	return err
}

// isOwn reports whether the tracker wrote what an account wrote.
func (t *Tracker) isOwn(user *api.User) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.logins[strings.ToLower(user.GetLogin())]
}
