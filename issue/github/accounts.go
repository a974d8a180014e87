package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	api "github.com/google/go-github/v60/github"
)

// accounts knows which accounts are postburn's own: the present one, and earlier ones.
type accounts struct {
	*connection
	apps  *api.Client    // nil without an app
	token *authorization // nil with an app
	home  string         // the default repository, for errors

	mu      sync.Mutex // guards what follows; not held during requests
	present login
	logins  map[string]bool // lower case
}

// login is an account, and its token.
type login struct{ name, token string }

func newAccounts(c *connection, signed credentials, o Options) *accounts {
	a := &accounts{connection: c, apps: signed.apps, token: signed.token, home: o.Repository, logins: map[string]bool{}}
	for _, l := range o.Logins {
		a.add(l)
	}
	return a
}

// whoami finds out the present account. It asks once for each token.
func (a *accounts) whoami(ctx context.Context) error {
	token := ""
	if a.token != nil {
		var err error
		if token, err = a.token.current(); err != nil {
			return a.failure("finding out whose token it is", a.home, nil, err)
		}
	}
	a.mu.Lock()
	known := a.present.name != "" && a.present.token == token
	a.mu.Unlock()
	if known {
		return nil
	}
	name, err := a.ask(ctx)
	if err != nil {
		return err
	}
	a.add(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.present = login{name, token}
	return nil
}

func (a *accounts) ask(ctx context.Context) (string, error) {
	if a.apps != nil {
		app, resp, err := a.apps.Apps.Get(ctx, "")
		if err != nil || app.GetSlug() == "" {
			return "", a.failure("finding out the app's name", a.home, resp, nameless(err))
		}
		return app.GetSlug() + "[bot]", nil
	}
	user, resp, err := a.client.Users.Get(ctx, "")
	if no := readAnswer(resp, err); no.status == http.StatusForbidden && !no.limited() && !no.isPage() && !no.saysSuspended() {
		return "", fmt.Errorf("finding out whose token it is: %w", refusal{BadToken, "the token belongs to no user; for an installation " +
			"of a GitHub App, give the app's ID, installation ID and private key instead"})
	}
	if err != nil || user.GetLogin() == "" {
		return "", a.failure("finding out whose token it is", a.home, resp, nameless(err))
	}
	return user.GetLogin(), nil
}

// nameless returns err, or an error about a missing name if err is nil.
func nameless(err error) error {
	if err == nil {
		return fmt.Errorf("the answer has no name")
	}
	return err
}

// add notes one of postburn's own accounts.
func (a *accounts) add(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name != "" {
		a.logins[strings.ToLower(name)] = true
	}
}

// isOwn reports whether an account is one of postburn's own.
func (a *accounts) isOwn(user *api.User) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.logins[strings.ToLower(user.GetLogin())]
}

// isPresent reports whether an account is the present one.
func (a *accounts) isPresent(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.EqualFold(name, a.present.name)
}

// all returns postburn's own accounts, sorted.
func (a *accounts) all() (names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.logins {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
