package github

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	api "github.com/google/go-github/v60/github"
)

// credentials sign requests: with a token, or as a GitHub App.
type credentials struct {
	http.RoundTripper
	token   *authorization            // nil with an app
	install *ghinstallation.Transport // nil without an app
	apps    *api.Client               // as the app, not its installation; nil without an app
	reading http.RoundTripper         // reads services' repositories; nil without an app
}

// authenticate sets up the signing of requests.
func authenticate(o Options, base *url.URL, next http.RoundTripper) (credentials, error) {
	given := 0
	for _, is := range []bool{o.Token != "", o.TokenFile != "", o.App != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return credentials{}, fmt.Errorf("GitHub needs one of a token, a token file and an app, not %d", given)
	}
	if o.App == nil {
		token := &authorization{next: next, base: base, token: o.Token, file: o.TokenFile}
		return credentials{RoundTripper: token, token: token}, nil
	}
	key, err := os.ReadFile(o.App.PrivateKeyFile)
	if err != nil {
		return credentials{}, fmt.Errorf("reading the GitHub App's private key: %w", err)
	}
	apps, err := ghinstallation.NewAppsTransport(next, o.App.ID, key)
	if err != nil {
		return credentials{}, fmt.Errorf("reading the GitHub App's private key: %s is no RSA key in PEM", o.App.PrivateKeyFile)
	}
	apps.BaseURL = strings.TrimSuffix(base.String(), "/")
	// A second token reads what changed. GitHub refuses a token with permissions that the
	// installation lacks, and that must not block writing issues.
	// https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
	read := api.String("read")
	installation := func(permissions api.InstallationPermissions) *ghinstallation.Transport {
		t := ghinstallation.NewFromAppsTransport(apps, o.App.InstallationID)
		t.InstallationTokenOptions = &api.InstallationTokenOptions{Permissions: &permissions}
		return t
	}
	writing := installation(api.InstallationPermissions{Issues: api.String("write"), Metadata: read})
	return credentials{
		RoundTripper: writing, install: writing, apps: newClient(base, apps),
		reading: installation(api.InstallationPermissions{Metadata: read, Contents: read, Deployments: read, PullRequests: read}),
	}, nil
}

// authorization signs requests with a token, but never a request to another host.
type authorization struct {
	next        http.RoundTripper
	base        *url.URL
	token, file string
}

// current returns the present token.
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
