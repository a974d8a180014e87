package githubtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// accounts are the accounts that tokens and apps stand for.
type accounts struct {
	tokens map[string]*User
	apps   map[int64]*User // by installation
	issued int             // installation tokens
}

func (a *accounts) add(token string, u *User) {
	if a.tokens == nil {
		a.tokens = map[string]*User{}
	}
	a.tokens[token] = u
}

func (a *accounts) get(token string) *User { return a.tokens[token] }

func (a *accounts) remove(token string) { delete(a.tokens, token) }

func (a *accounts) install(id int64, u *User) {
	if a.apps == nil {
		a.apps = map[int64]*User{}
	}
	a.apps[id] = u
}

// installed returns the account of an installation; nil if there is none.
func (a *accounts) installed(id int64) *User { return a.apps[id] }

// bot returns the app's account; nil if it is not installed.
func (a *accounts) bot() *User {
	for _, u := range a.apps {
		return u
	}
	return nil
}

// issue makes a token for an installation's account.
func (a *accounts) issue(u *User) (token string) {
	a.issued++
	token = fmt.Sprintf("ghs_%d", a.issued)
	a.add(token, u)
	return token
}

// of returns the account that a request is signed for; nil if there is none.
func (a *accounts) of(r *http.Request) *User {
	token := r.Header.Get("Authorization")
	for _, prefix := range []string{"Bearer ", "token "} {
		token = strings.TrimPrefix(token, prefix)
	}
	return a.get(token)
}

// byLogin returns the account of that name; nil if there is none.
func (a *accounts) byLogin(login string) *User {
	for _, u := range a.tokens {
		if strings.EqualFold(u.Login, login) {
			return u
		}
	}
	return nil
}

// appCalls answers an app's own requests.
type appCalls struct{ *call }

// serve checks only the form of what the app signed.
func (c appCalls) serve(path []string) {
	if strings.Count(c.r.Header.Get("Authorization"), ".") != 2 {
		panic(failed{status: 401, message: "A JSON web token could not be decoded"})
	}
	if len(path) == 1 {
		if u := c.accounts.bot(); u != nil {
			c.answer(200, c.app(strings.TrimSuffix(u.Login, "[bot]")))
			return
		}
	}
	if len(path) != 4 || c.r.Method != http.MethodPost {
		c.notFound()
	}
	id, _ := strconv.ParseInt(path[2], 10, 64)
	u := c.accounts.installed(id)
	if u == nil {
		c.notFound()
	}
	if u.Suspended {
		panic(failed{status: 403, message: "This installation has been suspended"})
	}
	c.mayHave(u)
	token := c.accounts.issue(u)
	permissions := map[string]string{"metadata": "read"}
	if u.Issues != "" {
		permissions["issues"] = u.Issues
	}
	c.answer(201, map[string]any{
		"token": token, "expires_at": stamp(time.Now().Add(time.Hour)), "permissions": permissions, "repository_selection": "selected",
	})
}

// mayHave ends the call if the token asks for more than the installation was granted.
func (c appCalls) mayHave(u *User) {
	var asked struct{ Permissions map[string]string }
	if len(c.body) > 0 {
		c.read(&asked, "permissions", "repositories", "repository_ids")
	}
	for _, permission := range u.Lacks {
		if asked.Permissions[permission] != "" {
			panic(failed{status: 422, message: "The permissions requested are not granted to this installation."})
		}
	}
}
